//! The labels that Istio reads. Source: `istio.io/api` 1.30, `label/labels.gen.go`, and `istio-injection`.

use crate::model::ResourceKind;
use crate::spelling::nearest;

/// Asks for injection into all pods of a namespace.
pub const INJECTION: &str = "istio-injection";
/// Asks for injection into a pod, or forbids it.
pub const INJECT: &str = "sidecar.istio.io/inject";
/// Names the control plane whose proxy is injected.
pub const REVISION: &str = "istio.io/rev";
/// Asks for ztunnel instead of a sidecar.
pub const DATAPLANE_MODE: &str = "istio.io/dataplane-mode";

const LABELS: [&str; 27] = [
    "gateway.istio.io/managed",
    "gateway.networking.k8s.io/gateway-class-name",
    "gateway.networking.k8s.io/gateway-name",
    "istio.io/dataplane-mode",
    "istio.io/gateway-name",
    "istio.io/global",
    "istio.io/ingress-use-waypoint",
    "istio.io/rev",
    "istio.io/tag",
    "istio.io/use-waypoint",
    "istio.io/use-waypoint-namespace",
    "istio.io/waypoint-for",
    "networking.istio.io/enable-autoallocate-ip",
    "networking.istio.io/gatewayPort",
    "operator.istio.io/component",
    "operator.istio.io/managed",
    "operator.istio.io/version",
    "security.istio.io/tlsMode",
    "service.istio.io/canonical-name",
    "service.istio.io/canonical-revision",
    "service.istio.io/workload-name",
    "sidecar.istio.io/inject",
    "topology.istio.io/cluster",
    "topology.istio.io/locality",
    "topology.istio.io/network",
    "topology.istio.io/subzone",
    INJECTION,
];

/// Whether Istio reads a label of this key.
#[must_use]
pub fn is_known(key: &str) -> bool {
    LABELS.contains(&key)
}

/// The label that a misspelt one was probably meant to be. Other labels of Istio's domain are left alone: anybody may select by them.
#[must_use]
pub fn meant(key: &str) -> Option<&'static str> {
    let is_candidate = key.contains("istio") && !is_known(key);
    is_candidate.then(|| nearest(key, LABELS)).flatten()
}

/// Where a label that asks for a proxy is looked at; `None` for others.
#[must_use]
pub fn kinds_of_injection(key: &str) -> Option<&'static [ResourceKind]> {
    match key {
        INJECTION => Some(&[ResourceKind::Namespace]),
        INJECT => Some(&[ResourceKind::Pod]),
        _ => None,
    }
}

/// The values that a label for injection may have, the one that turns it on first; none for others.
#[must_use]
pub fn values_of_injection(key: &str) -> &'static [&'static str] {
    match key {
        INJECTION => &["enabled", "disabled"],
        INJECT => &["true", "false"],
        DATAPLANE_MODE => &["ambient", "none"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_near_is_misspelt() {
        assert_eq!(meant("istio-injecton"), Some("istio-injection"));
        assert_eq!(meant("istio.io/dataplane-mod"), Some("istio.io/dataplane-mode"));
        assert_eq!(meant("istio.io/rev"), None);
        assert_eq!(meant("istio"), None);
        assert_eq!(meant("istio.io/benchmark"), None);
    }
}
