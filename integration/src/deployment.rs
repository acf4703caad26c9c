//! The three ways to deploy meshwhy, taken from the manifests that are shipped.

use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::artifacts::{module, workspace};
use crate::manifest::{self, ListenerContext};
use crate::merge::{overlay, walk};
use crate::module_server::ModuleServer;
use crate::scenario::{Direction, Placement};

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

/// Who gets to see the annotation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnnotationVisibility {
    /// Everyone: for the demo and the tests, whose client speaks plaintext. The module then also checks every request for trace context.
    #[default]
    Always,
    /// As shipped: the workload itself, and peers with mutual TLS.
    Mesh,
}

/// One way to run Envoy, with meshwhy or without.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The way to deploy it; none for the Envoy that others are compared with.
    pub deployment: Option<Deployment>,
    /// The kind of proxy.
    pub placement: Placement,
    /// Who gets to see the annotation.
    pub visibility: AnnotationVisibility,
    /// Whether observe comes with the trace check, a manifest of its own.
    pub trace_check: bool,
    /// Whether native comes with its counters, a manifest of its own.
    pub counters: bool,
    /// The module's configuration instead of the shipped one, as Envoy's JSON wants an `Any`.
    pub configuration: Option<Value>,
    /// Laid over the module's configuration.
    pub wishes: Value,
    /// The module, if it is not the built one.
    pub module: Option<PathBuf>,
    /// What users have in the mesh beside meshwhy.
    pub beside: Vec<Value>,
    /// What is done to every value of a listener in the end.
    pub adjust: Option<fn(&mut Value)>,
    /// Envoy's worker threads.
    pub workers: usize,
    /// Whether listeners are read from a file that may change.
    pub dynamic: bool,
}

impl Setup {
    /// As a sidecar, visible to everyone.
    pub fn new(deployment: impl Into<Option<Deployment>>) -> Self {
        let deployment = deployment.into();
        Self {
            deployment,
            placement: Placement::default(),
            visibility: AnnotationVisibility::default(),
            trace_check: deployment == Some(Deployment::Observe),
            counters: deployment == Some(Deployment::Native),
            configuration: None,
            wishes: json!({}),
            module: None,
            beside: Vec::new(),
            adjust: None,
            workers: 1,
            dynamic: false,
        }
    }

    /// The name of the deployment, or that there is none.
    pub fn name(&self) -> &'static str {
        self.deployment.map_or("without", Deployment::name)
    }

    /// The same with another visibility.
    #[must_use]
    pub fn visible(self, visibility: AnnotationVisibility) -> Self {
        Self { visibility, ..self }
    }

    /// The same as another kind of proxy.
    #[must_use]
    pub fn placed(self, placement: Placement) -> Self {
        Self { placement, ..self }
    }

    /// The same without the trace check.
    #[must_use]
    pub fn without_trace_check(self) -> Self {
        Self { trace_check: false, ..self }
    }

    /// The same without the counters.
    #[must_use]
    pub fn without_counters(self) -> Self {
        Self { counters: false, ..self }
    }

    /// The same with this configuration of the module, a `StringValue` or a `BytesValue`.
    #[must_use]
    pub fn configured(self, configuration: Value) -> Self {
        Self { configuration: Some(configuration), ..self }
    }

    /// The same with further EnvoyFilters.
    #[must_use]
    pub fn beside(self, documents: Vec<Value>) -> Self {
        Self { beside: documents, ..self }
    }

    /// The resources, those of users among them. A manifest is as it is shipped, but for what [`Visibility::Always`] takes out of it.
    ///
    /// # Errors
    /// A manifest is missing or not YAML.
    pub fn documents(&self) -> Result<Vec<Value>> {
        let mut documents = self.beside.clone();
        for path in self.paths() {
            let path = workspace().join("envoyfilter").join(path);
            let yaml = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            let parsed: Vec<Value> = serde_saphyr::from_multiple(&yaml).with_context(|| format!("parsing {}", path.display()))?;
            ensure!(!parsed.is_empty(), "{} has no document", path.display());
            documents.extend(parsed);
        }
        if self.visibility == AnnotationVisibility::Always {
            documents.retain(|document| document.pointer("/metadata/name").is_none_or(|name| name != "meshwhy-visibility"));
            documents.iter_mut().for_each(|document| walk(document, &mut show_to_everyone));
        }
        Ok(documents)
    }

    fn paths(&self) -> Vec<String> {
        let Some(deployment) = self.deployment else { return Vec::new() };
        let placement = match self.placement {
            Placement::Sidecar => "sidecar",
            Placement::Gateway => "gateway",
        };
        let mut paths = vec![match deployment {
            Deployment::Annotate => "annotate.yaml".to_owned(),
            Deployment::Observe | Deployment::Native => format!("{placement}/{deployment}.yaml"),
        }];
        if self.trace_check {
            paths.push("trace-check.yaml".to_owned());
        }
        if self.counters {
            paths.push("counters.yaml".to_owned());
        }
        let marked_by_envoy = deployment != Deployment::Annotate;
        if marked_by_envoy && (self.placement, self.visibility) == (Placement::Gateway, AnnotationVisibility::Always) {
            paths.push("gateway/always.yaml".to_owned());
        }
        paths
    }

    /// Deploys meshwhy to one listener. The JSON access logger of the manifest writes to `native_log`.
    ///
    /// # Errors
    /// The manifest has something that the harness does not know, or the module cannot be served.
    pub fn apply(&self, documents: &[Value], listener: &mut Value, native_log: &Path) -> Result<()> {
        let inbound = listener.get("traffic_direction").and_then(Value::as_str) == Some("INBOUND");
        let context = self.context(if inbound { Direction::Inbound } else { Direction::Outbound });
        manifest::apply(documents, context, listener)?;
        let served = match self.deployment {
            None | Some(Deployment::Native) => None,
            Some(_) => Some(ModuleServer::shared()?.file(&self.module.clone().map_or_else(module, Ok)?)?),
        };
        walk(listener, &mut |value| {
            if let Some((path, sha256)) = &served {
                use_module(value, path, sha256);
            }
            redirect(value, native_log);
            self.configure(value);
            if let Some(adjust) = self.adjust {
                adjust(value);
            }
        });
        Ok(())
    }

    /// The clusters that the manifests add to a proxy, their hosts replaced by the one that serves the module here.
    ///
    /// # Errors
    /// As [`Setup::apply`].
    pub fn clusters(&self, documents: &[Value]) -> Result<Vec<Value>> {
        let mut clusters = manifest::clusters(documents, self.context(Direction::Outbound))?;
        if !clusters.is_empty() {
            let address = ModuleServer::shared()?.address();
            clusters.iter_mut().for_each(|cluster| point_to(cluster, address));
        }
        Ok(clusters)
    }

    fn context(&self, direction: Direction) -> ListenerContext {
        match (self.placement, direction) {
            (Placement::Gateway, _) => ListenerContext::Gateway,
            (Placement::Sidecar, Direction::Outbound) => ListenerContext::SidecarOutbound,
            (Placement::Sidecar, Direction::Inbound) => ListenerContext::SidecarInbound,
        }
    }

    /// Changes the configuration of a module's plugin, if this is one.
    fn configure(&self, plugin: &mut Value) {
        let Some(fields) = plugin.as_object_mut().filter(|fields| fields.contains_key("vm_config")) else { return };
        let text = fields.get("configuration").and_then(|configuration| configuration.get("value")).and_then(Value::as_str);
        let shipped: Value = text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| json!({}));
        let mut changed = shipped.clone();
        if self.visibility == AnnotationVisibility::Always {
            overlay(&mut changed, &json!({"visibility": "always"}));
            if changed.get("trace_check").is_some() {
                overlay(&mut changed, &json!({"trace_check": {"sample_per_10k": 10_000}}));
            }
        }
        overlay(&mut changed, &self.wishes);
        let configuration = match &self.configuration {
            Some(configuration) => configuration.clone(),
            None if changed == shipped => return,
            None => string_value(&changed.to_string()),
        };
        fields.insert("configuration".to_owned(), configuration);
    }
}

/// Has a cluster consist of this host.
pub fn point_to(cluster: &mut Value, host: SocketAddr) {
    let address = json!({"socket_address": {"address": host.ip().to_string(), "port_value": host.port()}});
    walk(cluster, &mut |value| {
        if let Some(endpoint) = value.get_mut("endpoint").and_then(Value::as_object_mut) {
            endpoint.insert("address".to_owned(), address.clone());
        }
    });
}

/// Text as a module gets it.
pub fn string_value(text: &str) -> Value {
    json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": text})
}

/// Has a plugin fetch the module with this path and hash, however slow the machine is.
fn use_module(value: &mut Value, path: &str, sha256: &str) {
    let Some(remote) = value.get_mut("remote").filter(|remote| remote.get("http_uri").is_some()) else { return };
    overlay(remote, &json!({"sha256": sha256, "http_uri": {"uri": format!("http://meshwhy-module{path}"), "timeout": "30s"}}));
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

/// Takes the condition out of an expression that shields peers without mutual TLS, as the README says.
fn show_to_everyone(value: &mut Value) {
    if let Some(Value::String(expression)) = value.get_mut("expression") {
        *expression = expression.replace("connection.mtls", "true");
    }
}
