//! Asks the host for the facts of one failure, cheapest first, and never for what cannot help.

use std::borrow::Cow;

use meshwhy_core::details::{self, Details, Reset, Word};
use meshwhy_core::event::Event;
use meshwhy_core::{Facts, Flag, ResponseFlags, Side};

use crate::host::Host;

/// Most host calls that [`failure`] makes.
pub const BUDGET: u32 = 28;

/// The phase in which facts are gathered: it decides what the host can know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// A response is about to be sent; request headers are out of reach.
    Response,
    /// The request or connection is over.
    Log,
}

/// A text attribute; not valid UTF-8 counts as unreadable, and so as not known.
pub fn text(host: &impl Host, path: &[&str]) -> Option<Cow<'static, str>> {
    let bytes = host.property(path).ok()??;
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// An integer attribute.
pub fn number(host: &impl Host, path: &[&str]) -> Option<u64> {
    let bytes = host.property(path).ok()??;
    bytes.try_into().ok().map(u64::from_le_bytes)
}

/// The response flags; bits of Envoy's core only.
pub fn flags(host: &impl Host) -> Option<ResponseFlags> {
    number(host, &["response", "flags"]).map(ResponseFlags)
}

/// The response status; absent where no response was sent.
pub fn status(host: &impl Host) -> Option<u16> {
    number(host, &["response", "code"]).and_then(|code| code.try_into().ok())
}

/// The gRPC status.
pub fn grpc_status(host: &impl Host) -> Option<u32> {
    number(host, &["response", "grpc_status"]).and_then(|status| status.try_into().ok())
}

/// Gathers what decides and locates one failure.
///
/// # Cost
/// At most [`BUDGET`] host calls.
pub fn failure(host: &impl Host, phase: Phase) -> Facts<'static> {
    let mut facts = Facts {
        status: status(host),
        flags: flags(host),
        details: text(host, &["response", "code_details"]),
        ..Facts::default()
    };
    let routed = !refused_before_routing(&facts);
    let tried = routed && reached_for_upstream(&facts);
    if tried {
        facts.upstream_transport_failure = text(host, &["upstream", "transport_failure_reason"]);
        facts.upstream_host = text(host, &["upstream", "address"]);
    }
    if routed {
        facts.cluster = text(host, &["xds", "cluster_name"]);
        facts.route = text(host, &["xds", "route_name"]);
    }
    if facts.parsed_details() == Some(Details::Word(Word::RouteNotFound)) {
        facts.virtual_host = Some(text(host, &["xds", "virtual_host_name"]).unwrap_or_default());
    }
    if phase == Phase::Log {
        log_phase(host, &mut facts, routed, tried);
    }
    facts
}

fn log_phase(host: &impl Host, facts: &mut Facts<'static>, routed: bool, tried: bool) {
    if facts.status.is_none_or(|status| status == 0) {
        facts.downstream_transport_failure = text(host, &["connection", "transport_failure_reason"]);
        facts.termination_details = text(host, &["connection", "termination_details"]);
    }
    facts.protocol = text(host, &["request", "protocol"]);
    facts.downstream_remote_address = text(host, &["source", "address"]);
    facts.downstream_local_address = text(host, &["destination", "address"]);
    if tried {
        facts.upstream_local_address = text(host, &["upstream", "local_address"]);
    }
    if facts.protocol.is_some() && routed {
        facts.method = text(host, &["request", "method"]);
        facts.path = text(host, &["request", "url_path"]);
        facts.authority = text(host, &["request", "host"]);
        facts.request_id = text(host, &["request", "id"]);
        facts.local_reply_owner =
            text(host, &["filter_state", "envoy.filters.network.http_connection_manager.local_reply_owner"]);
        // Envoy infers a gRPC status from any other HTTP status.
        facts.grpc_status = (facts.status == Some(200)).then(|| grpc_status(host)).flatten();
    }
}

/// Gathers what locates a request that is no failure: an event says the rest.
///
/// # Cost
/// Six host calls.
pub fn event(host: &impl Host, event: Event) -> Facts<'static> {
    Facts {
        event: Some(event),
        cluster: text(host, &["xds", "cluster_name"]),
        route: text(host, &["xds", "route_name"]),
        method: text(host, &["request", "method"]),
        path: text(host, &["request", "url_path"]),
        authority: text(host, &["request", "host"]),
        request_id: text(host, &["request", "id"]),
        ..Facts::default()
    }
}

/// Who speaks and which way the traffic goes; the direction is read per request, since one root context may serve both.
pub fn locate(host: &impl Host, configured: Option<Side>, identity: &Identity, facts: &mut Facts<'static>) {
    facts.side = configured.or_else(|| match number(host, &["xds", "listener_direction"])? {
        1 => Some(Side::Inbound),
        2 => Some(Side::Outbound),
        _ => None,
    });
    facts.mtls = host.property(&["connection", "mtls"]).ok().flatten().map(|bytes| bytes.first() == Some(&1));
    facts.pod = identity.pod.clone();
    facts.namespace = identity.namespace.clone();
    facts.workload = identity.workload.clone();
}

/// Who this proxy is, read once: from the node, never from the environment, which traps under a capability list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// Pod name.
    pub pod: Option<Cow<'static, str>>,
    /// Namespace.
    pub namespace: Option<Cow<'static, str>>,
    /// Workload name.
    pub workload: Option<Cow<'static, str>>,
    /// `POD.NAMESPACE`, or the whole node id where it is not Istio's.
    pub name: String,
}

/// Reads the identity. Istio's node id is `sidecar~IP~POD.NAMESPACE~DOMAIN`.
pub fn identity(host: &impl Host) -> Identity {
    let id = text(host, &["xds", "node", "id"]).unwrap_or_default();
    let instance = id.split('~').nth(2);
    let (pod, namespace) = instance.and_then(|instance| instance.rsplit_once('.')).unzip();
    let own = |text: &str| Cow::Owned(text.to_owned());
    Identity {
        name: instance.unwrap_or(&id).to_owned(),
        pod: pod.map(own),
        namespace: text(host, &["xds", "node", "metadata", "NAMESPACE"]).or_else(|| namespace.map(own)),
        workload: text(host, &["xds", "node", "metadata", "WORKLOAD_NAME"]),
    }
}

/// 426, 431 and 400 of the codec have no route, no cluster and no request attributes.
fn refused_before_routing(facts: &Facts<'_>) -> bool {
    let Some(Details::Word(word)) = facts.parsed_details() else { return false };
    word == Word::LowVersion || word.as_str().starts_with("http1.") || word.as_str().starts_with("http2.")
}

fn reached_for_upstream(facts: &Facts<'_>) -> bool {
    match facts.parsed_details() {
        Some(Details::Word(Word::RouteNotFound | Word::ClusterNotFound | Word::NoHealthyUpstream)) => false,
        Some(Details::ResetBeforeResponse { reset: Reset::Overflow, .. }) => false,
        Some(Details::RbacDenied { .. } | Details::JwtDenied { .. }) => false,
        _ => !facts.has_flag(Flag::NR) && !facts.has_flag(Flag::NC),
    }
}

/// Whether `details` may be written into a header: a fixed word and nothing that a peer could have chosen.
pub fn fixed_details<'f>(facts: &'f Facts<'_>) -> Option<&'f str> {
    match details::parse(facts.details.as_deref()?) {
        Details::Word(word) => Some(word.as_str()),
        _ => None,
    }
}
