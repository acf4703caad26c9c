//! Access-log formats that a mesh defines itself.
//!
//! An Envoy format is literal text and operators. It is compiled to a [`Template`], which splits a line into the values of the
//! operators; JSON formats are [`Labels`], one template per key.

mod compile;
mod mesh_config;
mod operator;
mod template;

use serde_json::{Map, Value};

use super::field::AccessLog;
use template::Template;

/// The custom formats that the user gave; none by default.
#[derive(Debug, Clone, Default)]
pub struct Formats {
    texts: Vec<Template>,
    labels: Vec<Labels>,
}

/// Why a format cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// An operator begins and does not end.
    #[error("the operator at byte {at} of the format is not closed: {text}")]
    Unclosed {
        /// Where it begins.
        at: usize,
        /// How it begins.
        text: String,
    },
    /// Two operators stand side by side, so that nothing says where the value of one ends.
    #[error("nothing separates {first} from {second} at byte {at} of the format")]
    Adjacent {
        /// Where the second one begins.
        at: usize,
        /// The first one.
        first: String,
        /// The second one.
        second: String,
    },
    /// No operator gives the outcome of a request.
    #[error("the format has no operator that tells of a failure, such as %RESPONSE_CODE% or %RESPONSE_FLAGS%")]
    NoOutcome,
    /// The mesh configuration is no YAML.
    #[error("the mesh configuration is no YAML")]
    Yaml(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The YAML holds no access-log settings. A Telemetry resource only names providers; their formats stand in the mesh
    /// configuration.
    #[error("no access-log format in there; a Telemetry resource names providers, whose formats stand in the mesh configuration")]
    Missing,
}

impl Formats {
    /// Compiles an Envoy format: text with operators, or a JSON object whose values are such texts.
    ///
    /// # Errors
    /// What is wrong with the format, and where.
    pub fn compile(format: &str) -> Result<Self, FormatError> {
        let mut formats = Self::default();
        formats.add(format)?;
        Ok(formats)
    }

    /// Reads the formats of a mesh configuration: MeshConfig, an `istio` ConfigMap, an IstioOperator, Helm values, or Envoy's own
    /// configuration.
    ///
    /// # Shape
    /// A configuration that leaves Istio's format as it is gives no formats.
    ///
    /// # Errors
    /// When the text is no YAML, has no access-log settings, or has a format that cannot be used.
    pub fn from_mesh_config(yaml: &str) -> Result<Self, FormatError> {
        mesh_config::read(yaml)
    }

    fn add(&mut self, format: &str) -> Result<(), FormatError> {
        match serde_json::from_str::<Map<String, Value>>(format.trim()) {
            Ok(labels) if format.trim_start().starts_with('{') => self.add_labels(&labels),
            _ => {
                let template = Template::compile(format)?;
                if !template.has_outcome() {
                    return Err(FormatError::NoOutcome);
                }
                self.texts.push(template);
                Ok(())
            }
        }
    }

    fn add_labels(&mut self, labels: &Map<String, Value>) -> Result<(), FormatError> {
        let mut keys = Vec::new();
        for (key, format) in labels {
            if let Value::String(format) = format {
                keys.push((key.clone(), Template::compile(format)?));
            }
        }
        if !keys.iter().any(|(_, template)| template.has_outcome()) {
            return Err(FormatError::NoOutcome);
        }
        self.labels.push(Labels(keys));
        Ok(())
    }

    /// Whether there are none.
    pub(super) const fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.labels.is_empty()
    }

    /// The JSON formats.
    pub(super) fn labels(&self) -> impl Iterator<Item = &Labels> {
        self.labels.iter()
    }

    /// Reads a line that is in one of the text formats.
    pub(super) fn parse<'a>(&self, text: &'a str) -> Option<AccessLog<'a>> {
        self.texts.iter().find_map(|template| template.parse(text))
    }
}

/// The keys of a JSON format.
#[derive(Debug, Clone)]
pub(super) struct Labels(Vec<(String, Template)>);

impl Labels {
    /// What the value of a key is made of.
    pub(super) fn find(&self, key: &str) -> Option<&Template> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, template)| template)
    }
}

#[cfg(test)]
mod tests;
