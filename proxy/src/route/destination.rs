//! A cluster that requests go to, and its endpoints.

use crate::admin::clusters::{ClusterStatus, Limit};
use crate::admin::{Clusters, ConfigDump, State};
use crate::config::{Cluster, ClusterLoadAssignment};

/// A cluster, and what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Destination {
    /// Its name.
    pub cluster: String,
    /// Its share of the requests and the sum of all shares.
    pub share: (u32, u32),
    /// How far the proxy has it.
    pub state: ClusterState,
    /// Its endpoints; `None` where nothing says which it has.
    pub endpoints: Option<Vec<Endpoint>>,
    /// Whether Envoy sends to unhealthy endpoints, too, once too few are healthy.
    pub panics: bool,
    /// Gauges of its hosts that have reached a limit of a circuit breaker: its name, the gauge, the limit.
    pub exhausted: Vec<(String, u64, u64)>,
}

/// How far a proxy has a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClusterState {
    /// In use.
    Active,
    /// It waits for endpoints or secrets; requests fail until then.
    Warming,
    /// The proxy does not know it; requests fail.
    Missing,
    /// In use; requests go to the address that the client wanted.
    OriginalDestination,
    /// In use, and never with endpoints: Istio's cluster for what must not leave.
    BlackHole,
    /// The dump has no clusters.
    Unknown,
}

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its address.
    pub address: String,
    /// Whether Envoy sends requests to it.
    pub is_usable: bool,
    /// Why not, in Envoy's words.
    pub unhealthy: Vec<String>,
    /// 0 is used first.
    pub priority: u32,
    /// `REGION/ZONE/SUBZONE`.
    pub locality: String,
    /// Its weight.
    pub weight: u32,
}

impl Destination {
    /// Looks a cluster up.
    #[must_use]
    pub fn new(dump: &ConfigDump<'_>, clusters: Option<&Clusters>, name: &str, share: (u32, u32)) -> Self {
        let resource = dump.cluster(name);
        let cluster = resource.and_then(|resource| resource.decode::<Cluster<'_>>().ok());
        let state = match (resource, &cluster) {
            (None, _) if !dump.has.clusters => ClusterState::Unknown,
            (None, _) => ClusterState::Missing,
            (Some(resource), _) if resource.state == State::Warming => ClusterState::Warming,
            (Some(_), Some(cluster)) if &*cluster.kind == "ORIGINAL_DST" => ClusterState::OriginalDestination,
            (Some(_), _) if name == "BlackHoleCluster" => ClusterState::BlackHole,
            _ => ClusterState::Active,
        };
        let status = clusters.and_then(|clusters| clusters.clusters.get(name));
        let endpoints = status.map(of_status).or_else(|| of_dump(dump, name, cluster.as_ref()));
        Self {
            cluster: name.to_owned(),
            share,
            state,
            endpoints: endpoints.filter(|_| state != ClusterState::OriginalDestination),
            panics: cluster.as_ref().is_none_or(Cluster::panics),
            exhausted: status.map(exhausted).unwrap_or_default(),
        }
    }

    /// Whether a request that goes there gets to an endpoint; `None` where that is not known.
    #[must_use]
    pub fn is_served(&self) -> Option<bool> {
        match self.state {
            ClusterState::Warming | ClusterState::Missing | ClusterState::BlackHole => Some(false),
            ClusterState::OriginalDestination | ClusterState::Unknown => None,
            ClusterState::Active => {
                let endpoints = self.endpoints.as_ref()?;
                Some(endpoints.iter().any(|endpoint| endpoint.is_usable) || (self.panics && !endpoints.is_empty()))
            }
        }
    }
}

fn of_status(status: &ClusterStatus) -> Vec<Endpoint> {
    let hosts = status.hosts.iter().map(|host| Endpoint {
        address: host.address.clone(),
        is_usable: host.is_usable(),
        unhealthy: host.unhealthy.clone(),
        priority: host.priority,
        locality: host.locality.clone(),
        weight: host.weight,
    });
    hosts.collect()
}

/// The endpoints of `?include_eds`, or those that stand in the cluster; names that have to be resolved first are none.
fn of_dump(dump: &ConfigDump<'_>, name: &str, cluster: Option<&Cluster<'_>>) -> Option<Vec<Endpoint>> {
    let delivered = dump.endpoints_of(name).and_then(|resource| resource.decode::<ClusterLoadAssignment<'_>>().ok());
    let own = || cluster.filter(|cluster| matches!(&*cluster.kind, "" | "STATIC"))?.load_assignment.clone();
    let assignment = delivered.or_else(own)?;
    let of_locality = assignment.endpoints.iter().flat_map(|group| {
        group.lb_endpoints.iter().map(|endpoint| {
            let health = &*endpoint.health_status;
            let is_usable = matches!(health, "" | "UNKNOWN" | "HEALTHY" | "DEGRADED");
            Endpoint {
                address: endpoint.address(),
                is_usable,
                unhealthy: if is_usable { Vec::new() } else { vec![health.to_owned()] },
                priority: group.priority,
                locality: group.locality.shown(),
                weight: endpoint.load_balancing_weight.unwrap_or(1),
            }
        })
    });
    Some(of_locality.collect())
}

fn exhausted(status: &ClusterStatus) -> Vec<(String, u64, u64)> {
    let gauge = |name: &str| status.hosts.iter().filter_map(|host| host.stats.get(name)).sum::<u64>();
    let reached = |limit: &Limit| {
        let used = match limit.name.as_str() {
            "max_connections" => gauge("cx_active"),
            "max_requests" => gauge("rq_active"),
            _ => return None,
        };
        (limit.priority == "default" && used >= limit.value).then(|| (limit.name.clone(), used, limit.value))
    };
    status.limits.iter().filter_map(reached).collect()
}
