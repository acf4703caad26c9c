//! Asks the host for the facts of one failure: what decides first, and never for what cannot help.

use std::borrow::Cow;

use meshwhy_core::details::{self, Details};
use meshwhy_core::event::Event;
use meshwhy_core::{Facts, Flag, ResponseFlags, Side};

use crate::host::Host;
use crate::implied::Implied;
use crate::lately::Lately;

/// Most host calls that [`decisive`] makes, and that for the status: for a stream that ended without a response and without details.
pub const DECISION: u32 = 10;
/// Most host calls that [`describe`] makes, beyond those that [`decisive`] could spare.
pub const DESCRIPTION: u32 = 12;

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

/// The response status; absent where no response was sent.
pub fn status(host: &impl Host) -> Option<u16> {
    number(host, &["response", "code"]).and_then(|code| code.try_into().ok())
}

/// The status of the response whose headers are about to be sent: every healthy request asks for it, and a header costs less than an
/// attribute.
pub fn sent_status(host: &impl Host) -> Option<u16> {
    std::str::from_utf8(&host.response_header(":status").ok()??).ok()?.parse().ok()
}

/// The response code details.
pub fn details(host: &impl Host) -> Option<Cow<'static, str>> {
    text(host, &["response", "code_details"])
}

fn flags(host: &impl Host) -> Option<ResponseFlags> {
    number(host, &["response", "flags"]).map(ResponseFlags)
}

/// Gathers what decides which failure it is, and what flood control tells failures apart by. `status` and `side` are what is known.
///
/// # Cost
/// At most [`DECISION`] host calls, that for the status included.
pub fn decisive(host: &impl Host, lately: &mut Lately, known: Option<u16>, side: Option<Side>) -> Facts<'static> {
    let mut facts = Facts { details: details(host), ..Facts::default() };
    let implied = lately.implied(facts.details.as_deref());
    facts.status = known.or(implied.status).or_else(|| status(host));
    if !implied.clear || facts.status.is_none_or(|status| status < 400) {
        facts.flags = flags(host);
    }
    if implied.upstream && !ended_before(&facts) {
        if !implied.transport {
            facts.upstream_transport_failure = text(host, &["upstream", "transport_failure_reason"]);
        }
        // Without details, whether a host was tried is what decides.
        if facts.details.is_none() {
            facts.upstream_host = text(host, &["upstream", "address"]);
        }
    }
    if implied.route {
        facts.cluster = text(host, &["xds", "cluster_name"]);
        if !implied.by_cluster {
            facts.route = text(host, &["xds", "route_name"]);
        }
    }
    if implied.no_route {
        facts.virtual_host = Some(text(host, &["xds", "virtual_host_name"]).unwrap_or_default());
    }
    facts.side = side.or_else(|| Side::of_cluster(facts.cluster.as_deref()?)).or_else(|| direction(host));
    if facts.status.is_none_or(|status| status == 0) {
        facts.downstream_transport_failure = text(host, &["connection", "transport_failure_reason"]);
        facts.termination_details = text(host, &["connection", "termination_details"]);
    }
    // Envoy infers a gRPC status from any other HTTP status.
    if implied.routing && facts.status == Some(200) {
        facts.grpc_status = grpc_status(host);
    }
    facts
}

fn ended_before(facts: &Facts<'_>) -> bool {
    facts.has_flag(Flag::NR) || facts.has_flag(Flag::NC)
}

fn grpc_status(host: &impl Host) -> Option<u32> {
    number(host, &["response", "grpc_status"]).and_then(|status| status.try_into().ok())
}

/// Which way the traffic goes; read per request, since one root context may serve both.
fn direction(host: &impl Host) -> Option<Side> {
    match number(host, &["xds", "listener_direction"])? {
        1 => Some(Side::Inbound),
        2 => Some(Side::Outbound),
        _ => None,
    }
}

/// The side alone, of a request that is no failure.
pub fn side(host: &impl Host, configured: Option<Side>) -> Option<Side> {
    configured.or_else(|| direction(host))
}

/// What locates a request that is no failure: the event says the rest.
///
/// # Cost
/// At most three host calls.
pub fn event(host: &impl Host, event: Event, configured: Option<Side>) -> Facts<'static> {
    Facts {
        event: Some(event),
        cluster: text(host, &["xds", "cluster_name"]),
        route: text(host, &["xds", "route_name"]),
        side: side(host, configured),
        ..Facts::default()
    }
}

/// Gathers what a record says besides, in the log phase: nothing of it decides.
///
/// # Cost
/// At most [`DECISION`] and [`DESCRIPTION`] host calls together with [`decisive`].
pub fn describe(host: &impl Host, facts: &mut Facts<'static>) {
    let implied = Implied::by(facts.details.as_deref());
    facts.mtls = mtls(host);
    if facts.event.is_none() {
        facts.flags = facts.flags.or_else(|| flags(host));
        if implied.status.is_some() {
            // A gRPC call was told otherwise, or the proxy's configuration replaced it.
            facts.status = status(host).or(facts.status);
            if facts.status == Some(200) {
                facts.grpc_status = grpc_status(host);
            }
        }
        facts.protocol = text(host, &["request", "protocol"]);
        facts.downstream_remote_address = text(host, &["source", "address"]);
        facts.downstream_local_address = text(host, &["destination", "address"]);
        facts.local_reply_owner =
            text(host, &["filter_state", "envoy.filters.network.http_connection_manager.local_reply_owner"]);
        if implied.by_cluster {
            facts.route = text(host, &["xds", "route_name"]);
        }
        if implied.upstream && !ended_before(facts) {
            if implied.transport {
                facts.upstream_transport_failure = text(host, &["upstream", "transport_failure_reason"]);
            }
            facts.upstream_local_address = text(host, &["upstream", "local_address"]);
            facts.upstream_host = facts.upstream_host.take().or_else(|| text(host, &["upstream", "address"]));
        }
    }
    if implied.routing && (facts.event.is_some() || facts.protocol.is_some()) {
        facts.method = text(host, &["request", "method"]);
        facts.path = text(host, &["request", "url_path"]);
        facts.authority = text(host, &["request", "host"]);
        facts.request_id = text(host, &["request", "id"]);
    }
}

/// Whether the peer has proved who it is.
pub fn mtls(host: &impl Host) -> Option<bool> {
    host.property(&["connection", "mtls"]).ok().flatten().map(|bytes| bytes.first() == Some(&1))
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

impl Identity {
    /// Says in the facts who speaks.
    pub fn sign(&self, facts: &mut Facts<'static>) {
        facts.pod.clone_from(&self.pod);
        facts.namespace.clone_from(&self.namespace);
        facts.workload.clone_from(&self.workload);
    }
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

/// Whether `details` may be written into a header: a fixed word and nothing that a peer could have chosen.
pub fn fixed_details<'f>(facts: &'f Facts<'_>) -> Option<&'f str> {
    match details::parse(facts.details.as_deref()?) {
        Details::Word(word) => Some(word.as_str()),
        _ => None,
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

    #[test]
    fn what_details_and_cluster_imply_is_not_asked_for() {
        let host = no_endpoints().number("response.code", 503).number("xds.listener_direction", 2);
        let facts = decisive(&host, &mut Lately::default(), None, None);
        assert_eq!((facts.status, facts.side, facts.route, host.calls.get()), (Some(503), Some(Side::Inbound), None, 2));
    }

    #[test]
    fn a_record_has_the_status_that_was_sent() {
        let host = no_endpoints().number("response.code", 200).number("response.grpc_status", 14);
        let mut facts = decisive(&host, &mut Lately::default(), None, None);
        describe(&host, &mut facts);
        assert_eq!((facts.status, facts.grpc_status, facts.route.as_deref()), (Some(200), Some(14), Some("default")));
    }
}
