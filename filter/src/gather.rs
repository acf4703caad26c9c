//! Asks the host for the facts of one failure: what decides in one call, what a record says besides in another.

use std::borrow::Cow;

use meshwhy_core::details::{self, Details, Reset, Word};
use meshwhy_core::event::Event;
use meshwhy_core::{Facts, Flag, ResponseFlags, Side};

use crate::attributes::{Path, Values};
use crate::host::Host;

/// What decides which failure it is, and what flood control tells failures apart by.
pub const DECISIVE: [Path; 13] = [
    &["response", "code"],
    &["response", "flags"],
    &["response", "code_details"],
    &["response", "grpc_status"],
    &["upstream", "transport_failure_reason"],
    &["upstream", "address"],
    &["connection", "transport_failure_reason"],
    &["connection", "termination_details"],
    &["connection", "mtls"],
    &["xds", "cluster_name"],
    &["xds", "route_name"],
    &["xds", "virtual_host_name"],
    &["xds", "listener_direction"],
];

/// What a record says besides; request attributes can be had in the log phase only.
pub const DESCRIPTIVE: [Path; 9] = [
    &["source", "address"],
    &["destination", "address"],
    &["upstream", "local_address"],
    &["request", "protocol"],
    &["request", "method"],
    &["request", "url_path"],
    &["request", "host"],
    &["request", "id"],
    &["filter_state", "envoy.filters.network.http_connection_manager.local_reply_owner"],
];

/// A text attribute of its own; not valid UTF-8 counts as unreadable, and so as not known.
fn text_property(host: &impl Host, path: &[&str]) -> Option<Cow<'static, str>> {
    let bytes = host.property(path).ok()??;
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

fn text(value: Option<&[u8]>) -> Option<Cow<'_, str>> {
    value.and_then(|bytes| std::str::from_utf8(bytes).ok()).map(Cow::Borrowed)
}

fn number(value: Option<&[u8]>) -> Option<u64> {
    value.and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes)
}

fn small(value: Option<&[u8]>) -> Option<u32> {
    number(value).and_then(|number| number.try_into().ok())
}

/// The response status; absent where no response was sent.
///
/// # Cost
/// One host call.
pub fn status(host: &impl Host) -> Option<u16> {
    let value = host.property(&["response", "code"]).ok().flatten();
    number(value.as_deref()).and_then(|code| code.try_into().ok())
}

/// Whether the upstream's answer went through to its end.
///
/// # Cost
/// One host call.
pub fn upstream_answered(host: &impl Host) -> bool {
    let details = host.property(&["response", "code_details"]).ok().flatten();
    details.is_some_and(|details| details == Word::ViaUpstream.as_str().as_bytes())
}

/// What decides, as far as the request came; `side` is configured or read per request, since one root context may serve both.
#[must_use]
pub fn decisive(values: &Values<{ DECISIVE.len() }>, side: Option<Side>) -> Facts<'_> {
    let [
        code,
        flags,
        code_details,
        grpc_status,
        transport_failure,
        upstream_host,
        downstream_failure,
        termination_details,
        mtls,
        cluster,
        route,
        virtual_host,
        direction,
    ] = values.all();
    let direction = || match number(direction)? {
        1 => Some(Side::Inbound),
        2 => Some(Side::Outbound),
        _ => None,
    };
    let mut facts = Facts {
        status: small(code).and_then(|code| code.try_into().ok()),
        flags: number(flags).map(ResponseFlags),
        details: text(code_details),
        mtls: mtls.map(|mtls| mtls.first() == Some(&1)),
        side: side.or_else(direction),
        ..Facts::default()
    };
    let reach = Reach::of(&facts);
    if reach.upstream {
        facts.upstream_transport_failure = text(transport_failure);
        facts.upstream_host = text(upstream_host);
    }
    if reach.routing {
        facts.cluster = text(cluster);
        facts.route = text(route);
    }
    if reach.no_route {
        facts.virtual_host = Some(text(virtual_host).unwrap_or_default());
    }
    if facts.status.is_none_or(|status| status == 0) {
        facts.downstream_transport_failure = text(downstream_failure);
        facts.termination_details = text(termination_details);
    }
    // Envoy infers a gRPC status from any other HTTP status.
    if reach.routing && facts.status == Some(200) {
        facts.grpc_status = small(grpc_status);
    }
    facts
}

/// What locates a request that is no failure: the event says the rest.
#[must_use]
pub fn event(values: &Values<{ DECISIVE.len() }>, side: Option<Side>, event: Event) -> Facts<'_> {
    let located = decisive(values, side);
    Facts {
        event: Some(event),
        cluster: located.cluster,
        route: located.route,
        side: located.side,
        mtls: located.mtls,
        ..Facts::default()
    }
}

/// Adds what a record says besides: nothing of it decides.
pub fn describe<'v>(values: &'v Values<{ DESCRIPTIVE.len() }>, facts: &mut Facts<'v>) {
    let [remote, local, upstream_local, protocol, method, path, authority, request_id, owner] = values.all();
    let reach = Reach::of(facts);
    if facts.event.is_none() {
        facts.protocol = text(protocol);
        facts.downstream_remote_address = text(remote);
        facts.downstream_local_address = text(local);
        facts.local_reply_owner = text(owner);
        if reach.upstream {
            facts.upstream_local_address = text(upstream_local);
        }
    }
    if reach.routing {
        facts.method = text(method);
        facts.path = text(path);
        facts.authority = text(authority);
        facts.request_id = text(request_id);
    }
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
    pub fn sign<'i>(&'i self, facts: &mut Facts<'i>) {
        facts.pod = self.pod.as_deref().map(Cow::Borrowed);
        facts.namespace = self.namespace.as_deref().map(Cow::Borrowed);
        facts.workload = self.workload.as_deref().map(Cow::Borrowed);
    }
}

/// Reads the identity. Istio's node id is `sidecar~IP~POD.NAMESPACE~DOMAIN`.
pub fn identity(host: &impl Host) -> Identity {
    let id = text_property(host, &["xds", "node", "id"]).unwrap_or_default();
    let instance = id.split('~').nth(2);
    let (pod, namespace) = instance.and_then(|instance| instance.rsplit_once('.')).unzip();
    let own = |text: &str| Cow::Owned(text.to_owned());
    Identity {
        name: instance.unwrap_or(&id).to_owned(),
        pod: pod.map(own),
        namespace: text_property(host, &["xds", "node", "metadata", "NAMESPACE"]).or_else(|| namespace.map(own)),
        workload: text_property(host, &["xds", "node", "metadata", "WORKLOAD_NAME"]),
    }
}

/// How far a request came: what lies behind that has no attributes to ask for.
#[derive(Debug, Clone, Copy)]
struct Reach {
    /// Not refused by the codec, as 426, 431 and 400 are.
    routing: bool,
    /// No route matched.
    no_route: bool,
    /// A host was looked for, and perhaps tried.
    upstream: bool,
}

impl Reach {
    fn of(facts: &Facts<'_>) -> Self {
        let details = facts.parsed_details();
        let codec =
            |word: Word| word == Word::LowVersion || ["http1.", "http2."].iter().any(|head| word.as_str().starts_with(head));
        let routing = !matches!(details, Some(Details::Word(word)) if codec(word));
        let ended_before = match details {
            Some(Details::Word(
                Word::RouteNotFound | Word::ClusterNotFound | Word::JwksRemoteFetchFailed | Word::NoHealthyUpstream,
            )) => true,
            Some(Details::ResetBeforeResponse { reset: Reset::Overflow, .. }) => true,
            Some(Details::RbacDenied { .. } | Details::JwtDenied { .. }) => true,
            _ => facts.has_flag(Flag::NR) || facts.has_flag(Flag::NC),
        };
        let no_route = details == Some(Details::Word(Word::RouteNotFound));
        Self { routing, no_route, upstream: routing && !ended_before }
    }
}

/// Whether `details` may be written into a header: a fixed word and nothing that a peer could have chosen.
pub fn fixed_details<'f>(facts: &'f Facts<'_>) -> Option<&'f str> {
    match details::parse(facts.details.as_deref()?) {
        Details::Word(word) => Some(word.as_str()),
        _ => None,
    }
}
