//! The carried JSON Schemas, made ready once.

use foldhash::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::OnceLock;

use regex_lite::Regex;
use serde_json::Value;

const FILES: [&str; 4] = [
    include_str!("../../schemas/gateway.json"),
    include_str!("../../schemas/istio.json"),
    include_str!("../../schemas/kubernetes.json"),
    include_str!("../../schemas/mesh.json"),
];

/// What a node may be.
#[derive(Debug, Default)]
pub struct Schema {
    /// Names of types; none for any.
    pub(super) types: Vec<Box<str>>,
    pub(super) properties: HashMap<Box<str>, Reference>,
    pub(super) additional: Additional,
    pub(super) required: Vec<Box<str>>,
    pub(super) items: Option<Reference>,
    pub(super) values: Vec<Box<str>>,
    pub(super) pattern: Option<Pattern>,
    pub(super) address: Option<AddressKind>,
    pub(super) numbers: (Option<i64>, Option<i64>),
    /// Characters of a text.
    pub(super) length: (Option<u64>, Option<u64>),
    /// Elements of a list.
    pub(super) elements: (Option<u64>, Option<u64>),
    /// Keys of a mapping.
    pub(super) keys: (Option<u64>, Option<u64>),
    pub(super) all: Vec<Reference>,
    pub(super) any: Vec<Reference>,
    pub(super) one: Vec<Reference>,
    pub(super) not: Option<Reference>,
}

/// A schema by its index: definitions refer to each other in circles.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reference(usize);

/// What keys without a schema of their own may hold.
#[derive(Debug, Default)]
pub(super) enum Additional {
    #[default]
    Anything,
    Nothing,
    Of(Reference),
}

/// What `format` demands; other formats the schemas give by patterns.
#[derive(Debug, Clone, Copy)]
pub(super) enum AddressKind {
    V4,
    V6,
}

impl AddressKind {
    fn new(format: &str) -> Option<Self> {
        match format {
            "ipv4" => Some(Self::V4),
            "ipv6" => Some(Self::V6),
            _ => None,
        }
    }

    /// Whether a text is such an address.
    pub(super) fn holds(self, text: &str) -> bool {
        match self {
            Self::V4 => text.parse::<Ipv4Addr>().is_ok(),
            Self::V6 => text.parse::<Ipv6Addr>().is_ok(),
        }
    }
}

/// A regular expression that is compiled when a value first needs it.
#[derive(Debug)]
pub(super) struct Pattern {
    source: Box<str>,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// What the schemas demand of durations that must not be zero; the rest of such a pattern is without look-ahead.
    const NOT_ZERO: &'static str = "^(?=.*[1-9])";

    fn new(source: &str) -> Self {
        Self { source: source.into(), compiled: OnceLock::new() }
    }

    /// Whether a text matches; one whose expression is not understood matches.
    pub(super) fn holds(&self, text: &str) -> bool {
        let (rest, is_positive) = match self.source.strip_prefix(Self::NOT_ZERO) {
            Some(rest) => (format!("^{rest}"), true),
            None => (self.source.to_string(), false),
        };
        let is_zero = is_positive && !text.contains(|letter: char| ('1'..='9').contains(&letter));
        let compiled = self.compiled.get_or_init(|| Regex::new(&rest).ok());
        !is_zero && compiled.as_ref().is_none_or(|regex| regex.is_match(text))
    }

    /// Whether it describes a duration.
    pub(super) fn is_duration(&self) -> bool {
        self.source.contains("(ms|s|m|h)")
    }
}

/// A kind, its versions, and its schema.
#[derive(Debug)]
struct Known {
    name: String,
    versions: Vec<String>,
    root: Reference,
}

/// All schemas.
#[derive(Debug, Default)]
pub struct Schemas {
    schemas: Vec<Schema>,
    kinds: Vec<Known>,
}

impl Schemas {
    /// Reads the files that are carried. What is no JSON there would leave a kind unknown; a test looks at each.
    pub(super) fn load() -> Self {
        let files: Vec<Value> = FILES.iter().filter_map(|file| serde_json::from_str(file).ok()).collect();
        let mut compiler = Compiler { all: Self::default(), definitions: HashMap::default() };
        let definitions: Vec<(&String, &Value)> =
            files.iter().filter_map(|file| file.get("$defs")?.as_object()).flatten().collect();
        for (name, _) in &definitions {
            let index = compiler.reserve();
            compiler.definitions.insert((*name).clone(), index);
        }
        for (name, definition) in definitions {
            if let Some(index) = compiler.definitions.get(name).copied() {
                let schema = compiler.schema(definition);
                compiler.put(index, schema);
            }
        }
        for kind in files.iter().filter_map(|file| file.get("kinds")?.as_array()).flatten() {
            let versions = kind.get("apiVersions").and_then(Value::as_array).into_iter().flatten();
            let (Some(name), Some(schema)) = (kind.get("kind").and_then(Value::as_str), kind.get("schema")) else { continue };
            let root = compiler.add(schema);
            let versions = versions.filter_map(Value::as_str).map(str::to_owned).collect();
            compiler.all.kinds.push(Known { name: name.to_owned(), versions, root });
        }
        compiler.all
    }

    pub(super) fn get(&self, reference: Reference) -> Option<&Schema> {
        self.schemas.get(reference.0)
    }

    pub(super) fn find(&self, name: &str, is_version: impl Fn(&str) -> bool) -> Option<&Schema> {
        let known =
            self.kinds.iter().find(|kind| kind.name == name && kind.versions.iter().any(|version| is_version(version)))?;
        self.get(known.root)
    }

    pub(super) fn versions(&self, name: &str, group: &str) -> &[String] {
        let is_of = |kind: &&Known| {
            kind.name == name
                && kind.versions.iter().any(|version| version.split_once('/').map_or("", |(group, _)| group) == group)
        };
        self.kinds.iter().find(is_of).map(|kind| kind.versions.as_slice()).unwrap_or_default()
    }

    pub(super) fn configuration(&self, name: &str) -> Option<&Schema> {
        self.get(self.kinds.iter().find(|kind| kind.name == name && kind.versions.is_empty())?.root)
    }
}

struct Compiler {
    all: Schemas,
    definitions: HashMap<String, Reference>,
}

impl Compiler {
    fn reserve(&mut self) -> Reference {
        self.all.schemas.push(Schema::default());
        Reference(self.all.schemas.len() - 1)
    }

    fn put(&mut self, at: Reference, schema: Schema) {
        if let Some(place) = self.all.schemas.get_mut(at.0) {
            *place = schema;
        }
    }

    fn add(&mut self, source: &Value) -> Reference {
        let definition = source.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix("#/$defs/"));
        if let Some(reference) = definition.and_then(|name| self.definitions.get(name)) {
            return *reference;
        }
        let at = self.reserve();
        let schema = self.schema(source);
        self.put(at, schema);
        at
    }

    fn list(&mut self, source: Option<&Value>) -> Vec<Reference> {
        source.and_then(Value::as_array).into_iter().flatten().map(|schema| self.add(schema)).collect()
    }

    fn schema(&mut self, source: &Value) -> Schema {
        let bound = |low: &str, high: &str| (source.get(low).and_then(Value::as_u64), source.get(high).and_then(Value::as_u64));
        let number = |key: &str| source.get(key).and_then(Value::as_i64);
        let properties = source.get("properties").and_then(Value::as_object).into_iter().flatten();
        let properties = properties.map(|(name, schema)| (name.as_str().into(), self.add(schema))).collect();
        Schema {
            types: match source.get("type") {
                Some(Value::Array(_)) => words(source.get("type")),
                Some(Value::String(one)) => vec![one.as_str().into()],
                _ => Vec::new(),
            },
            properties,
            additional: match source.get("additionalProperties") {
                Some(Value::Bool(false)) => Additional::Nothing,
                Some(schema @ Value::Object(_)) => Additional::Of(self.add(schema)),
                _ => Additional::Anything,
            },
            required: words(source.get("required")),
            items: source.get("items").map(|schema| self.add(schema)),
            values: match source.get("const").and_then(Value::as_str) {
                Some(one) => vec![one.into()],
                None => words(source.get("enum")),
            },
            pattern: source.get("pattern").and_then(Value::as_str).map(Pattern::new),
            address: source.get("format").and_then(Value::as_str).and_then(AddressKind::new),
            numbers: (number("minimum"), number("maximum")),
            length: bound("minLength", "maxLength"),
            elements: bound("minItems", "maxItems"),
            keys: bound("minProperties", "maxProperties"),
            all: self.list(source.get("allOf")),
            any: self.list(source.get("anyOf")),
            one: self.list(source.get("oneOf")),
            not: source.get("not").map(|schema| self.add(schema)),
        }
    }
}

fn words(source: Option<&Value>) -> Vec<Box<str>> {
    source.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(Into::into).collect()
}
