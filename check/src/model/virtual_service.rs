//! VirtualServices.

use super::Resource;
use crate::document::Node;

/// A VirtualService.
#[derive(Debug, Clone, Copy)]
pub struct VirtualService<'a>(pub Resource<'a>);

/// Which of its lists a route stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RouteProtocol {
    /// `http`.
    Http,
    /// `tls`.
    Tls,
    /// `tcp`.
    Tcp,
}

impl RouteProtocol {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Http, Self::Tls, Self::Tcp];

    /// The name of the list.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Tls => "tls",
            Self::Tcp => "tcp",
        }
    }
}

/// An element of `http`, `tls` or `tcp`.
#[derive(Debug, Clone, Copy)]
pub struct Route<'a> {
    /// The list that it stands in.
    pub protocol: RouteProtocol,
    /// The element.
    pub node: Node<'a>,
}

/// A `destination`.
#[derive(Debug, Clone, Copy)]
pub struct Destination<'a>(pub Node<'a>);

impl<'a> VirtualService<'a> {
    /// Its hosts.
    pub fn hosts(&self) -> impl Iterator<Item = Node<'a>> + Clone + use<'a> {
        self.0.spec().list("hosts")
    }

    /// Its gateways as written; none means `mesh`.
    pub fn gateways(&self) -> impl Iterator<Item = Node<'a>> + Clone + use<'a> {
        self.0.spec().list("gateways")
    }

    /// Whether sidecars get it.
    #[must_use]
    pub fn is_on_mesh(&self) -> bool {
        let mut gateways = self.gateways().peekable();
        gateways.peek().is_none() || gateways.any(|gateway| gateway.text() == Some("mesh"))
    }

    /// All routes, in order.
    pub fn routes(&self) -> impl Iterator<Item = Route<'a>> + Clone + use<'a> {
        let spec = self.0.spec();
        RouteProtocol::ALL
            .into_iter()
            .flat_map(move |protocol| spec.list(protocol.as_str()).map(move |node| Route { protocol, node }))
    }

    /// The elements of `http`.
    pub fn http(&self) -> impl Iterator<Item = Node<'a>> + Clone + use<'a> {
        self.0.spec().list("http")
    }

    /// The gateways that it names, `mesh` apart: the node, and the namespace and name that it means.
    pub fn named_gateways(&self) -> impl Iterator<Item = (Node<'a>, (&'a str, &'a str))> + Clone + use<'a> {
        let namespace = self.0.namespace;
        let named = self.gateways().filter_map(|node| Some((node, node.text()?)));
        named.filter(|(_, name)| *name != "mesh").map(move |(node, name)| (node, gateway_name(name, namespace)))
    }

    /// Whether another VirtualService takes its routes in: it has no hosts of its own.
    #[must_use]
    pub fn is_delegate(&self) -> bool {
        self.hosts().next().is_none()
    }

    /// All destinations, mirrors included.
    pub fn destinations(&self) -> impl Iterator<Item = Destination<'a>> + Clone + use<'a> {
        self.routes().flat_map(Route::destinations)
    }
}

/// Namespace and name of the Gateway that a VirtualService of `namespace` means: `namespace/name`, a name alone, or the old way to write
/// a host.
#[must_use]
pub fn gateway_name<'a>(written: &'a str, namespace: &'a str) -> (&'a str, &'a str) {
    match (written.split_once('/'), written.split_once('.')) {
        (Some((".", name)), _) => (namespace, name),
        (Some(name), _) => name,
        (None, Some((name, rest))) => (rest.split('.').next().unwrap_or(rest), name),
        (None, None) => (namespace, written),
    }
}

impl<'a> Route<'a> {
    /// Where it sends requests, mirrors included.
    pub fn destinations(self) -> impl Iterator<Item = Destination<'a>> + Clone {
        let mirror = self.node.get("mirror").into_iter();
        let mirrors = self.node.list("mirrors").filter_map(|mirror| mirror.get("destination"));
        self.node.list("route").filter_map(|route| route.get("destination")).chain(mirror).chain(mirrors).map(Destination)
    }

    /// Its matches; none means everything.
    pub fn matches(self) -> impl Iterator<Item = Node<'a>> + Clone {
        self.node.list("match")
    }
}

impl<'a> Destination<'a> {
    /// The node of its host.
    #[must_use]
    pub fn host(self) -> Option<Node<'a>> {
        self.0.get("host")
    }

    /// The node of its subset.
    #[must_use]
    pub fn subset(self) -> Option<Node<'a>> {
        self.0.get("subset").filter(|subset| !subset.is_empty())
    }

    /// The node of its port's number.
    #[must_use]
    pub fn port(self) -> Option<Node<'a>> {
        self.0.at(&["port", "number"])
    }
}
