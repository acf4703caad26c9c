//! Finds access-log formats in YAML.
//!
//! The same settings stand in MeshConfig, in the `istio` ConfigMap (as a text under `data.mesh`), in an IstioOperator, in Helm
//! values and in Envoy's configuration. They are found by their names wherever they stand.
//!
//! Source: Istio `mesh/v1alpha1/config.proto` (`accessLogFormat`, `accessLogEncoding`, `logFormat`); Envoy
//! `substitution_format_string.proto`.

use serde_json::{Map, Value};

use super::{FormatError, Formats};

/// Deepest level that is looked into.
const DEEPEST: usize = 24;

pub(super) fn read(yaml: &str) -> Result<Formats, FormatError> {
    let mut found = Found::default();
    found.documents(yaml, 0)?;
    if found.settings { Ok(found.formats) } else { Err(FormatError::Missing) }
}

#[derive(Default)]
struct Found {
    formats: Formats,
    /// Whether anything about access logs or a mesh configuration was there at all.
    settings: bool,
}

impl Found {
    fn documents(&mut self, yaml: &str, depth: usize) -> Result<(), FormatError> {
        let documents: Vec<Value> = serde_saphyr::from_multiple(yaml).map_err(|error| FormatError::Yaml(Box::new(error)))?;
        documents.iter().try_for_each(|document| self.value(document, depth))
    }

    fn value(&mut self, value: &Value, depth: usize) -> Result<(), FormatError> {
        if depth > DEEPEST {
            return Ok(());
        }
        let below = depth.saturating_add(1);
        match value {
            Value::Array(items) => items.iter().try_for_each(|item| self.value(item, below)),
            Value::Object(object) => object.iter().try_for_each(|(key, inner)| self.entry(key, inner, below)),
            _ => Ok(()),
        }
    }

    fn entry(&mut self, key: &str, value: &Value, depth: usize) -> Result<(), FormatError> {
        match (key, value) {
            ("accessLogFormat", Value::String(format)) => self.format(format),
            ("logFormat", Value::Object(format)) => {
                self.settings = true;
                match (format.get("text"), format.get("labels")) {
                    (Some(Value::String(text)), _) => self.format(text),
                    (_, Some(Value::Object(labels))) => self.labels(labels),
                    _ => Ok(()),
                }
            }
            ("text_format" | "textFormat", Value::String(format)) => self.format(format),
            ("text_format_source" | "textFormatSource", Value::Object(source)) => {
                let inline = source.get("inline_string").or_else(|| source.get("inlineString"));
                inline.and_then(Value::as_str).map_or(Ok(()), |format| self.format(format))
            }
            ("json_format" | "jsonFormat", Value::Object(labels)) => self.labels(labels),
            ("mesh", Value::String(yaml)) => {
                self.settings = true;
                self.documents(yaml, depth)
            }
            ("accessLogFile" | "accessLogEncoding" | "meshConfig" | "extensionProviders", _) => {
                self.settings = true;
                self.value(value, depth)
            }
            _ => self.value(value, depth),
        }
    }

    fn format(&mut self, format: &str) -> Result<(), FormatError> {
        self.settings = true;
        if format.trim().is_empty() { Ok(()) } else { self.formats.add(format) }
    }

    fn labels(&mut self, labels: &Map<String, Value>) -> Result<(), FormatError> {
        self.settings = true;
        self.formats.add_labels(labels)
    }
}
