//! Which of Istio's resources a proxy's configuration comes from.

use std::collections::{BTreeMap, BTreeSet};

use crate::ConfigDump;
use crate::config::{Cluster, RouteConfiguration};
use crate::policy::{Policies, Policy};
use crate::route::resource;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Kind, namespace and name of each resource, such as `VirtualService shop/pay`.
    pub(super) names: BTreeSet<String>,
    /// For each virtual host the resource and the timeout of each of its routes.
    pub(super) routes: Vec<Vec<(String, String)>>,
    /// By host whether a DestinationRule is in force for it.
    pub(super) hosts: BTreeMap<String, bool>,
    /// Whether it has connection managers that policies stand in.
    pub(super) has_managers: bool,
}

impl Held {
    pub(super) fn new(dump: &ConfigDump<'_>) -> Self {
        let mut held = Self::default();
        for table in dump.routes.iter().filter_map(|table| table.decode::<RouteConfiguration<'_>>().ok()) {
            for host in &table.virtual_hosts {
                let of = |route: &crate::config::Route<'_>| {
                    let timeout = route.route.as_ref().map(|action| action.timeout.to_string()).unwrap_or_default();
                    Some((resource(route.metadata.config()?)?, timeout))
                };
                let routes: Vec<(String, String)> = host.routes.iter().filter_map(of).collect();
                held.names.extend(routes.iter().map(|(name, _)| name.clone()));
                held.routes.push(routes);
            }
        }
        for cluster in dump.clusters.iter().filter_map(|cluster| cluster.decode::<Cluster<'_>>().ok()) {
            let rule = cluster.metadata.config().and_then(resource).filter(|name| name.starts_with("DestinationRule "));
            let mut parts = cluster.name.split('|');
            if let (Some("outbound"), Some(_), Some(""), Some(host)) = (parts.next(), parts.next(), parts.next(), parts.next()) {
                *held.hosts.entry(host.to_owned()).or_default() |= rule.is_some();
            }
            held.names.extend(rule);
        }
        let gateway = dump.id().is_some_and(|id| id.kind == "router");
        for (_, listener) in &dump.listeners {
            for chain in listener.chains() {
                let manager = chain.connection_manager().and_then(Result::ok);
                held.has_managers |=
                    manager.is_some() && !listener.traffic_direction.is_empty() && (gateway || listener.is_inbound());
                let filters = manager.iter().flat_map(|manager| &manager.http_filters).chain(&chain.filters);
                let policies = filters.filter_map(Policies::of).flat_map(|policies| policies.policies);
                held.names.extend(policies.filter_map(|policy| Some(Policy::authorization_policy(&policy.name)?.0)));
            }
        }
        held
    }
}
