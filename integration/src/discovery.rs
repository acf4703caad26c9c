//! Resources that Envoy reads from a file, and reads again when the file changes: as a control plane would send them.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::merge::merge;

/// The type of a listener.
pub const LISTENER: &str = "type.googleapis.com/envoy.config.listener.v3.Listener";
/// The type of a cluster.
pub const CLUSTER: &str = "type.googleapis.com/envoy.config.cluster.v3.Cluster";

/// A file of resources of one type.
#[derive(Clone, Debug)]
pub struct ResourceFile {
    path: PathBuf,
    kind: &'static str,
    version: u64,
}

impl ResourceFile {
    /// A file that is not written yet.
    pub fn new(path: PathBuf, kind: &'static str) -> Self {
        Self { path, kind, version: 0 }
    }

    /// Writes it anew in one step, which is when Envoy takes notice.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&mut self, resources: &[Value]) -> Result<()> {
        self.version = self.version.saturating_add(1);
        let typed = |resource: &Value| {
            let mut typed = json!({"@type": self.kind});
            merge(&mut typed, resource);
            typed
        };
        let resources: Vec<Value> = resources.iter().map(typed).collect();
        let document = json!({"version_info": self.version.to_string(), "resources": resources});
        let draft = self.path.with_extension("draft");
        fs::write(&draft, serde_json::to_vec(&document)?)?;
        fs::rename(&draft, &self.path).with_context(|| format!("writing {}", self.path.display()))
    }

    /// Where Envoy is told to read from.
    pub fn source(&self) -> Value {
        json!({"resource_api_version": "V3", "path_config_source": {"path": self.path}})
    }
}
