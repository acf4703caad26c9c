//! A document as a tree of nodes in one arena.

use std::sync::OnceLock;

use serde_json::{Map, Value as Json};

/// Where something stands: byte offsets into a file, the end exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Index of the file among those that were given.
    pub file: u32,
    /// First byte.
    pub start: u32,
    /// Byte after the last.
    pub end: u32,
}

/// One YAML or JSON document.
///
/// # Cost
/// 20 bytes per node, 4 per child and 4 per key beside the text, and a copy of each scalar that is written with escapes or over several lines.
#[derive(Debug)]
pub struct Document<'t> {
    pub(super) file: u32,
    pub(super) text: &'t str,
    pub(super) nodes: Vec<NodeData>,
    /// Indexes of nodes, and before those of a mapping the [fingerprints](fingerprint) of its keys.
    pub(super) children: Vec<u32>,
    /// Scalars whose value is not a piece of the text, one after the other.
    pub(super) decoded: String,
    pub(super) root: u32,
    /// Whether some mapping merges others in, with `<<`.
    pub(super) has_merges: bool,
    /// Whether the schema of the whole finds nothing wrong, once that was looked at: files that stay read are looked at once.
    pub(crate) is_valid: OnceLock<bool>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct NodeData {
    pub start: u32,
    pub end: u32,
    pub content: Content,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Content {
    /// A scalar that stands in the text as it is.
    Verbatim {
        start: u32,
        end: u32,
        is_plain: bool,
    },
    /// A scalar in `Document::decoded`.
    Decoded {
        start: u32,
        end: u32,
        is_plain: bool,
    },
    /// Children from `first` on.
    Sequence {
        first: u32,
        length: u32,
    },
    /// From `first` on `length` fingerprints, then as many keys and values in turn.
    Mapping {
        first: u32,
        length: u32,
    },
    Alias(u32),
}

/// A node of a document. Aliases are followed, merge keys (`<<`) looked into.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    document: &'a Document<'a>,
    index: u32,
}

/// What a node holds, as Kubernetes reads it: YAML 1.1 words for booleans, see `sigs.k8s.io/yaml` 1.4.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Nothing, `~` or `null`.
    Null,
    /// `true`, `yes`, `on` and their opposites.
    Bool(bool),
    /// A whole number that fits.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(&'a str),
    /// A list.
    Sequence,
    /// A mapping.
    Mapping,
}

impl Value<'_> {
    /// What a reader of manifests calls it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Integer(_) => "integer",
            Self::Float(_) => "number",
            Self::Text(_) => "string",
            Self::Sequence => "array",
            Self::Mapping => "object",
        }
    }
}

impl<'t> Document<'t> {
    /// The outermost node.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        Node { document: self, index: self.root }
    }

    /// How many nodes there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether a node is the scalar `key`.
    fn is_key(&self, index: u32, key: &str) -> bool {
        let (text, start, end) = match self.nodes.get(index as usize).map(|node| node.content) {
            Some(Content::Verbatim { start, end, .. }) => (self.text, start, end),
            Some(Content::Decoded { start, end, .. }) => (self.decoded.as_str(), start, end),
            _ => return false,
        };
        text.as_bytes().get(start as usize..end as usize) == Some(key.as_bytes())
    }

    /// Whether there is no node.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The file's text.
    #[must_use]
    pub const fn text(&self) -> &'t str {
        self.text
    }
}

impl PartialEq for Node<'_> {
    /// Whether both are the same node of the same document.
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.document, other.document) && self.index == other.index
    }
}

impl Eq for Node<'_> {}

impl<'a> Node<'a> {
    fn data(self) -> Option<NodeData> {
        self.document.nodes.get(self.index as usize).copied()
    }

    /// What it holds, or what its alias stands for.
    fn content(self) -> Option<Content> {
        match self.data()?.content {
            Content::Alias(index) => Self { index, ..self }.data().map(|data| data.content),
            content => Some(content),
        }
    }

    /// Where it is written.
    #[must_use]
    pub fn place(self) -> Place {
        let (start, end) = self.data().map_or((0, 0), |data| (data.start, data.end));
        Place { file: self.document.file, start, end }
    }

    /// The document that it is in.
    #[must_use]
    pub const fn document(self) -> &'a Document<'a> {
        self.document
    }

    /// A scalar's characters, however it is quoted; `None` for lists and mappings.
    #[must_use]
    pub fn text(self) -> Option<&'a str> {
        match self.content()? {
            Content::Verbatim { start, end, .. } => self.document.text.get(start as usize..end as usize),
            Content::Decoded { start, end, .. } => self.document.decoded.get(start as usize..end as usize),
            _ => None,
        }
    }

    /// Whether it is a scalar without quotes.
    #[must_use]
    pub fn is_plain(self) -> bool {
        matches!(self.content(), Some(Content::Verbatim { is_plain: true, .. } | Content::Decoded { is_plain: true, .. }))
    }

    /// What it holds.
    #[must_use]
    pub fn value(self) -> Value<'a> {
        match self.content() {
            Some(Content::Sequence { .. }) => Value::Sequence,
            Some(Content::Mapping { .. }) => Value::Mapping,
            Some(Content::Verbatim { is_plain, .. } | Content::Decoded { is_plain, .. }) => {
                let text = self.text().unwrap_or_default();
                if is_plain { plain(text) } else { Value::Text(text) }
            }
            _ => Value::Null,
        }
    }

    /// A text, or nothing where it is a number, a boolean or no scalar.
    #[must_use]
    pub fn as_str(self) -> Option<&'a str> {
        match self.value() {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A boolean.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        match self.value() {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// A whole number.
    #[must_use]
    pub fn as_integer(self) -> Option<i64> {
        match self.value() {
            Value::Integer(value) => Some(value),
            _ => None,
        }
    }

    /// Whether it is a mapping.
    #[must_use]
    pub fn is_mapping(self) -> bool {
        matches!(self.content(), Some(Content::Mapping { .. }))
    }

    /// Whether it is a list.
    #[must_use]
    pub fn is_sequence(self) -> bool {
        matches!(self.content(), Some(Content::Sequence { .. }))
    }

    /// Whether it is null or an empty list, mapping or text.
    #[must_use]
    pub fn is_empty(self) -> bool {
        match self.content() {
            Some(Content::Sequence { length, .. } | Content::Mapping { length, .. }) => length == 0,
            _ => matches!(self.value(), Value::Null | Value::Text("")),
        }
    }

    fn children(self, first: u32, count: u32) -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator + Clone {
        let range = first as usize..(first as usize).saturating_add(count as usize);
        let document = self.document;
        document.children.get(range).unwrap_or_default().iter().map(move |index| Node { document, index: *index })
    }

    /// The elements of a list, or keys and values of a mapping in turn.
    fn nested(self, content: Option<Content>) -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator + Clone {
        match content {
            Some(Content::Sequence { first, length }) => self.children(first, length),
            Some(Content::Mapping { first, length }) => self.children(first.saturating_add(length), length.saturating_mul(2)),
            _ => self.children(0, 0),
        }
    }

    /// The elements of a list; none for anything else.
    pub fn items(self) -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator + Clone {
        self.nested(self.content().filter(|content| matches!(content, Content::Sequence { .. })))
    }

    /// Keys and values of a mapping, without what it merges in; none for anything else.
    pub fn entries(self) -> impl Iterator<Item = (Self, Self)> + Clone {
        let mut flat = self.nested(self.content().filter(|content| matches!(content, Content::Mapping { .. })));
        std::iter::from_fn(move || Some((flat.next()?, flat.next()?)))
    }

    /// The value of a key, also where `<<` merges it in.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Self> {
        self.entry(key).map(|(_, value)| value)
    }

    /// A key and its value, also where `<<` merges them in.
    #[must_use]
    pub fn entry(self, key: &str) -> Option<(Self, Self)> {
        self.own_entry(key).or_else(|| {
            let merged = self.document.has_merges.then(|| self.own_entry("<<")).flatten()?.1;
            merged.own_entry(key).or_else(|| merged.items().find_map(|mapping| mapping.own_entry(key)))
        })
    }

    /// The last of equal keys counts, as it does for Kubernetes.
    fn own_entry(self, key: &str) -> Option<(Self, Self)> {
        let Some(Content::Mapping { first, length }) = self.content() else { return None };
        let (document, length) = (self.document, length as usize);
        let (fingerprints, pairs) = document.children.get(first as usize..)?.split_at_checked(length)?;
        let node = |index: u32| Self { document, index };
        let wanted = fingerprint(key);
        let alike = fingerprints.iter().enumerate().rev().filter(|(_, known)| **known == wanted);
        alike.map(|(at, _)| at * 2).find_map(|at| match pairs.get(at..at + 2)? {
            [name, value] if document.is_key(*name, key) => Some((node(*name), node(*value))),
            _ => None,
        })
    }

    /// The value under several keys, one in the other.
    #[must_use]
    pub fn at(self, path: &[&str]) -> Option<Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The text under several keys.
    #[must_use]
    pub fn str_at(self, path: &[&str]) -> Option<&'a str> {
        self.at(path)?.as_str()
    }

    /// What it holds, without its form: order of keys, quotes, comments, anchors.
    #[must_use]
    pub fn to_json(self) -> Json {
        match self.value() {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::from(value),
            Value::Integer(value) => Json::from(value),
            Value::Float(value) => Json::from(value),
            Value::Text(value) => Json::from(value),
            Value::Sequence => self.items().map(Self::to_json).collect(),
            Value::Mapping => Json::Object(self.to_map()),
        }
    }

    fn to_map(self) -> Map<String, Json> {
        let mut map = Map::new();
        let is_merge = |key: Self| key.is_plain() && key.text() == Some("<<");
        for (_, merged) in self.entries().filter(|(key, _)| is_merge(*key)) {
            let sources = if merged.is_sequence() { merged.items().rev().collect() } else { vec![merged] };
            sources.into_iter().for_each(|source| map.extend(source.to_map()));
        }
        let own = self.entries().filter(|(key, _)| !is_merge(*key));
        map.extend(own.filter_map(|(key, value)| Some((key.text()?.to_owned(), value.to_json()))));
        map
    }

    /// The elements of the list under a key; none where it is absent.
    pub fn list(self, key: &str) -> impl DoubleEndedIterator<Item = Self> + Clone {
        self.get(key).into_iter().flat_map(Self::items)
    }

    /// Every node under it, keys included, itself first and in the order of the text. What an alias stands for is not visited again.
    pub fn descendants(self) -> impl Iterator<Item = Self> {
        let mut due = vec![self];
        std::iter::from_fn(move || {
            let node = due.pop()?;
            let nested = node.nested(node.data().map(|data| data.content));
            due.extend(nested.rev());
            Some(node)
        })
    }
}

/// What tells most keys apart without a look at the text: length and three letters.
pub(super) fn fingerprint(key: &str) -> u32 {
    let bytes = key.as_bytes();
    let at = |index: usize| bytes.get(index).copied().unwrap_or_default();
    let length = bytes.len().to_le_bytes().first().copied().unwrap_or_default();
    u32::from_le_bytes([length, at(0), at(bytes.len() / 2), at(bytes.len().saturating_sub(1))])
}

/// The characters of a scalar, by its index.
pub(super) fn text_of<'a>(document: &'a Document<'_>, index: u32) -> Option<&'a str> {
    match document.nodes.get(index as usize)?.content {
        Content::Verbatim { start, end, .. } => document.text.get(start as usize..end as usize),
        Content::Decoded { start, end, .. } => document.decoded.get(start as usize..end as usize),
        _ => None,
    }
}

/// A scalar without quotes.
fn plain(text: &str) -> Value<'_> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "y" | "Y" => Value::Bool(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "n" | "N" => Value::Bool(false),
        _ => number(text).unwrap_or(Value::Text(text)),
    }
}

fn number(text: &str) -> Option<Value<'_>> {
    let first = text.bytes().next()?;
    if !(first.is_ascii_digit() || matches!(first, b'-' | b'+' | b'.')) {
        return None;
    }
    let (sign, digits) = text.strip_prefix('-').map_or((1, text.strip_prefix('+').unwrap_or(text)), |rest| (-1, rest));
    let radix = |prefix: &str, radix| i64::from_str_radix(digits.strip_prefix(prefix)?, radix).ok();
    if let Some(value) = radix("0x", 16).or_else(|| radix("0o", 8)).or_else(|| radix("0b", 2)) {
        return Some(Value::Integer(sign * value));
    }
    let is_octal = digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(value) = is_octal.then(|| i64::from_str_radix(digits, 8).ok()).flatten() {
        return Some(Value::Integer(sign * value));
    }
    if let Ok(value) = text.parse::<i64>() {
        return Some(Value::Integer(value));
    }
    let is_float = digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'-' | b'+'))
        && digits.bytes().any(|byte| byte.is_ascii_digit());
    is_float.then(|| text.parse().ok().map(Value::Float)).flatten()
}
