//! The three ways to deploy meshwhy, taken from the manifests that are shipped.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::artifacts::workspace;
use crate::manifest::{self, ListenerContext};
use crate::merge::{overlay, walk};
use crate::scenario::Direction;

/// A way to deploy meshwhy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Deployment {
    /// The module as access logger, the annotation by Envoy.
    Observe,
    /// No module.
    Native,
    /// The module as HTTP filter.
    Annotate,
}

impl Deployment {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Observe, Self::Native, Self::Annotate];

    /// Its name, as in the manifest's file name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Native => "native",
            Self::Annotate => "annotate",
        }
    }
}

impl fmt::Display for Deployment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The kind of proxy, and so the variant of the manifest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Placement {
    /// Beside a workload.
    #[default]
    Sidecar,
    /// At the edge.
    Gateway,
}

/// Who gets to see the annotation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Visibility {
    /// Everyone: for the demo and the tests, whose client speaks plaintext. The module then also checks every request for trace context.
    #[default]
    Always,
    /// As shipped: a peer with mutual TLS.
    Mesh,
}

/// One way to run Envoy with meshwhy.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The way to deploy it.
    pub deployment: Deployment,
    /// The kind of proxy.
    pub placement: Placement,
    /// Who gets to see the annotation.
    pub visibility: Visibility,
    /// The module's configuration instead of the shipped one, as Envoy's JSON wants an `Any`.
    pub configuration: Option<Value>,
    /// Where the manifests are; `envoyfilter/` unless told otherwise.
    pub manifests: PathBuf,
}

impl Setup {
    /// As a sidecar, visible to everyone.
    pub fn new(deployment: Deployment) -> Self {
        Self {
            deployment,
            placement: Placement::default(),
            visibility: Visibility::default(),
            configuration: None,
            manifests: workspace().join("envoyfilter"),
        }
    }

    /// The same with another visibility.
    #[must_use]
    pub fn visible(self, visibility: Visibility) -> Self {
        Self { visibility, ..self }
    }

    /// The same as another kind of proxy.
    #[must_use]
    pub fn placed(self, placement: Placement) -> Self {
        Self { placement, ..self }
    }

    /// The same with this configuration of the module, a `StringValue` or a `BytesValue`.
    #[must_use]
    pub fn configured(self, configuration: Value) -> Self {
        Self { configuration: Some(configuration), ..self }
    }

    /// The manifest's documents.
    ///
    /// # Errors
    /// It is missing or not YAML.
    pub fn documents(&self) -> Result<Vec<Value>> {
        let placement = match self.placement {
            Placement::Sidecar => "sidecar",
            Placement::Gateway => "gateway",
        };
        let path = self.manifests.join(placement).join(format!("{}.yaml", self.deployment));
        let yaml = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let documents: Vec<Value> = serde_saphyr::from_multiple(&yaml).with_context(|| format!("parsing {}", path.display()))?;
        ensure!(!documents.is_empty(), "{} has no document", path.display());
        Ok(documents)
    }

    /// Deploys meshwhy to one listener. `module` is the built module, `native_log` where the JSON access logger of the manifest writes.
    ///
    /// # Errors
    /// The manifest has something that the harness does not know.
    pub fn apply(
        &self,
        documents: &[Value],
        direction: Direction,
        listener: &mut Value,
        module: &Path,
        native_log: &Path,
    ) -> Result<()> {
        let context = match (self.placement, direction) {
            (Placement::Gateway, _) => ListenerContext::Gateway,
            (Placement::Sidecar, Direction::Outbound) => ListenerContext::SidecarOutbound,
            (Placement::Sidecar, Direction::Inbound) => ListenerContext::SidecarInbound,
        };
        manifest::apply(documents, context, listener)?;
        walk(listener, &mut |value| {
            use_module(value, module);
            redirect(value, native_log);
            self.configure(value);
        });
        if self.visibility == Visibility::Always {
            walk(listener, &mut show_to_everyone);
        }
        Ok(())
    }

    /// Replaces the configuration of a module's plugin, if this is one.
    fn configure(&self, plugin: &mut Value) {
        let Some(fields) = plugin.as_object_mut().filter(|fields| fields.contains_key("vm_config")) else { return };
        let shipped = fields.get("configuration").and_then(|configuration| configuration.get("value")).and_then(Value::as_str);
        let configuration = match (&self.configuration, self.visibility) {
            (Some(configuration), _) => configuration.clone(),
            (None, Visibility::Mesh) => return,
            (None, Visibility::Always) => {
                let mut configuration: Value =
                    shipped.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| json!({}));
                overlay(&mut configuration, &json!({"visibility": "always"}));
                if configuration.get("trace_check").is_some() {
                    overlay(&mut configuration, &json!({"trace_check": {"sample_per_10k": 10_000}}));
                }
                string_value(&configuration.to_string())
            }
        };
        fields.insert("configuration".to_owned(), configuration);
    }
}

/// Text as a module gets it.
pub fn string_value(text: &str) -> Value {
    json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": text})
}

/// Lets a plugin load the built module.
fn use_module(value: &mut Value, module: &Path) {
    if let Some(Value::String(path)) = value.get_mut("filename")
        && path.ends_with("meshwhy.wasm")
    {
        *path = module.display().to_string();
    }
}

/// Lets an access logger that writes to standard output write to a file.
fn redirect(logger: &mut Value, file: &Path) {
    const STDOUT: &str = "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog";
    const FILE: &str = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog";
    let Some(fields) = logger.as_object_mut() else { return };
    let is_stream = fields.get("@type").and_then(Value::as_str) == Some(STDOUT);
    if is_stream || fields.get("path").and_then(Value::as_str) == Some("/dev/stdout") {
        fields.insert("@type".to_owned(), FILE.into());
        fields.insert("path".to_owned(), file.display().to_string().into());
    }
}

/// Drops the mapper that shields peers without mutual TLS.
fn show_to_everyone(value: &mut Value) {
    if let Some(mappers) = value.pointer_mut("/local_reply_config/mappers").and_then(Value::as_array_mut) {
        let expression = |mapper: &Value| mapper.pointer("/filter/extension_filter/typed_config/expression").cloned();
        mappers.retain(|mapper| expression(mapper).is_none_or(|expression| expression != "!connection.mtls"));
    }
}
