//! One proxy of the mesh, with or without meshwhy.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::bootstrap::ISTIO_VERSION;
use crate::deployment::{AnnotationVisibility, Deployment, Setup};
use crate::envoy::{Envoy, locate};
use crate::scenario::Placement;
use crate::tail::Tail;

/// A running proxy.
#[derive(Debug)]
pub struct Proxy {
    pod: &'static str,
    envoy: Envoy,
}

impl Proxy {
    /// Starts a proxy with these listeners and clusters, meshwhy deployed to it as it is shipped. Its log, in a directory of its own under
    /// `directory`, is what `kubectl logs` shows.
    pub fn start(
        pod: &'static str,
        placement: Placement,
        deployment: Option<Deployment>,
        mut listeners: Vec<Value>,
        mut clusters: Vec<Value>,
        directory: &Path,
    ) -> Result<Self> {
        let setup = Setup::new(deployment).placed(placement).visible(AnnotationVisibility::Mesh).without_trace_check();
        let documents = setup.documents()?;
        for listener in &mut listeners {
            setup.apply(&documents, listener, Path::new("/dev/stdout"))?;
        }
        clusters.extend(setup.clusters(&documents)?);
        let kind = match placement {
            Placement::Sidecar => "sidecar",
            Placement::Gateway => "router",
        };
        let bootstrap = json!({
            "node": {
                "id": format!("{kind}~10.245.90.20~{pod}.demo~demo.svc.cluster.local"),
                "cluster": format!("{pod}.demo"),
                "metadata": {
                    "NAME": pod,
                    "NAMESPACE": "demo",
                    "WORKLOAD_NAME": pod,
                    "INTERCEPTION_MODE": "NONE",
                    "MESH_ID": "cluster.local",
                    "CLUSTER_ID": "Kubernetes",
                    "ISTIO_VERSION": ISTIO_VERSION,
                },
            },
            "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
            "static_resources": {"listeners": listeners, "clusters": clusters},
        });
        let mut launcher = locate()?;
        launcher.environment.push(("POD_NAME".to_owned(), pod.into()));
        let own = directory.join(pod);
        fs::create_dir_all(&own)?;
        let envoy = Envoy::start(&launcher, &bootstrap, &own).with_context(|| format!("the proxy of {pod}"))?;
        Ok(Self { pod, envoy })
    }

    /// The pod that it is in.
    pub fn pod(&self) -> &'static str {
        self.pod
    }

    /// Where a listener is.
    pub fn address(&self, listener: &str) -> Result<SocketAddr> {
        self.envoy.listener(listener).with_context(|| format!("{} has no listener {listener}", self.pod))
    }

    /// What it logs from now on.
    pub fn tail(&self) -> Tail {
        Tail::at_end(self.envoy.log())
    }

    /// Its Envoy.
    pub fn envoy(&self) -> &Envoy {
        &self.envoy
    }
}
