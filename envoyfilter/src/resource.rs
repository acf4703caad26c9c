//! What is applied: Kubernetes resources as text, so that comments stay.

use std::fmt;

use crate::names::Namespace;
use crate::yaml::scalar;

/// A kind of resource that is rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are those of Kubernetes and Istio")]
pub enum Kind {
    EnvoyFilter,
    WasmPlugin,
    TrafficExtension,
    Telemetry,
    Deployment,
    Service,
    PodDisruptionBudget,
}

impl Kind {
    /// Its `kind` in a manifest.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EnvoyFilter => "EnvoyFilter",
            Self::WasmPlugin => "WasmPlugin",
            Self::TrafficExtension => "TrafficExtension",
            Self::Telemetry => "Telemetry",
            Self::Deployment => "Deployment",
            Self::Service => "Service",
            Self::PodDisruptionBudget => "PodDisruptionBudget",
        }
    }

    /// Its `apiVersion`.
    #[must_use]
    pub const fn api_version(self) -> &'static str {
        match self {
            Self::EnvoyFilter => "networking.istio.io/v1alpha3",
            Self::WasmPlugin | Self::TrafficExtension => "extensions.istio.io/v1alpha1",
            Self::Telemetry => "telemetry.istio.io/v1",
            Self::Deployment => "apps/v1",
            Self::Service => "v1",
            Self::PodDisruptionBudget => "policy/v1",
        }
    }
}

/// A resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its kind.
    pub kind: Kind,
    /// Where it lives.
    pub namespace: Namespace,
    /// Its name.
    pub name: String,
    /// YAML, one document, comments in front of it included.
    pub text: String,
}

impl Resource {
    /// As much of it as `kubectl delete -f` needs.
    #[must_use]
    pub fn reference(&self) -> String {
        let (version, kind) = (self.kind.api_version(), self.kind.as_str());
        format!(
            "apiVersion: {version}\nkind: {kind}\nmetadata:\n  name: {}\n  namespace: {}\n",
            scalar(&self.name),
            scalar(self.namespace.as_str())
        )
    }

    /// The name of a file of its own.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}-{}.yaml", self.kind.as_str().to_ascii_lowercase(), self.name)
    }
}

impl fmt::Display for Resource {
    /// `EnvoyFilter/istio-system/meshwhy-visibility`, as other commands write it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}/{}", self.kind.as_str(), self.namespace.as_str(), self.name)
    }
}

/// Several resources as one stream.
pub fn text(resources: &[Resource]) -> String {
    resources.iter().map(|resource| resource.text.as_str()).collect::<Vec<_>>().join("---\n")
}
