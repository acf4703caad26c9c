//! One file to documents, and what is wrong with those that cannot be read.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use foldhash::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use crate::kustomize::FileMark;

use super::node::{Content, Document, NodeData, Place, fingerprint, text_of};
use super::split::documents;

/// Deepest nesting that is read. Kubernetes' own JSON decoder stops at 10,000; no manifest in use goes beyond 30.
pub const MAX_DEPTH: usize = 200;

/// How many nodes a document may have once its aliases are written out. Kubernetes allows a tenth of a document to come from aliases.
const MAX_EXPANDED: u64 = 10_000_000;

/// Keys of one mapping up to which equal ones are looked for one by one.
const FEW_KEYS: usize = 12;

/// What a file holds.
#[derive(Debug, Default)]
pub struct Parsed<'t> {
    /// The documents that could be read, in order.
    pub documents: Vec<Document<'t>>,
    /// What could not.
    pub faults: Vec<Fault>,
    /// What is known of the file from those beside it.
    pub mark: FileMark,
}

/// Something that is wrong with a document before anybody asks what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What.
    pub kind: FaultKind,
    /// Whether the document names an API version and a kind, as manifests do.
    pub is_manifest: bool,
}

/// What is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// It is no YAML; the parser's words.
    Syntax(String),
    /// It is a template that was not rendered.
    Template,
    /// A key stands twice in a mapping; the place of the first.
    DuplicateKey(Place),
    /// It is nested deeper than [`MAX_DEPTH`].
    Depth,
    /// Its aliases multiply, or one stands within what it stands for.
    Aliases,
}

/// Reads a file. Each document is read alone: what is wrong with one leaves the others.
#[must_use]
pub fn parse(file: u32, text: &str) -> Parsed<'_> {
    let mut parsed = Parsed::default();
    for range in documents(text) {
        DocumentReader::new(file, text, range).read(&mut parsed);
    }
    parsed
}

/// Reads the document in a range of a file, as [`documents`] gives them.
#[must_use]
pub fn parse_document(file: u32, text: &str, range: (usize, usize)) -> Parsed<'_> {
    let mut parsed = Parsed::default();
    DocumentReader::new(file, text, range).read(&mut parsed);
    parsed
}

/// A mapping or list that is not yet at its end.
struct OpenCollection {
    node: u32,
    /// How many children wait on the stack of children.
    from: usize,
    is_mapping: bool,
    anchor: usize,
    weight: u64,
}

struct DocumentReader<'t> {
    file: u32,
    text: &'t str,
    chunk: Cow<'t, str>,
    offset: usize,
    clock: Offsets,
    document: Document<'t>,
    open: Vec<OpenCollection>,
    waiting: Vec<u32>,
    /// Node and expanded weight of each anchor.
    anchors: BTreeMap<usize, (u32, u64)>,
    faults: Vec<Fault>,
    has_template: bool,
    has_unread_template: bool,
    is_relaxed: bool,
    is_manifest: bool,
}

/// From characters, which the parser counts, to bytes.
#[derive(Default)]
struct Offsets {
    characters: usize,
    bytes: usize,
}

impl Offsets {
    fn byte(&mut self, text: &str, character: usize) -> usize {
        if character < self.characters {
            *self = Self::default();
        }
        let rest = text.get(self.bytes..).unwrap_or_default();
        let wanted = character - self.characters;
        // Most manifests are ASCII up to here.
        let ascii = rest.get(..wanted).is_some_and(str::is_ascii);
        let step = if ascii { wanted } else { rest.char_indices().nth(wanted).map_or(rest.len(), |(at, _)| at) };
        self.characters = character;
        self.bytes += step;
        self.bytes
    }
}

impl<'t> DocumentReader<'t> {
    fn new(file: u32, text: &'t str, (start, end): (usize, usize)) -> Self {
        let chunk = text.get(start..end).unwrap_or_default();
        Self {
            file,
            text,
            chunk: without_tabs(chunk),
            offset: start,
            clock: Offsets::default(),
            document: empty(file, text, chunk.len()),
            open: Vec::new(),
            waiting: Vec::new(),
            anchors: BTreeMap::new(),
            faults: Vec::new(),
            has_template: template(chunk).is_some(),
            has_unread_template: false,
            is_relaxed: false,
            is_manifest: chunk.contains("apiVersion") && chunk.contains("kind"),
        }
    }

    fn read(mut self, parsed: &mut Parsed<'t>) {
        let chunk = std::mem::take(&mut self.chunk);
        let is_bom = chunk.starts_with('\u{feff}');
        let body = chunk.strip_prefix('\u{feff}').unwrap_or(&chunk);
        let range = (self.offset, self.offset + chunk.len());
        self.offset += if is_bom { '\u{feff}'.len_utf8() } else { 0 };
        let documents = parsed.documents.len();
        for event in Parser::new_from_str(body) {
            let outcome = match event {
                Ok((event, span)) => self.take(body, event, span, parsed),
                Err(error) => Err(self.syntax(body, &error)),
            };
            if let Err(fault) = outcome {
                // Half a document says nothing, least of all what it lacks.
                parsed.documents.truncate(documents);
                match with_brackets_joined(&chunk).filter(|_| !self.is_relaxed) {
                    Some(joined) => {
                        let relaxed =
                            Self { chunk: Cow::Owned(joined), is_relaxed: true, ..Self::new(self.file, self.text, range) };
                        relaxed.read(parsed);
                    }
                    None => parsed.faults.push(fault),
                }
                return;
            }
        }
    }

    fn syntax(&mut self, body: &str, error: &ScanError) -> Fault {
        let at = self.clock.byte(body, error.marker().index());
        match template(body) {
            Some(start) => self.fault(self.place(start, start + 2), FaultKind::Template),
            None => self.fault(self.place(at, at), FaultKind::Syntax(error.info().to_owned())),
        }
    }

    fn fault(&self, place: Place, kind: FaultKind) -> Fault {
        Fault { place, kind, is_manifest: self.is_manifest }
    }

    fn place(&self, start: usize, end: usize) -> Place {
        Place { file: self.file, start: narrow(self.offset + start), end: narrow(self.offset + end) }
    }

    fn take(&mut self, body: &str, event: Event<'_>, span: Span, parsed: &mut Parsed<'t>) -> Result<(), Fault> {
        match event {
            Event::Scalar(value, style, anchor, _) => {
                let start = self.clock.byte(body, span.start.index());
                let end = self.clock.byte(body, span.end.index());
                let node = self.scalar(body, (start, end), &value, style);
                self.complete(node, anchor, 1);
                Ok(())
            }
            Event::SequenceStart(anchor, _) => self.begin(body, span, anchor, false),
            Event::MappingStart(anchor, _) => self.begin(body, span, anchor, true),
            Event::SequenceEnd | Event::MappingEnd => self.finish(body, span),
            Event::Alias(anchor) => {
                let start = self.clock.byte(body, span.start.index());
                let end = self.clock.byte(body, span.end.index());
                let place = self.place(start, end);
                let Some((target, weight)) = self.anchors.get(&anchor).copied() else {
                    return Err(self.fault(place, FaultKind::Aliases));
                };
                let node = self.push(place, Content::Alias(target));
                self.complete(node, 0, weight);
                let total = self.open.iter().fold(0u64, |sum, open| sum.saturating_add(open.weight));
                if total > MAX_EXPANDED { Err(self.fault(place, FaultKind::Aliases)) } else { Ok(()) }
            }
            Event::DocumentEnd => {
                let document = std::mem::replace(&mut self.document, empty(self.file, self.text, 0));
                self.anchors.clear();
                let faults = std::mem::take(&mut self.faults);
                if std::mem::take(&mut self.has_unread_template) {
                    let start = template(body).unwrap_or_default();
                    let place = self.place(start, start + 2);
                    parsed.faults.push(self.fault(place, FaultKind::Template));
                } else if !document.is_empty() {
                    parsed.faults.extend(faults);
                    parsed.documents.push(document);
                }
                Ok(())
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) => Ok(()),
        }
    }

    fn scalar(&mut self, body: &str, (start, end): (usize, usize), value: &str, style: ScalarStyle) -> u32 {
        let quotes = usize::from(matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted));
        let is_plain = style == ScalarStyle::Plain;
        let end = if quotes > 0 { end_of_quotes(body, start).map_or(end, |closing| closing.min(end)) } else { end };
        let place = self.place(start, end);
        let inner = (start + quotes, end.saturating_sub(quotes).max(start + quotes));
        if body.get(inner.0..inner.1) == Some(value) {
            let Place { start, end, .. } = self.place(inner.0, inner.1);
            return self.push(place, Content::Verbatim { start, end, is_plain });
        }
        let from = narrow(self.document.decoded.len());
        self.document.decoded.push_str(value);
        let to = narrow(self.document.decoded.len());
        self.push(place, Content::Decoded { start: from, end: to, is_plain })
    }

    fn push(&mut self, place: Place, content: Content) -> u32 {
        let index = narrow(self.document.nodes.len());
        self.document.nodes.push(NodeData { start: place.start, end: place.end, content });
        index
    }

    /// A node is whole: it is one more child of what is open, or the root.
    fn complete(&mut self, node: u32, anchor: usize, weight: u64) {
        if anchor > 0 {
            self.anchors.insert(anchor, (node, weight));
        }
        match self.open.last_mut() {
            Some(open) => {
                open.weight = open.weight.saturating_add(weight);
                self.waiting.push(node);
            }
            None => self.document.root = node,
        }
    }

    fn begin(&mut self, body: &str, span: Span, anchor: usize, is_mapping: bool) -> Result<(), Fault> {
        let start = self.clock.byte(body, span.start.index());
        let place = self.place(start, start);
        if self.open.len() >= MAX_DEPTH {
            return Err(self.fault(place, FaultKind::Depth));
        }
        let content =
            if is_mapping { Content::Mapping { first: 0, length: 0 } } else { Content::Sequence { first: 0, length: 0 } };
        let node = self.push(place, content);
        self.open.push(OpenCollection { node, from: self.waiting.len(), is_mapping, anchor, weight: 1 });
        Ok(())
    }

    fn finish(&mut self, body: &str, span: Span) -> Result<(), Fault> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let first = narrow(self.document.children.len());
        let count = narrow(self.waiting.len() - open.from);
        if open.is_mapping {
            for key in self.waiting.get(open.from..).unwrap_or_default().iter().step_by(2) {
                let name = text_of(&self.document, *key).unwrap_or_default();
                self.document.children.push(fingerprint(name));
            }
        }
        self.document.children.extend(self.waiting.drain(open.from..));
        let last = self.document.children.last().filter(|_| count > 0).copied();
        let end_of_last = last.and_then(|last| self.document.nodes.get(last as usize)).map(|last| last.end);
        let start = self.document.nodes.get(open.node as usize).map_or(0, |node| node.start);
        let is_flow = matches!(self.text.as_bytes().get(start as usize), Some(b'{' | b'['));
        let flow_end = is_flow.then(|| self.clock.byte(body, span.end.index()));
        let end = flow_end.map_or_else(|| end_of_last.unwrap_or(start), |end| narrow(self.offset + end));
        if let Some(node) = self.document.nodes.get_mut(open.node as usize) {
            node.end = end;
            node.content = if open.is_mapping {
                Content::Mapping { first, length: count / 2 }
            } else {
                Content::Sequence { first, length: count }
            };
        }
        if open.is_mapping {
            self.keys(first + count / 2, count);
        }
        self.complete(open.node, open.anchor, open.weight);
        Ok(())
    }

    /// Looks for keys that stand twice, and for those that are no names.
    fn keys(&mut self, first: u32, count: u32) {
        let range = first as usize..(first + count) as usize;
        let document = &self.document;
        let pairs = document.children.get(range).unwrap_or_default();
        let mut keys = pairs.iter().step_by(2).copied();
        let is_name = |key: u32| {
            let content = document.nodes.get(key as usize).map(|node| node.content);
            !matches!(content, Some(Content::Mapping { .. } | Content::Sequence { .. }))
        };
        self.has_unread_template |= self.has_template && !keys.clone().all(is_name);
        let has_merges = keys.any(|key| text_of(document, key) == Some("<<"));
        let equal = equal_keys(document, pairs);
        let place =
            |key: u32| document.nodes.get(key as usize).map(|node| Place { file: self.file, start: node.start, end: node.end });
        for (former, key) in equal {
            if let (Some(here), Some(there)) = (place(key), place(former)) {
                let kind = FaultKind::DuplicateKey(there);
                self.faults.push(Fault { place: here, kind, is_manifest: self.is_manifest });
            }
        }
        self.document.has_merges |= has_merges;
    }
}

/// Keys of a mapping that stand there a second time, each with the first; `<<` may, once for each mapping that is merged in.
fn equal_keys(document: &Document<'_>, pairs: &[u32]) -> Vec<(u32, u32)> {
    let text = |key: u32| text_of(document, key);
    let keys = || pairs.iter().step_by(2).copied();
    let mut equal = Vec::new();
    if pairs.len() <= 2 * FEW_KEYS {
        for (at, key) in keys().enumerate() {
            let Some(name) = text(key).filter(|name| *name != "<<") else { continue };
            let former = keys().take(at).find(|former| text(*former) == Some(name));
            equal.extend(former.map(|former| (former, key)));
        }
        return equal;
    }
    let mut seen = HashMap::default();
    for key in keys() {
        let Some(name) = text(key).filter(|name| *name != "<<") else { continue };
        match seen.get(name) {
            Some(former) => equal.push((*former, key)),
            None => drop(seen.insert(name, key)),
        }
    }
    equal
}

fn empty(file: u32, text: &str, bytes: usize) -> Document<'_> {
    // A node has about nine bytes in manifests.
    let nodes = bytes / 8;
    let (nodes, children) = (Vec::with_capacity(nodes), Vec::with_capacity(nodes));
    Document { file, text, nodes, children, decoded: String::new(), root: 0, has_merges: false, is_valid: OnceLock::new() }
}

/// An offset in 32 bits; files are no larger, see [`MAX_FILE`](super::MAX_FILE).
fn narrow(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

/// A closing bracket may stand further left than YAML 1.2 wants it; Kubernetes' parser takes it. Joined with the line before, which changes no
/// offset, it is taken here, too. `None` where there is no such line.
fn with_brackets_joined(chunk: &str) -> Option<String> {
    let mut joined = String::with_capacity(chunk.len());
    let mut is_changed = false;
    for line in chunk.split_inclusive('\n') {
        let is_comment = |line: &str| line.contains(" #") || line.trim_start().starts_with('#');
        let before = joined.rsplit('\n').nth(1).unwrap_or_default();
        if line.trim_start().starts_with([']', '}']) && joined.ends_with('\n') && !is_comment(before) {
            joined.pop();
            joined.push(' ');
            is_changed = true;
        }
        joined.push_str(line);
    }
    is_changed.then_some(joined)
}

/// JSON may be indented with tabs, YAML may not: in a JSON document each becomes a blank, which no string there can hold.
fn without_tabs(chunk: &str) -> Cow<'_, str> {
    let body = chunk.trim_start_matches('\u{feff}').trim_start_matches("---").trim_start();
    if body.starts_with(['{', '[']) && chunk.contains('\t') { Cow::Owned(chunk.replace('\t', " ")) } else { Cow::Borrowed(chunk) }
}

/// Where a text that is no YAML has the first mark of a Helm or Go template.
fn template(body: &str) -> Option<usize> {
    body.find("{{").filter(|at| body.get(*at..).is_some_and(|rest| rest.contains("}}")))
}
/// The byte after the closing quote of the scalar that begins at `start`. The parser's span goes on over blanks and a comment.
fn end_of_quotes(body: &str, start: usize) -> Option<usize> {
    let bytes = body.as_bytes();
    let quote = *bytes.get(start)?;
    let mut at = start + 1;
    loop {
        match *bytes.get(at)? {
            b'\\' if quote == b'"' => at += 2,
            byte if byte == quote && quote == b'\'' && bytes.get(at + 1) == Some(&quote) => at += 2,
            byte if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}
