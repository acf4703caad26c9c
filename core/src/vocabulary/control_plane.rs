//! Who configures an Envoy that Istio does not: by the names that each gives to clusters and routes.
//!
//! Source: Envoy Gateway `internal/gatewayapi/helpers.go`, 1.3; Contour `internal/envoy/v3/cluster.go`, 1.30; Consul
//! `agent/connect/sni.go`, 1.20; Cilium `operator/pkg/model/translation`, 1.17; Gloo `projects/gloo/pkg/translator`, 1.18, and kgateway, 2.0;
//! Higress `registry/`, 2.1.

/// A control plane other than Istio's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlPlane {
    /// `httproute/NAMESPACE/NAME/rule/0`.
    EnvoyGateway,
    /// `NAMESPACE/SERVICE/PORT/HASH`.
    Contour,
    /// `SERVICE.NAMESPACE.DATACENTER.internal.UUID.consul`.
    Consul,
    /// `NAMESPACE/cilium-gateway-NAME/NAMESPACE:SERVICE:PORT`.
    Cilium,
    /// `NAMESPACE-SERVICE-PORT_gloo-system`, `kube_NAMESPACE_SERVICE_PORT`.
    Gloo,
    /// `outbound|PORT||SERVICE.GROUP.NAMESPACE.nacos`, and what else its McpBridge takes services from.
    Higress,
}

impl ControlPlane {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::EnvoyGateway, Self::Contour, Self::Consul, Self::Cilium, Self::Gloo, Self::Higress];

    /// The one that gives a cluster or a route this name; `None` where anybody may.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|plane| plane.names(name))
    }

    fn names(self, name: &str) -> bool {
        match self {
            Self::EnvoyGateway => {
                let begins = |kind: &str| name.strip_prefix(kind).is_some_and(|rest| rest.starts_with('/'));
                ["httproute", "grpcroute", "tcproute", "tlsroute", "udproute", "securitypolicy", "envoyextensionpolicy"]
                    .into_iter()
                    .any(begins)
            }
            Self::Contour => {
                let mut parts = name.rsplit('/');
                let is_hash = |hash: &str| hash.len() == 10 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
                parts.next().is_some_and(is_hash) && parts.count() == 3
            }
            Self::Consul => name.ends_with(".consul") && name.contains(".internal"),
            Self::Cilium => name.contains("/cilium-gateway-") || name.contains("/cilium-ingress"),
            Self::Higress => {
                name.starts_with("outbound|")
                    && [".nacos", ".eureka", ".zookeeper", ".static", ".dns"].into_iter().any(|registry| name.ends_with(registry))
            }
            Self::Gloo => name.ends_with("_gloo-system") || (name.starts_with("kube_") && name.split('_').count() == 4),
        }
    }

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EnvoyGateway => "Envoy Gateway",
            Self::Contour => "Contour",
            Self::Consul => "Consul",
            Self::Cilium => "Cilium",
            Self::Gloo => "Gloo",
            Self::Higress => "Higress",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_by_its_names_and_istio_by_none() {
        for (name, plane) in [
            ("httproute/default/backend/rule/0", Some(ControlPlane::EnvoyGateway)),
            ("httproute/default/backend/rule/0/match/0/www_example_com", Some(ControlPlane::EnvoyGateway)),
            ("default/kuard/80/da39a3ee5e", Some(ControlPlane::Contour)),
            ("web.default.dc1.internal.3c1dc3a5-7bd1-4d2e-8c3b-1f1d9c2e.consul", Some(ControlPlane::Consul)),
            ("default/cilium-gateway-shop/default:web:80", Some(ControlPlane::Cilium)),
            ("default-petstore-8080_gloo-system", Some(ControlPlane::Gloo)),
            ("kube_default_httpbin_8000", Some(ControlPlane::Gloo)),
            ("outbound|8848||web.DEFAULT-GROUP.public.nacos", Some(ControlPlane::Higress)),
            ("outbound|80|v1|web.shop.svc.cluster.local", None),
            ("inbound|8080||", None),
            ("PassthroughCluster", None),
            ("xds-grpc", None),
            ("default", None),
            ("a/b/c/d", None),
            ("", None),
        ] {
            assert_eq!(ControlPlane::of(name), plane, "{name}");
        }
    }
}
