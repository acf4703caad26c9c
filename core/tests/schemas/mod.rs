//! The official schemas of what a patch may be or be part of, reduced by `renew.py`; see `check/schemas/README.md`.

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

const FILES: [&str; 4] = [
    include_str!("../../../check/schemas/gateway.json"),
    include_str!("../../../check/schemas/istio.json"),
    include_str!("../../../check/schemas/kubernetes.json"),
    include_str!("../../../check/schemas/mesh.json"),
];
/// How deep one text of YAML may hold another.
const DEPTH: u8 = 3;

/// A kind of resource, or of configuration that a resource carries.
pub struct KindSchemas {
    /// Its name.
    pub name: String,
    /// The versions that it has with these fields; none when it is no resource.
    versions: Vec<String>,
    whole: Schema,
    part: Schema,
}

/// A schema that is compiled when first asked.
struct Schema {
    source: Value,
    compiled: OnceLock<Validator>,
}

/// All kinds.
pub struct Schemas {
    kinds: Vec<KindSchemas>,
    definitions: Map<String, Value>,
}

impl Schemas {
    /// The schemas that are checked in.
    pub fn get() -> &'static Self {
        static SCHEMAS: LazyLock<Schemas> = LazyLock::new(Schemas::load);
        &SCHEMAS
    }

    fn load() -> Self {
        let files: Vec<Value> = FILES.iter().map(|file| serde_json::from_str(file).unwrap()).collect();
        let mut definitions = Map::new();
        for (name, definition) in files.iter().flat_map(|file| file["$defs"].as_object().unwrap()) {
            assert!(definitions.insert(name.clone(), definition.clone()).is_none(), "two definitions of {name}");
            definitions.insert(format!("part:{name}"), part(definition));
        }
        let kinds = files.iter().flat_map(|file| file["kinds"].as_array().unwrap()).map(KindSchemas::new).collect();
        Self { kinds, definitions }
    }

    /// The validator of a schema, with the definitions that it needs.
    fn validator<'a>(&self, schema: &'a Schema) -> &'a Validator {
        schema.compiled.get_or_init(|| {
            let (mut needed, mut open) = (Map::new(), references(&schema.source));
            while let Some(name) = open.pop() {
                if !needed.contains_key(&name) {
                    let definition = self.definitions.get(&name).ok_or_else(|| format!("no definition of {name}")).unwrap();
                    open.extend(references(definition));
                    needed.insert(name, definition.clone());
                }
            }
            let mut source = schema.source.as_object().unwrap().clone();
            source.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
            source.insert("$defs".to_owned(), Value::Object(needed));
            jsonschema::validator_for(&Value::Object(source)).unwrap()
        })
    }

    /// Checks a complete resource.
    pub fn resource(&self, yaml: &str) -> Result<(), String> {
        let document = parse(yaml)?;
        let (version, name) = (text(&document, "/apiVersion"), text(&document, "/kind"));
        let known: Vec<&KindSchemas> = self.kinds.iter().filter(|kind| kind.name == name && !kind.versions.is_empty()).collect();
        let kind = known.iter().find(|kind| kind.versions.iter().any(|one| one == version)).ok_or_else(|| {
            let versions: Vec<_> = known.iter().flat_map(|kind| &kind.versions).collect();
            format!("{name} {version:?} is no known kind; known versions: {versions:?}")
        })?;
        if text(&document, "/metadata/name").is_empty() {
            return Err("a resource without a name".to_owned());
        }
        complaints(self.validator(&kind.whole), &document)?;
        self.embedded(&document, DEPTH)
    }

    /// Checks a fragment and returns the kinds that it fits.
    ///
    /// What the fragment is part of is said by its own `kind`, else by the first name of a kind in the comment that it begins with; without
    /// either, one kind that it fits is enough. The fragment starts at the root of the manifest. It may lack any field, except in the
    /// entries of lists: an entry is added as it stands, so it must be complete, unless Kubernetes merges that list by a key.
    pub fn fragment(&self, yaml: &str) -> Result<Vec<&str>, String> {
        let fragment = parse(yaml)?;
        if fragment.as_object().is_none_or(Map::is_empty) {
            return Err("a fragment is a mapping that is not empty".to_owned());
        }
        self.embedded(&fragment, DEPTH)?;
        let declared = fragment.get("kind").and_then(Value::as_str).or_else(|| self.named_in_comment(yaml));
        let candidates: Vec<&KindSchemas> =
            self.kinds.iter().filter(|kind| declared.is_none_or(|name| kind.name == name)).collect();
        let fitting: Vec<&str> = candidates
            .iter()
            .filter(|kind| self.validator(&kind.part).is_valid(&fragment))
            .map(|kind| kind.name.as_str())
            .collect();
        match (declared, fitting.is_empty()) {
            (_, false) => Ok(fitting),
            (Some(name), true) => {
                let reasons: Vec<_> =
                    candidates.iter().filter_map(|kind| complaints(self.validator(&kind.part), &fragment).err()).collect();
                Err(format!("not a part of a {name}: {}", reasons.join("; or: ")))
            }
            (None, true) => Err(format!("not a part of any known kind; {}", self.nearest(&candidates, &fragment))),
        }
    }

    fn named_in_comment(&self, yaml: &str) -> Option<&str> {
        let comment = yaml.lines().map_while(|line| line.trim().strip_prefix('#'));
        let words = comment.flat_map(|line| line.split(|letter: char| !letter.is_ascii_alphanumeric()));
        words.filter_map(|word| self.kinds.iter().find(|kind| kind.name == word)).map(|kind| kind.name.as_str()).next()
    }

    /// What the kind says whose first complaint is deepest: a slip in one field, in a list of forty kinds.
    fn nearest(&self, kinds: &[&KindSchemas], fragment: &Value) -> String {
        let complaint = |kind: &&KindSchemas| {
            let validator = self.validator(&kind.part);
            Some((depth(validator, fragment), format!("as a {}: {}", kind.name, complaints(validator, fragment).err()?)))
        };
        kinds.iter().filter_map(complaint).collect::<BTreeMap<_, _>>().into_values().next_back().unwrap_or_default()
    }

    /// Checks the YAML that stands as text in a manifest: Istio's mesh configuration in a ConfigMap, a proxy's in an annotation.
    fn embedded(&self, value: &Value, depth: u8) -> Result<(), String> {
        let Some(depth) = depth.checked_sub(1) else { return Ok(()) };
        let mut open = vec![value];
        while let Some(value) = open.pop() {
            match value {
                Value::Object(fields) => open.extend(fields.values()),
                Value::Array(items) => open.extend(items),
                _ => {}
            }
            for (pointer, name) in [("/data/mesh", "MeshConfig"), ("/annotations/proxy.istio.io~1config", "ProxyConfig")] {
                let Some(yaml) = value.pointer(pointer).and_then(Value::as_str) else { continue };
                let inner = parse(yaml)?;
                let kind = self.kinds.iter().find(|kind| kind.name == name && kind.versions.is_empty()).unwrap();
                complaints(self.validator(&kind.part), &inner).map_err(|reason| format!("in {pointer}: {reason}"))?;
                self.embedded(&inner, depth)?;
            }
        }
        Ok(())
    }
}

impl KindSchemas {
    fn new(kind: &Value) -> Self {
        let schema = |source| Schema { source, compiled: OnceLock::new() };
        Self {
            name: text(kind, "/kind").to_owned(),
            versions: kind["apiVersions"]
                .as_array()
                .unwrap()
                .iter()
                .map(|version| version.as_str().unwrap().to_owned())
                .collect(),
            whole: schema(kind["schema"].clone()),
            part: schema(part(&kind["schema"])),
        }
    }
}

/// The names of the definitions that a schema refers to.
fn references(schema: &Value) -> Vec<String> {
    match schema {
        Value::Object(keywords) => {
            let own = keywords.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix("#/$defs/"));
            own.map(str::to_owned).into_iter().chain(keywords.values().flat_map(references)).collect()
        }
        Value::Array(schemas) => schemas.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

/// The schema of a part of what `schema` describes.
fn part(schema: &Value) -> Value {
    let Value::Object(keywords) = schema else { return schema.clone() };
    let each = |schemas: &Value| schemas.as_object().unwrap().iter().map(|(name, one)| (name.clone(), part(one))).collect();
    let mut result = Map::new();
    for (keyword, value) in keywords {
        let changed = match keyword.as_str() {
            "required" => continue,
            "$ref" => Value::String(value.as_str().unwrap().replace("#/$defs/", "#/$defs/part:")),
            "properties" => Value::Object(each(value)),
            "additionalProperties" => part(value),
            "items" => match keywords.get("x-merge-keys") {
                Some(keys) => json!({"allOf": [part(value)], "required": [keys[0]]}),
                None => value.clone(),
            },
            _ => value.clone(),
        };
        result.insert(keyword.clone(), changed);
    }
    Value::Object(result)
}

/// How deep the first complaint is.
fn depth(validator: &Validator, value: &Value) -> usize {
    validator.iter_errors(value).map(|error| error.instance_path().as_str().matches('/').count()).min().unwrap_or_default()
}

fn complaints(validator: &Validator, value: &Value) -> Result<(), String> {
    let all: Vec<String> = validator.iter_errors(value).map(|error| format!("{error} at {}", error.instance_path())).collect();
    if all.is_empty() { Ok(()) } else { Err(all.join("; ")) }
}

fn parse(yaml: &str) -> Result<Value, String> {
    serde_saphyr::from_str(yaml).map_err(|error| format!("no YAML: {error}"))
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
