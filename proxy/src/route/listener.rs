//! Which listener a connection comes to.
//!
//! Source: Istio `pilot/pkg/networking/core/listener.go`, 1.29; Envoy `source/common/listener_manager/active_tcp_listener.cc`, 1.40.

use meshwhy_core::cluster_name::ClusterName;

use super::{Request, authority};
use crate::admin::{ConfigDump, State};
use crate::config::ListenerConfig;
use crate::matching::parse_ip;

/// From where a proxy gets a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// From the application beside it.
    Outbound,
    /// For the application beside it.
    Inbound,
    /// From anybody: a gateway or a waypoint.
    Gateway,
}

/// Why it is this listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListenerReason {
    /// It was asked for by its name.
    Named,
    /// It has this very address.
    Address,
    /// It serves this host, so that its address is taken for that of the host.
    ServesHost,
    /// It has this port on all addresses.
    Port,
    /// It is the only one of this port, so that its address is taken for that of the host.
    OnlyOne,
    /// It gets what no other listener is for.
    CatchAll,
    /// It has the port that a gateway's Service usually maps this one to.
    MappedPort,
}

/// The listener of a request.
#[derive(Debug, Clone)]
pub enum ListenerChoice<'d, 'a> {
    /// This one.
    Chosen(&'d ListenerConfig<'a>, ListenerReason),
    /// One of these, depending on the address that the host has.
    Open(Vec<&'d ListenerConfig<'a>>),
    /// None.
    None,
}

/// The listener for traffic that no other one is for.
const CATCH_ALL: [&str; 2] = ["virtualOutbound", "virtualInbound"];
/// The ports to which Istio's gateway Services map the ones of HTTP and HTTPS.
const MAPPED: [(u16, u16); 2] = [(80, 8080), (443, 8443)];

/// The listeners that are in use.
pub(crate) fn active<'d, 'a>(dump: &'d ConfigDump<'a>) -> impl Iterator<Item = &'d ListenerConfig<'a>> {
    dump.listeners.iter().filter(|(state, _)| *state == State::Active).map(|(_, listener)| listener)
}

/// The listener that a request comes to.
#[must_use]
pub fn choose<'d, 'a>(dump: &'d ConfigDump<'a>, side: Side, request: &Request, name: Option<&str>) -> ListenerChoice<'d, 'a> {
    if let Some(name) = name {
        let named = active(dump).find(|listener| &*listener.name == name);
        return named.map_or(ListenerChoice::None, |listener| ListenerChoice::Chosen(listener, ListenerReason::Named));
    }
    let of_side = |listener: &&ListenerConfig<'_>| match side {
        Side::Gateway => true,
        Side::Inbound => listener.is_inbound(),
        Side::Outbound => !listener.is_inbound(),
    };
    let all: Vec<_> = active(dump).filter(of_side).collect();
    let (catch_all, ordinary): (Vec<_>, Vec<_>) = all.into_iter().partition(|listener| CATCH_ALL.contains(&&*listener.name));
    match of_port(dump, &ordinary, request, request.port) {
        ListenerChoice::None => {}
        choice => return choice,
    }
    if let Some(listener) = catch_all.first() {
        return ListenerChoice::Chosen(listener, ListenerReason::CatchAll);
    }
    let mapped = MAPPED.iter().find(|(port, _)| *port == request.port).filter(|_| side == Side::Gateway);
    match mapped.map(|(_, port)| of_port(dump, &ordinary, request, *port)) {
        Some(ListenerChoice::Chosen(listener, _)) => ListenerChoice::Chosen(listener, ListenerReason::MappedPort),
        Some(other) => other,
        None => ListenerChoice::None,
    }
}

fn of_port<'d, 'a>(
    dump: &ConfigDump<'a>,
    listeners: &[&'d ListenerConfig<'a>],
    request: &Request,
    port: u16,
) -> ListenerChoice<'d, 'a> {
    let here = |listener: &&&'d ListenerConfig<'a>| listener.addresses().any(|address| address.port_value == port);
    let here: Vec<&'d ListenerConfig<'a>> = listeners.iter().filter(here).copied().collect();
    let is_at = |listener: &ListenerConfig<'a>, wanted: &dyn Fn(std::net::IpAddr) -> bool| {
        let mut addresses = listener.addresses().filter(|address| address.port_value == port);
        addresses.any(|address| parse_ip(&address.address).is_some_and(wanted))
    };
    let everywhere = here.iter().find(|listener| is_at(listener, &|address| address.is_unspecified()));
    let known = request.destination.or_else(|| parse_ip(authority::split_port(&request.authority).0));
    if let Some(destination) = known {
        let exact = here.iter().find(|listener| is_at(listener, &|address| address == destination));
        let found = exact.map(|listener| (listener, ListenerReason::Address)).or(everywhere.map(|it| (it, ListenerReason::Port)));
        return found.map_or(ListenerChoice::None, |(listener, reason)| ListenerChoice::Chosen(listener, reason));
    }
    let serving: Vec<_> = here
        .iter()
        .filter(|listener| !is_at(listener, &|address| address.is_unspecified()) && serves(dump, listener, request))
        .collect();
    match (serving.as_slice(), everywhere, here.as_slice()) {
        ([listener], ..) => ListenerChoice::Chosen(listener, ListenerReason::ServesHost),
        (_, _, []) => ListenerChoice::None,
        ([], Some(listener), _) => ListenerChoice::Chosen(listener, ListenerReason::Port),
        ([], None, [listener]) => ListenerChoice::Chosen(listener, ListenerReason::OnlyOne),
        ([], None, _) => ListenerChoice::Open(here),
        (serving, ..) => ListenerChoice::Open(serving.iter().map(|listener| **listener).collect()),
    }
}

/// Whether a listener leads to the host by name: its route table has more than a `*` for it, or its TCP proxy goes to the host's cluster.
fn serves(dump: &ConfigDump<'_>, listener: &ListenerConfig<'_>, request: &Request) -> bool {
    let host = authority::split_port(&request.authority).0.to_ascii_lowercase();
    listener.chains().any(|chain| {
        if let Some(Ok(proxy)) = chain.tcp_proxy() {
            let ClusterName::Service { host: Some(of_cluster), .. } = ClusterName::parse(&proxy.cluster) else { return false };
            return of_cluster == host || of_cluster.strip_prefix(&*host).is_some_and(|rest| rest.starts_with('.'));
        }
        let Some(Ok(manager)) = chain.connection_manager() else { return false };
        let delivered =
            manager.rds.as_ref().and_then(|rds| dump.route_configuration(&rds.route_config_name)).and_then(Result::ok);
        let table = manager.route_config.as_ref().or(delivered.as_ref());
        table.and_then(|table| authority::virtual_host(table, &request.authority)).is_some_and(|(_, domain)| domain != "*")
    })
}
