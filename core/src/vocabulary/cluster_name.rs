//! Names of clusters, as Istio builds them.

use crate::condition::ClusterKind;
use crate::facts::Side;

/// The name of a cluster, understood.
///
/// # Source
/// Istio `pkg/model/proxy.go`, `BuildSubsetKey`, and `pilot/pkg/networking/util`, 1.29.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClusterName<'a> {
    /// `DIRECTION|PORT|SUBSET|HOST`; at a waypoint the subset is the protocol.
    Service {
        /// Inbound or outbound.
        direction: Side,
        /// The service's port.
        port: &'a str,
        /// Empty for all endpoints of the service.
        subset: &'a str,
        /// Empty where the cluster is inbound; `None` where the name is cut.
        host: Option<&'a str>,
    },
    /// What the sidecar sends on unchanged, or refuses.
    Special(ClusterKind),
    /// What came to a port that the workload declares nowhere.
    InboundPassthrough,
    /// Any other name.
    Other,
}

impl<'a> ClusterName<'a> {
    /// Reads a name.
    #[must_use]
    pub fn parse(name: &'a str) -> Self {
        let Some((direction, rest)) = name.split_once('|') else { return Self::special(name) };
        let direction = match direction {
            // A waypoint sends on to the endpoints of the service that it stands in front of.
            "inbound-vip" | "inbound-pod" => Side::Outbound,
            direction => match Side::parse(direction) {
                Some(side) if side != Side::Gateway => side,
                _ => return Self::Other,
            },
        };
        let mut parts = rest.splitn(3, '|');
        let mut part = || parts.next();
        Self::Service { direction, port: part().unwrap_or_default(), subset: part().unwrap_or_default(), host: part() }
    }

    fn special(name: &str) -> Self {
        match name {
            "InboundPassthroughCluster" | "InboundPassthroughClusterIpv4" | "InboundPassthroughClusterIpv6" => {
                Self::InboundPassthrough
            }
            _ => {
                let kind = [ClusterKind::BlackHole, ClusterKind::Passthrough].into_iter().find(|kind| kind.as_str() == name);
                kind.map_or(Self::Other, Self::Special)
            }
        }
    }

    /// Whether its host is no service of the cluster, whose names hold `.svc.` whatever the cluster's domain is.
    #[must_use]
    pub fn is_external(self) -> bool {
        matches!(self, Self::Service { direction: Side::Outbound, host: Some(host), .. } if !host.contains(".svc.") && host.contains('.'))
    }

    /// Which way traffic to the cluster goes.
    #[must_use]
    pub const fn side(self) -> Option<Side> {
        match self {
            Self::Service { direction, .. } => Some(direction),
            Self::Special(_) => Some(Side::Outbound),
            Self::InboundPassthrough => Some(Side::Inbound),
            Self::Other => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_side() {
        let reviews = ClusterName::parse("outbound|9080|v1|reviews.books.svc.cluster.local");
        let host = Some("reviews.books.svc.cluster.local");
        assert_eq!(reviews, ClusterName::Service { direction: Side::Outbound, port: "9080", subset: "v1", host });
        for (name, side) in [
            ("inbound|8080||", Some(Side::Inbound)),
            ("outbound|80", Some(Side::Outbound)),
            ("InboundPassthroughClusterIpv4", Some(Side::Inbound)),
            ("inbound-vip|80|http|web.shop.svc.cluster.local", Some(Side::Outbound)),
            ("PassthroughCluster", Some(Side::Outbound)),
            ("BlackHoleCluster", Some(Side::Outbound)),
            ("gateway|80||", None),
            ("xds-grpc", None),
        ] {
            assert_eq!(ClusterName::parse(name).side(), side, "{name}");
        }
    }
}
