//! What a proxy's configuration says of a failure that its log tells of.

use std::net::{IpAddr, SocketAddr};

use meshwhy_core::causes::{
    direct_response, no_cluster, no_filter_chain, no_healthy_endpoints, no_route, no_virtual_host, passthrough_blackhole,
    rbac_denied,
};
use meshwhy_core::{Cause, Facts, Lang};
use serde::Serialize;

use super::report::Outcome;
use super::{Question, Request, RouteReport, Side, route};
use crate::admin::{Clusters, ConfigDump};

/// How the configuration and a failure fit together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Agreement {
    /// The request fails so by this configuration.
    Explains,
    /// It may: that depends on headers, on the state of endpoints, or on what else is not at hand.
    Open,
    /// The request ends otherwise by this configuration, so that it was another one when the request failed, or the log misses what decides.
    Contradicts,
}

/// What a proxy's configuration says of a failure.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct FailureReport {
    /// How it fits to the failure.
    pub agreement: Agreement,
    /// Where the request would go, and what it just missed.
    #[serde(flatten)]
    pub route: RouteReport,
}

/// Asks a proxy where a request went that failed there. `None` for causes that no configuration of routes, policies and endpoints decides, and
/// where the log says too little of the request.
#[must_use]
pub fn explain(
    dump: &ConfigDump<'_>,
    clusters: Option<&Clusters>,
    cause: &Cause,
    facts: &Facts<'_>,
    lang: Lang,
) -> Option<FailureReport> {
    let expected = expected(cause)?;
    let request = request(facts, cause.code == no_filter_chain::CAUSE.code)?;
    let side = facts.side.map(|side| match side {
        meshwhy_core::Side::Inbound => Side::Inbound,
        meshwhy_core::Side::Outbound => Side::Outbound,
        meshwhy_core::Side::Gateway => Side::Gateway,
    });
    let report = route(dump, clusters, &Question { request: &request, side, listener: None, lang });
    let agreement = match report.outcome {
        Outcome::Unknown => Agreement::Open,
        outcome if expected.contains(&outcome) => Agreement::Explains,
        // A dump does not say which endpoints were ejected.
        Outcome::Forwarded if clusters.is_none() && expected.contains(&Outcome::NoEndpoint) => Agreement::Open,
        _ => Agreement::Contradicts,
    };
    Some(FailureReport { agreement, route: report })
}

/// The ends of a request that a cause stands for.
fn expected(cause: &Cause) -> Option<&'static [Outcome]> {
    use Outcome as O;
    const ENDS: [(&Cause, &[Outcome]); 8] = [
        (&no_route::CAUSE, &[O::NoRoute, O::NoVirtualHost, O::NoRouteTable]),
        (&no_virtual_host::CAUSE, &[O::NoVirtualHost, O::NoRouteTable]),
        (&no_cluster::CAUSE, &[O::NoCluster]),
        (&no_healthy_endpoints::CAUSE, &[O::NoEndpoint]),
        // Istio's own route answers 502, and the cluster without endpoints stands for it where no HTTP is seen.
        (&passthrough_blackhole::CAUSE, &[O::Answered, O::NoEndpoint, O::NoCluster]),
        (&direct_response::CAUSE, &[O::Answered]),
        (&no_filter_chain::CAUSE, &[O::NoFilterChain]),
        (&rbac_denied::CAUSE, &[O::Denied]),
    ];
    ENDS.iter().find(|(known, _)| known.code == cause.code).map(|(_, ends)| *ends)
}

/// The request, or the connection where none came to be.
fn request(facts: &Facts<'_>, is_connection: bool) -> Option<Request> {
    let context = &facts.context;
    if facts.relayed_from.is_some() || facts.seen_by_client == Some(true) {
        return None;
    }
    let local: Option<SocketAddr> = context.downstream_local_address.as_deref().and_then(|address| address.parse().ok());
    let remote: Option<SocketAddr> = context.downstream_remote_address.as_deref().and_then(|address| address.parse().ok());
    let server_name = context.server_name.as_deref().filter(|name| !name.is_empty());
    let text = |value: &Option<std::borrow::Cow<'_, str>>| value.as_deref().filter(|text| !text.is_empty()).map(str::to_owned);
    let (method, authority, path) = (text(&context.method), text(&context.authority), text(&context.path));
    let (method, authority, path) = if is_connection {
        (method.unwrap_or_default(), authority.unwrap_or_default(), path.unwrap_or_default())
    } else {
        (method?, authority?, path?)
    };
    Some(Request {
        method,
        authority,
        path,
        tls: context.mtls.unwrap_or_default() || server_name.is_some(),
        server_name: server_name.map(str::to_owned),
        is_of_log: true,
        destination: local.map(|address| address.ip()).filter(|address: &IpAddr| !address.is_unspecified()),
        port: local?.port(),
        peer: super::Peer { principal: None, address: remote.map(|address| address.ip()) },
        ..Request::default()
    })
}
