//! Ids of nodes, as Istio's agent gives them to Envoy.

use crate::facts::Side;

/// `KIND~IP~POD.NAMESPACE~DOMAIN`.
///
/// # Source
/// Istio `pkg/model/proxy.go`, `ServiceNode` and `NodeType`, 1.29.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeId<'a> {
    /// `sidecar`, `router` or `waypoint`.
    pub kind: &'a str,
    /// The proxy's address.
    pub ip: &'a str,
    /// `POD.NAMESPACE`; [`pod_and_namespace`] takes it apart.
    pub proxy: &'a str,
}

impl<'a> NodeId<'a> {
    /// Reads an id; `None` when it is not Istio's.
    #[must_use]
    pub fn parse(id: &'a str) -> Option<Self> {
        let mut parts = id.split('~');
        Some(Self { kind: parts.next()?, ip: parts.next()?, proxy: parts.next()? })
    }

    /// The side of every request, where the kind says it: a waypoint serves others as a gateway does. A sidecar has two sides.
    #[must_use]
    pub fn side(self) -> Option<Side> {
        matches!(self.kind, "router" | "waypoint").then_some(Side::Gateway)
    }
}

/// Pod and namespace of `POD.NAMESPACE`, or of a node id.
#[must_use]
pub fn pod_and_namespace(name: &str) -> Option<(&str, &str)> {
    NodeId::parse(name).map_or(name, |id| id.proxy).rsplit_once('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_side() {
        let id = NodeId::parse("router~10.0.0.1~edge-1.shop~shop.svc.cluster.local").unwrap();
        assert_eq!((id.ip, id.proxy, id.side()), ("10.0.0.1", "edge-1.shop", Some(Side::Gateway)));
        assert_eq!(NodeId::parse("sidecar~10.0.0.1~a.b~").and_then(NodeId::side), None);
        assert_eq!((NodeId::parse("edge"), pod_and_namespace("edge-1.v2.shop")), (None, Some(("edge-1.v2", "shop"))));
    }
}
