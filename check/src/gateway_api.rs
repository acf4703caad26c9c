//! What routes of the Gateway API and the listeners of their parents have in common.

use crate::document::Node;
use crate::mesh::Mesh;
use crate::mesh::meet;
use crate::model::{Resource, ResourceKind, selects};

/// The kinds of routes.
pub const ROUTES: [ResourceKind; 5] =
    [ResourceKind::HTTPRoute, ResourceKind::GRPCRoute, ResourceKind::TLSRoute, ResourceKind::TCPRoute, ResourceKind::UDPRoute];

/// A listener of a Gateway.
#[derive(Debug, Clone, Copy)]
pub struct Listener<'a>(pub Node<'a>);

/// A route at one of its parents that is in the files.
#[derive(Debug, Clone, Copy)]
pub struct Attachment<'a> {
    /// The route.
    pub route: Resource<'a>,
    /// The element of its `parentRefs`.
    pub reference: Node<'a>,
    /// The Gateway that it names.
    pub gateway: Resource<'a>,
}

/// All attachments of routes to Gateways that are in the files.
pub fn attachments<'a>(mesh: &Mesh<'a>) -> impl Iterator<Item = Attachment<'a>> {
    ROUTES.into_iter().flat_map(|kind| mesh.of(kind)).flat_map(move |route| {
        route.spec().list("parentRefs").filter_map(move |reference| {
            let text = |key: &str| reference.get(key).and_then(Node::text);
            let is_gateway = text("kind").is_none_or(|kind| kind == "Gateway")
                && text("group").is_none_or(|group| group == ResourceKind::KubernetesGateway.group());
            let namespace = text("namespace").unwrap_or(route.namespace);
            let gateway = mesh.find_near(ResourceKind::KubernetesGateway, namespace, text("name")?, route.place().file);
            Some(Attachment { route, reference, gateway: gateway.filter(|_| is_gateway)? })
        })
    })
}

/// The listeners of a Gateway.
pub fn listeners<'a>(gateway: &Resource<'a>) -> impl Iterator<Item = Listener<'a>> + Clone + use<'a> {
    gateway.spec().list("listeners").map(Listener)
}

impl<'a> Attachment<'a> {
    /// The listeners that the reference names, by section and by port; all where it names neither.
    pub fn named(&self) -> impl Iterator<Item = Listener<'a>> + Clone + use<'a> {
        let section = self.reference.get("sectionName").and_then(Node::text);
        let port = self.reference.get("port").and_then(Node::as_integer);
        listeners(&self.gateway).filter(move |listener| {
            section.is_none_or(|section| listener.name() == Some(section))
                && port.is_none_or(|port| listener.port() == Some(port))
        })
    }

    /// Those of them that take routes of this kind.
    pub fn of_kind(&self) -> impl Iterator<Item = Listener<'a>> + Clone + use<'a> {
        let kind = self.route.kind;
        self.named().filter(move |listener| listener.takes(kind))
    }

    /// Those of them that take routes of its namespace, or may do so.
    pub fn of_namespace<'m>(&self, mesh: &'m Mesh<'a>) -> impl Iterator<Item = Listener<'a>> + use<'a, 'm> {
        let (route, gateway) = (self.route, self.gateway);
        self.of_kind().filter(move |listener| listener.admits(mesh, &gateway, route.namespace) != Some(false))
    }
}

impl<'a> Listener<'a> {
    /// Its name.
    #[must_use]
    pub fn name(self) -> Option<&'a str> {
        self.0.get("name")?.text()
    }

    /// Its port.
    #[must_use]
    pub fn port(self) -> Option<i64> {
        self.0.get("port")?.as_integer()
    }

    /// The node of its host name; `None` where it takes all.
    #[must_use]
    pub fn hostname(self) -> Option<Node<'a>> {
        self.0.get("hostname").filter(|hostname| !hostname.is_empty())
    }

    /// Whether it takes routes of a kind: by its protocol as Istio has it, see `pilot/pkg/config/kube/gatewaycommon`, 1.31, and by its
    /// `allowedRoutes.kinds`. Protocols of other implementations take all.
    #[must_use]
    pub fn takes(self, kind: ResourceKind) -> bool {
        let by_protocol = match self.0.get("protocol").and_then(Node::text).unwrap_or_default() {
            "HTTP" | "HTTPS" => matches!(kind, ResourceKind::HTTPRoute | ResourceKind::GRPCRoute),
            "TLS" => matches!(kind, ResourceKind::TLSRoute | ResourceKind::TCPRoute),
            "TCP" => kind == ResourceKind::TCPRoute,
            "UDP" => kind == ResourceKind::UDPRoute,
            _ => true,
        };
        let kinds = self.0.at(&["allowedRoutes", "kinds"]).filter(|kinds| !kinds.is_empty());
        by_protocol
            && kinds
                .is_none_or(|kinds| kinds.items().any(|allowed| allowed.get("kind").and_then(Node::text) == Some(kind.as_str())))
    }

    /// Whether it takes routes of a namespace; `None` where that rests on labels that were not given.
    #[must_use]
    pub fn admits(self, mesh: &Mesh<'a>, gateway: &Resource<'a>, namespace: &str) -> Option<bool> {
        let namespaces = self.0.at(&["allowedRoutes", "namespaces"]);
        match namespaces.and_then(|namespaces| namespaces.get("from")).and_then(Node::text).unwrap_or("Same") {
            "All" => Some(true),
            "Same" => Some(namespace == gateway.namespace),
            "Selector" => {
                let selector = namespaces?.get("selector")?;
                if selector.get("matchExpressions").is_some() {
                    return None;
                }
                // Every namespace carries its name as a label.
                let labels = selector.get("matchLabels")?;
                let by_name = labels.get("kubernetes.io/metadata.name").and_then(Node::text);
                match mesh.namespace(namespace) {
                    _ if by_name.is_some_and(|name| name != namespace) => Some(false),
                    _ if by_name.is_some() && labels.entries().count() == 1 => Some(true),
                    Some(found) if by_name.is_none() => Some(selects(labels, found.labels())),
                    _ => None,
                }
            }
            "None" => Some(false),
            _ => None,
        }
    }

    /// Whether a route with these host names takes any of its requests; one without any takes all.
    pub fn meets(self, mut hostnames: impl Iterator<Item = &'a str>) -> bool {
        let Some(own) = self.hostname().and_then(Node::text) else { return true };
        hostnames.any(|hostname| meet(own, hostname))
    }
}
