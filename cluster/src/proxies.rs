//! Which containers of a pod are proxies, or the control plane.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::api::core::v1::{Container, ContainerStatus, Pod};

/// A container whose log says something of the mesh.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProxyContainer {
    /// The namespace of its pod.
    pub namespace: String,
    /// The name of its pod.
    pub pod: String,
    /// Its own name.
    pub container: String,
    /// What it is.
    pub kind: ProxyKind,
    /// How often it was started anew.
    pub restarts: u32,
    /// The node that it runs on.
    pub node: Option<String>,
}

/// What a container is to the mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProxyKind {
    /// Beside an application; as a container, or as an init container that goes on (native sidecar).
    Sidecar,
    /// A gateway.
    Gateway,
    /// A waypoint of the ambient mesh.
    Waypoint,
    /// The proxy of a node in the ambient mesh.
    Ztunnel,
    /// The control plane.
    Istiod,
}

/// Istio's name for the container of every proxy.
const PROXY: &str = "istio-proxy";
/// The container of istiod.
const DISCOVERY: &str = "discovery";
/// What a pod of the Gateway API's gateways is labelled with. Source: Istio `pilot/pkg/model/context.go`, 1.29.
const GATEWAY_CLASS: &str = "gateway.networking.k8s.io/gateway-class-name";
/// That traffic of a pod is taken by ztunnel. Source: Istio `cni/pkg/util/podutil.go`, 1.29.
const REDIRECTION: &str = "ambient.istio.io/redirection";

impl ProxyKind {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sidecar => "sidecar",
            Self::Gateway => "gateway",
            Self::Waypoint => "waypoint",
            Self::Ztunnel => "ztunnel",
            Self::Istiod => "istiod",
        }
    }

    /// Whether it is an Envoy, which has an administration interface of its own.
    #[must_use]
    pub const fn is_envoy(self) -> bool {
        matches!(self, Self::Sidecar | Self::Gateway | Self::Waypoint)
    }
}

impl ProxyContainer {
    /// The proxies of a pod.
    #[must_use]
    pub fn of(pod: &Pod) -> Vec<Self> {
        let Some((name, namespace)) = pod.metadata.name.clone().zip(pod.metadata.namespace.clone()) else { return Vec::new() };
        let Some(spec) = &pod.spec else { return Vec::new() };
        let native = spec.init_containers.iter().flatten().filter(|it| it.restart_policy.as_deref() == Some("Always"));
        let labels = pod.metadata.labels.as_ref();
        let found = spec
            .containers
            .iter()
            .chain(native)
            .filter_map(|container| Some((kind(container, spec.containers.len(), labels)?, container)));
        found
            .map(|(kind, container)| Self {
                namespace: namespace.clone(),
                pod: name.clone(),
                container: container.name.clone(),
                kind,
                restarts: restarts(pod, &container.name),
                node: spec.node_name.clone(),
            })
            .collect()
    }

    /// Whether both are one container, whatever became of it.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (&self.namespace, &self.pod, &self.container) == (&other.namespace, &other.pod, &other.container)
    }

    /// Whether ztunnel takes the traffic of a pod.
    pub(crate) fn is_ambient(pod: &Pod) -> bool {
        pod.metadata.annotations.as_ref().and_then(|all| all.get(REDIRECTION)).is_some_and(|value| value == "enabled")
    }
}

/// What a container is, from its name and the labels of its pod. A gateway stands alone in its pod; a sidecar does not.
fn kind(container: &Container, beside: usize, labels: Option<&BTreeMap<String, String>>) -> Option<ProxyKind> {
    let label = |name: &str| labels.and_then(|labels| labels.get(name)).map(String::as_str);
    match container.name.as_str() {
        DISCOVERY if label("app") == Some("istiod") || label("istio") == Some("pilot") => Some(ProxyKind::Istiod),
        PROXY if label("app") == Some("ztunnel") => Some(ProxyKind::Ztunnel),
        PROXY if label(GATEWAY_CLASS).is_some_and(|class| class.contains("waypoint")) => Some(ProxyKind::Waypoint),
        PROXY if label(GATEWAY_CLASS).is_some() || is_router(container) || beside == 1 && container.restart_policy.is_none() => {
            Some(ProxyKind::Gateway)
        }
        PROXY => Some(ProxyKind::Sidecar),
        _ => None,
    }
}

/// Whether pilot-agent is started as `proxy router`.
fn is_router(container: &Container) -> bool {
    container.args.iter().flatten().any(|argument| argument == "router")
}

fn restarts(pod: &Pod, container: &str) -> u32 {
    let Some(status) = &pod.status else { return 0 };
    let statuses = status.container_statuses.iter().chain(&status.init_container_statuses).flatten();
    let own = statuses.into_iter().find(|status: &&ContainerStatus| status.name == container);
    own.and_then(|status| u32::try_from(status.restart_count).ok()).unwrap_or_default()
}

/// `pay-1.shop/istio-proxy`.
impl fmt::Display for ProxyContainer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}/{}", self.pod, self.namespace, self.container)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(pod: &str) -> Vec<(String, ProxyKind, u32)> {
        let pod: Pod = serde_json::from_str(pod).unwrap();
        ProxyContainer::of(&pod).into_iter().map(|it| (it.to_string(), it.kind, it.restarts)).collect()
    }

    #[test]
    fn sidecars_are_found_as_containers_and_as_init_containers_that_go_on() {
        let classic = r#"{"metadata":{"name":"pay-1","namespace":"shop"},
            "spec":{"containers":[{"name":"pay"},{"name":"istio-proxy","args":["proxy","sidecar"]}],"initContainers":[{"name":"istio-init"}]},
            "status":{"containerStatuses":[{"name":"istio-proxy","restartCount":3,"image":"","imageID":"","ready":true}]}}"#;
        assert_eq!(kinds(classic), [("pay-1.shop/istio-proxy".to_owned(), ProxyKind::Sidecar, 3)]);
        let native = r#"{"metadata":{"name":"pay-1","namespace":"shop"},
            "spec":{"containers":[{"name":"pay"}],"initContainers":[{"name":"istio-validation"},{"name":"istio-proxy","restartPolicy":"Always"}]}}"#;
        assert_eq!(kinds(native), [("pay-1.shop/istio-proxy".to_owned(), ProxyKind::Sidecar, 0)]);
    }

    #[test]
    fn gateways_waypoints_ztunnel_and_istiod_are_told_by_labels_and_arguments() {
        let of = |labels: &str, container: &str| {
            let pod = format!(
                r#"{{"metadata":{{"name":"p","namespace":"n","labels":{{{labels}}}}},"spec":{{"containers":[{container}]}}}}"#
            );
            kinds(&pod).into_iter().map(|(_, kind, _)| kind).collect::<Vec<_>>()
        };
        let proxy = r#"{"name":"istio-proxy"}"#;
        assert_eq!(
            of(r#""istio":"ingressgateway""#, r#"{"name":"istio-proxy","args":["proxy","router"]}"#),
            [ProxyKind::Gateway]
        );
        assert_eq!(of(r#""gateway.networking.k8s.io/gateway-class-name":"istio""#, proxy), [ProxyKind::Gateway]);
        assert_eq!(of(r#""gateway.networking.k8s.io/gateway-class-name":"istio-waypoint""#, proxy), [ProxyKind::Waypoint]);
        assert_eq!(of(r#""app":"ztunnel""#, proxy), [ProxyKind::Ztunnel]);
        assert_eq!(of(r#""app":"istiod","istio":"pilot""#, r#"{"name":"discovery"}"#), [ProxyKind::Istiod]);
        assert_eq!(of("", r#"{"name":"discovery"}"#), []);
        assert_eq!(of("", r#"{"name":"app"}"#), []);
    }
}
