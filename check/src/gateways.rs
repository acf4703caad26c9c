//! What gateways and those who use them have in common: hosts that meet, servers that a route is bound to, pods that serve.

use crate::document::Node;
use crate::mesh::{Mesh, ROOT_NAMESPACE, meet};
use crate::model::{Gateway, Resource, ResourceKind, Server, VirtualService, Workload};

/// The label that Istio's own gateways carry when they are installed by `istioctl`.
pub const DEFAULT_GATEWAY: (&str, &str) = ("istio", "ingressgateway");

/// Whether a host of a server, with or without namespace, admits a host of a VirtualService.
#[must_use]
pub fn admits(server_host: &str, gateway_namespace: &str, host: &str, namespace: &str) -> bool {
    let (wanted, name) = server_host.split_once('/').unwrap_or(("*", server_host));
    let is_visible = match wanted {
        "*" => true,
        "." => gateway_namespace == namespace,
        wanted => wanted == namespace,
    };
    is_visible && meet(name, host)
}

/// The Gateway that a reference in a manifest stands for; `mesh` is none.
#[must_use]
pub fn referenced<'a>(mesh: &Mesh<'a>, reference: &str, from: &Resource<'a>) -> Option<Gateway<'a>> {
    let (namespace, name) = reference.split_once('/').unwrap_or((from.namespace, reference));
    mesh.find_near(ResourceKind::Gateway, namespace, name, from.place().file).map(Gateway)
}

/// Whether a server admits one of the hosts of a VirtualService.
#[must_use]
pub fn serves(gateway: &Gateway<'_>, server: Server<'_>, service: &VirtualService<'_>) -> bool {
    let hosts = || service.hosts().filter_map(Node::text);
    server
        .hosts()
        .filter_map(Node::text)
        .any(|allowed| hosts().any(|host| admits(allowed, gateway.0.namespace, host, service.0.namespace)))
}

/// The pods that a Gateway configures: in every namespace, as Istio does by default.
#[must_use]
pub fn pods_of<'a>(mesh: &Mesh<'a>, gateway: &Gateway<'a>) -> Vec<Workload<'a>> {
    gateway.selector().map(|selector| mesh.selected_anywhere(selector)).unwrap_or_default()
}

/// Whether a Gateway asks for the label of Istio's default ingress gateway and nothing else.
#[must_use]
pub fn is_default(gateway: &Gateway<'_>) -> bool {
    let (key, value) = DEFAULT_GATEWAY;
    gateway
        .selector()
        .is_some_and(|selector| selector.entries().count() == 1 && selector.get(key).and_then(Node::text) == Some(value))
}

/// The namespace whose Secrets a Gateway reads: that of its pods, which is the root's for the default gateway.
#[must_use]
pub fn secret_namespace<'a>(mesh: &Mesh<'a>, gateway: &Gateway<'a>) -> Option<&'a str> {
    let mut pods = pods_of(mesh, gateway).into_iter().map(|pod| pod.resource.namespace);
    match pods.next() {
        Some(namespace) => pods.all(|other| other == namespace).then_some(namespace),
        None => is_default(gateway).then_some(ROOT_NAMESPACE),
    }
}

/// Whether a workload is a gateway's proxy, as far as its manifest says: one that the injector makes from its gateway template, or that
/// runs the proxy as a router.
#[must_use]
pub fn is_gateway(workload: &Workload<'_>) -> bool {
    let is_template =
        workload.annotations().get("inject.istio.io/templates").is_some_and(|template| template.contains("gateway"));
    let is_auto = |image: Option<&str>| image == Some("auto");
    let mut containers = workload.containers();
    is_template
        || containers.any(|container| {
            let is_router = container.0.list("args").any(|argument| argument.text() == Some("router"));
            container.name() == Some(crate::model::PROXY_CONTAINER) && (is_router || is_auto(container.image()))
        })
}

/// A condition of a `status`.
#[derive(Debug, Clone, Copy)]
pub struct Condition<'a>(pub Node<'a>);

impl<'a> Condition<'a> {
    /// The text under a key; empty where there is none.
    #[must_use]
    pub fn text(self, key: &str) -> &'a str {
        self.0.get(key).and_then(Node::text).unwrap_or_default()
    }

    /// The conditions in a mapping.
    pub fn of(mapping: Node<'a>) -> impl Iterator<Item = Self> {
        mapping.list("conditions").map(Self)
    }
}

/// The generation of a manifest that came from a cluster.
#[must_use]
pub fn generation(resource: &Resource<'_>) -> Option<i64> {
    resource.root.at(&["metadata", "generation"])?.as_integer()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_admits_hosts_of_the_namespaces_that_it_names() {
        assert!(admits("shop/*.example.com", "edge", "a.example.com", "shop"));
        assert!(!admits("./*", "edge", "a.example.com", "shop"));
        assert!(admits("./*", "edge", "a.example.com", "edge"));
    }
}
