//! What facts offer for the slots of a cause's steps.

use std::net::SocketAddr;

use crate::catalogue::slot::{Fill, Slot};
use crate::cluster_name::ClusterName;
use crate::details::{Details, parse};
use crate::facts::{Facts, text};

impl Fill for Facts<'_> {
    fn value(&self, slot: Slot) -> Option<&str> {
        match slot {
            Slot::Namespace => text(self.context.namespace.as_ref()),
            Slot::Pod => text(self.context.pod.as_ref()),
            Slot::Workload => text(self.context.workload.as_ref()),
            Slot::UpstreamAddress => {
                text(self.upstream_host.as_ref()).map(behind_tunnel).filter(|host| host.parse::<SocketAddr>().is_ok())
            }
            Slot::Cluster => text(self.cluster.as_ref()),
            Slot::Host => cluster(self).and_then(|(_, host)| host).or_else(|| Some(authority(self)?.0)),
            Slot::Port => cluster(self).map(|(port, _)| port).or_else(|| authority(self)?.1),
            Slot::Service => self.value(Slot::Host)?.split('.').next(),
            Slot::ServiceNamespace => {
                let mut labels = self.value(Slot::Host)?.split('.').skip(1);
                labels.next().filter(|_| labels.next() == Some("svc"))
            }
            Slot::PolicyNamespace => Some(policy(self)?.0),
            Slot::Policy => Some(policy(self)?.1),
        }
    }
}

/// The address behind the internal listener of a tunnel: `envoy://LISTENER/ADDRESS`.
fn behind_tunnel(host: &str) -> &str {
    host.strip_prefix("envoy://").and_then(|rest| rest.split_once('/')).map_or(host, |(_, address)| address)
}

/// Port and host of the cluster.
fn cluster<'f>(facts: &'f Facts<'_>) -> Option<(&'f str, Option<&'f str>)> {
    match ClusterName::parse(text(facts.cluster.as_ref())?) {
        ClusterName::Service { port, host, .. } => Some((port, host.filter(|host| !host.is_empty()))),
        ClusterName::Special(_) | ClusterName::InboundPassthrough | ClusterName::Other => None,
    }
}

/// Host and port of the authority.
fn authority<'f>(facts: &'f Facts<'_>) -> Option<(&'f str, Option<&'f str>)> {
    let name = text(facts.context.authority.as_ref())?;
    let (host, port) = name.rsplit_once(':').unwrap_or((name, ""));
    Some((host, Some(port).filter(|port| !port.is_empty())))
}

/// Namespace and name of the AuthorizationPolicy that denied, from Istio's `ns[NAMESPACE]-policy[NAME]-rule[N]`.
fn policy<'f>(facts: &'f Facts<'_>) -> Option<(&'f str, &'f str)> {
    let Details::RbacDenied { policy: Some(policy) } = parse(text(facts.details.as_ref())?) else { return None };
    let (namespace, rest) = policy.strip_prefix("ns[")?.split_once("]-policy[")?;
    Some((namespace, rest.split_once(']')?.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Decisive;

    #[test]
    fn service_and_port_come_from_the_cluster() {
        let cluster = "outbound|9080||reviews.books.svc.cluster.local";
        let facts = Facts::from(Decisive { cluster: Some(cluster.into()), ..Decisive::default() });
        let values = [Slot::Service, Slot::ServiceNamespace, Slot::Port, Slot::Cluster].map(|slot| facts.value(slot));
        assert_eq!(values, [Some("reviews"), Some("books"), Some("9080"), Some(cluster)]);
    }
}
