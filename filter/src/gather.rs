//! Asks the host for the facts of one failure: what decides first, and never for what cannot help.

use std::borrow::Cow;

use meshwhy_core::cluster_name::ClusterName;
use meshwhy_core::details::Word;
use meshwhy_core::event::Event;
use meshwhy_core::facts::Fact;
use meshwhy_core::node_id::{NodeId, pod_and_namespace};
use meshwhy_core::{Decisive, Facts, Flag, ResponseFlags, Side};

use crate::details_hints::DetailsHints;
use crate::host::Host;
use crate::members;

/// The header of RFC 9209.
pub const PROXY_STATUS: &str = "proxy-status";

/// Most host calls that [`details`] and [`decisive`] make, and that for the status: for a stream that ended without a response and without details.
pub const DECISION: u32 = 11;
/// Most host calls that [`describe`] makes, beyond those that [`decisive`] could spare.
pub const DESCRIPTION: u32 = 12;

/// How Envoy's TLS inspector begins what it says of plaintext (since Envoy 1.37). A plaintext filter chain may well take the connection.
const NO_CLIENT_HELLO: &str = "TLS_error|error:";

/// What a callback knows before it asks.
#[derive(Debug, Clone, Default)]
pub struct KnownFacts {
    /// The status that is sent.
    pub status: Option<u16>,
    /// The gRPC status that is sent.
    pub grpc_status: Option<u32>,
    /// Which way the traffic goes.
    pub side: Option<Side>,
    /// The header `Proxy-Status` as it came from the upstream, empty for none.
    pub proxy_status: Option<Vec<u8>>,
    /// A member says the response flags, even where they decide nothing.
    pub wants_flags: bool,
}

/// A text attribute; not valid UTF-8 counts as unreadable, and so as not known.
pub fn text(host: &impl Host, path: &[&str]) -> Option<Cow<'static, str>> {
    let bytes = host.property(path).ok()??;
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// An integer attribute.
fn number(host: &impl Host, path: &[&str]) -> Option<u64> {
    let bytes = host.property(path).ok()??;
    bytes.try_into().ok().map(u64::from_le_bytes)
}

/// The response status; 0 where no response was sent, as access logs have it.
fn status(host: &impl Host) -> Option<u16> {
    let Some(bytes) = host.property(Fact::Status.attribute()).ok()? else { return Some(0) };
    bytes.try_into().ok().map(u64::from_le_bytes).and_then(|code| code.try_into().ok())
}

/// The status of the response whose headers are about to be sent: every healthy request asks for it, and a header costs less than an
/// attribute.
pub fn sent_status(host: &impl Host) -> Option<u16> {
    std::str::from_utf8(&host.response_header(":status").ok()??).ok()?.parse().ok()
}

/// The gRPC status of a call that failed without a body, which is how Envoy itself refuses one.
pub fn sent_grpc_failure(host: &impl Host) -> Option<u32> {
    let status = host.response_header("grpc-status").ok()??;
    let status = std::str::from_utf8(&status).ok()?.parse().ok()?;
    (status != 0 && is_grpc(host)).then_some(status)
}

/// The header `Proxy-Status`, all lines of it joined by commas.
pub fn proxy_status(host: &impl Host) -> Option<Vec<u8>> {
    host.property(&["response", "headers", PROXY_STATUS]).ok().flatten()
}

/// The response code details.
pub fn details(host: &impl Host) -> Option<Cow<'static, str>> {
    text(host, Fact::Details.attribute())
}

fn flags(host: &impl Host) -> Option<ResponseFlags> {
    number(host, Fact::Flags.attribute()).map(ResponseFlags)
}

/// Gathers what decides which failure it is and what flood control keeps failures apart by, beside the details and what these show.
///
/// # Cost
/// At most [`DECISION`] host calls, those for details and status included.
pub fn decisive(
    host: &impl Host,
    details: Option<Cow<'static, str>>,
    hints: DetailsHints,
    known: &KnownFacts,
) -> Decisive<'static> {
    let mut facts = Decisive { details, ..Decisive::default() };
    facts.status = match known.status {
        // A gRPC call gets another status than the one that was decided on.
        Some(sent) if known.grpc_status.is_some() => hints.status.or_else(|| status(host)).or(Some(sent)),
        Some(sent) => Some(sent),
        None => hints.status.or_else(|| status(host)),
    };
    if known.wants_flags || !hints.decides_flags || facts.status.is_none_or(|status| status < 400) {
        facts.flags = flags(host);
    }
    if hints.may_have_host && !ended_before(&facts) {
        if !hints.carries_transport_failure {
            facts.upstream_transport_failure = text(host, Fact::UpstreamTransport.attribute());
        }
        // Without details, whether a host was tried is what decides.
        if facts.details.is_none() {
            facts.upstream_host = text(host, Fact::UpstreamHost.attribute());
        }
    }
    if hints.passed_codec && !hints.no_route {
        facts.cluster = text(host, Fact::Cluster.attribute());
        if !hints.route_is_irrelevant {
            facts.route = text(host, Fact::Route.attribute());
        }
    }
    // Istio's route tables of sidecars end in a virtual host for every authority.
    if hints.no_route && !matches!(known.side, Some(Side::Inbound | Side::Outbound)) {
        facts.virtual_host = Some(text(host, Fact::VirtualHost.attribute()).unwrap_or_default());
    }
    facts.side = known.side.or_else(|| ClusterName::parse(facts.cluster.as_deref()?).side()).or_else(|| listener_side(host));
    if facts.status.is_none_or(|status| status == 0) {
        let failure = text(host, Fact::DownstreamTransport.attribute());
        let refused = facts.has_flag(Flag::NR);
        facts.downstream_transport_failure = failure.filter(|reason| refused || !reason.starts_with(NO_CLIENT_HELLO));
        facts.termination_details = text(host, Fact::Termination.attribute());
        // A refusal has a reason; what took long and has none is a timeout.
        if facts.has_flag(Flag::UF) && facts.details.is_none() && facts.upstream_transport_failure.is_none() {
            facts.duration_ms = duration(host);
        }
    }
    if hints.passed_codec && facts.status == Some(200) {
        facts.grpc_status = known.grpc_status.or_else(|| grpc_status(host));
    }
    if facts.details.as_deref() == Some(Word::ViaUpstream.as_str())
        && (implies_error(facts.status) || facts.grpc_failure().is_some())
    {
        let author = match &known.proxy_status {
            Some(value) => members::author(value),
            None => upstream_proxy_status(host, facts.side).as_deref().and_then(members::author),
        };
        if let Some((name, cause)) = author {
            facts.relayed_from = Some(Cow::Owned(name));
            facts.annotated_code = Some(Cow::Borrowed(cause.code));
        }
    }
    facts
}

/// Whether the status alone says that something failed.
pub fn implies_error(status: Option<u16>) -> bool {
    status.is_some_and(|status| status >= 400)
}

/// `Proxy-Status` as the upstream sent it. At gateways Envoy may have removed it, and keeps it in dynamic metadata.
fn upstream_proxy_status(host: &impl Host, side: Option<Side>) -> Option<Vec<u8>> {
    let removed = || host.property(&["metadata", "filter_metadata", "meshwhy", "proxy_status"]).ok().flatten();
    proxy_status(host).or_else(|| if side == Some(Side::Gateway) { removed() } else { None })
}

fn ended_before(facts: &Decisive<'_>) -> bool {
    facts.has_flag(Flag::NR) || facts.has_flag(Flag::NC)
}

/// The gRPC status; for a response that is no gRPC the attribute has one that Envoy infers from the status.
fn grpc_status(host: &impl Host) -> Option<u32> {
    let status = if is_grpc(host) { number(host, Fact::GrpcStatus.attribute()) } else { None };
    status.and_then(|status| status.try_into().ok())
}

/// Asks for the attribute, which an access logger may, too.
fn is_grpc(host: &impl Host) -> bool {
    let kind = host.property(&["response", "headers", "content-type"]).ok().flatten();
    kind.is_some_and(|kind| kind.starts_with(b"application/grpc"))
}

/// How long all took, in milliseconds; Envoy has nanoseconds.
fn duration(host: &impl Host) -> Option<u64> {
    number(host, Fact::Duration.attribute()).map(|nanoseconds| nanoseconds / 1_000_000)
}

/// Which way the traffic goes; read per request, since one root context may serve both.
pub fn listener_side(host: &impl Host) -> Option<Side> {
    match number(host, Fact::Side.attribute())? {
        1 => Some(Side::Inbound),
        2 => Some(Side::Outbound),
        _ => None,
    }
}

/// What locates a request that is no failure: the event says the rest.
///
/// # Cost
/// Two host calls.
pub fn event_facts(host: &impl Host, event: Event, side: Option<Side>) -> Decisive<'static> {
    Decisive {
        event: Some(event),
        cluster: text(host, Fact::Cluster.attribute()),
        route: text(host, Fact::Route.attribute()),
        side,
        ..Decisive::default()
    }
}

/// Gathers what a record has besides, in the log phase: nothing of it decides. `replied`: the facts are those of the response callback,
/// where Envoy has yet to set some flags, and to replace the status that a gRPC call gets.
///
/// # Cost
/// At most [`DECISION`] and [`DESCRIPTION`] host calls together with [`decisive`].
pub fn describe(host: &impl Host, facts: &mut Facts<'static>, hints: DetailsHints, replied: bool) {
    facts.context.mtls = mtls(host);
    if facts.event.is_none() {
        if replied || facts.flags.is_none() {
            facts.flags = flags(host).or(facts.flags);
        }
        if replied || hints.status.is_some() {
            // A gRPC call gets another one, or the proxy's configuration replaced it.
            facts.status = status(host).or(facts.status);
            if facts.status == Some(200) {
                facts.grpc_status = grpc_status(host);
            }
        }
        facts.duration_ms = facts.duration_ms.or_else(|| duration(host));
        facts.context.protocol = text(host, Fact::Protocol.attribute());
        facts.context.downstream_remote_address = text(host, Fact::DownstreamRemoteAddress.attribute());
        facts.context.downstream_local_address = text(host, Fact::DownstreamLocalAddress.attribute());
        facts.context.local_reply_owner = text(host, Fact::LocalReplyOwner.attribute());
        if hints.route_is_irrelevant {
            facts.route = text(host, Fact::Route.attribute());
        }
        if hints.may_have_host && !ended_before(facts) {
            if hints.carries_transport_failure {
                facts.upstream_transport_failure = text(host, Fact::UpstreamTransport.attribute());
            }
            facts.context.upstream_local_address = text(host, Fact::UpstreamLocalAddress.attribute());
            facts.upstream_host = facts.upstream_host.take().or_else(|| text(host, Fact::UpstreamHost.attribute()));
        }
    }
    if hints.passed_codec && (facts.event.is_some() || facts.context.protocol.is_some()) {
        facts.context.method = text(host, Fact::Method.attribute());
        facts.context.path = text(host, Fact::Path.attribute());
        facts.context.authority = text(host, Fact::Authority.attribute());
        facts.context.request_id = text(host, Fact::RequestId.attribute());
    }
}

/// Whether the peer has proved who it is.
pub fn mtls(host: &impl Host) -> Option<bool> {
    host.property(Fact::Mtls.attribute()).ok().flatten().map(|bytes| bytes.first() == Some(&1))
}

/// Who this proxy is, read once: from the node; the module can ask for no environment.
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
    /// The side of every request, where the kind of proxy says it: Istio's gateway listeners have the direction outbound.
    pub side: Option<Side>,
}

impl Identity {
    /// Writes it into the facts.
    pub fn add_to(&self, facts: &mut Facts<'static>) {
        facts.context.pod.clone_from(&self.pod);
        facts.context.namespace.clone_from(&self.namespace);
        facts.context.workload.clone_from(&self.workload);
    }
}

/// Reads the identity.
pub fn identity(host: &impl Host) -> Identity {
    let id = text(host, &["xds", "node", "id"]).unwrap_or_default();
    let node = NodeId::parse(&id);
    let (pod, namespace) = node.and_then(|node| pod_and_namespace(node.proxy)).unzip();
    let own = |text: &str| Cow::Owned(text.to_owned());
    Identity {
        name: node.map_or(&*id, |node| node.proxy).to_owned(),
        side: node.and_then(NodeId::side),
        pod: pod.map(own),
        namespace: text(host, Fact::Namespace.attribute()).or_else(|| namespace.map(own)),
        workload: text(host, Fact::Workload.attribute()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::FakeHost;

    fn no_endpoints() -> FakeHost {
        FakeHost::default()
            .property("response.code_details", b"no_healthy_upstream")
            .property("xds.cluster_name", b"inbound|8080||")
            .property("xds.route_name", b"default")
    }

    fn decided(host: &FakeHost) -> (Decisive<'static>, DetailsHints) {
        let details = details(host);
        let hints = DetailsHints::of(details.as_deref());
        (decisive(host, details, hints, &KnownFacts::default()), hints)
    }

    #[test]
    fn what_details_and_cluster_imply_is_not_asked_for() {
        let host = no_endpoints().number("response.code", 503).number("xds.listener_direction", 2);
        let (facts, _) = decided(&host);
        assert_eq!((facts.status, facts.side, facts.route, host.calls.get()), (Some(503), Some(Side::Inbound), None, 2));
    }

    #[test]
    fn a_record_has_the_status_that_was_sent() {
        let host = no_endpoints().number("response.code", 200).number("response.grpc_status", 14);
        let host = host.response_header("content-type", b"application/grpc+proto");
        let (facts, hints) = decided(&host);
        let mut facts = Facts::from(facts);
        describe(&host, &mut facts, hints, false);
        assert_eq!((facts.status, facts.grpc_status, facts.route.as_deref()), (Some(200), Some(14), Some("default")));
    }
}
