//! The HTTP filter's part: what one request remembers between its callbacks, and the member it may add.

use std::rc::Rc;

use meshwhy_core::event::Event;
use meshwhy_core::proxy_status::{Annotation, Level};
use meshwhy_core::trace;
use meshwhy_core::{Cause, Decisive, Side, Verdict, judge};

use crate::config::{Report, Visibility};
use crate::gather::{self, Known, PROXY_STATUS};
use crate::host::Host;
use crate::members;
use crate::observer::Observer;
use crate::verdict_cache::Judged;

/// What [`Report::Replies`] sets in the filter state of a stream whose failure it will report: `wasm.meshwhy.reported`.
pub const REPORTED: &str = "meshwhy.reported";

/// Where a gateway keeps, for its own access log, the members that it tells nobody: filter state `wasm.meshwhy.proxy_status`.
pub const WITHHELD: &str = "meshwhy.proxy_status";

/// Most host calls of the response callback for a failure: the status, that of a gRPC call with its content type, [`REPORTED`],
/// deciding, who may see it, the next hop, and the header. The first may cost as many more as [`crate::observer::FIRST`].
pub const ANNOTATION: u32 = 1 + 2 + 1 + gather::DECISION + 1 + 1 + 1;
/// Most host calls more at a gateway: the header is read, removed and, without our members, written, and these are withheld.
pub const WITHHOLDING: u32 = 4;

/// What one request remembers.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// It was checked for trace context and came without any.
    pub lacks_trace_context: bool,
    /// How its response began; `None` while it has not, and under [`Report::Replies`] unless it is this module's to report.
    pub reply: Option<Reply>,
    /// The failure that was judged before the response was sent.
    pub judged: Option<Rc<Judged>>,
}

impl Request {
    /// Whether there is nothing in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        !self.lacks_trace_context && self.reply.is_none() && self.judged.is_none()
    }
}

/// How a response began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// Well, as far as its headers tell.
    Fine,
    /// With a failure.
    Failed,
}

/// Who is told the member of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Audience {
    /// Whoever the response goes to.
    Downstream,
    /// This proxy's own access log.
    AccessLog,
    Nobody,
}

impl Observer {
    /// The request callback: checks a sample of requests for trace context.
    ///
    /// # Cost
    /// No host call for a request that is not sampled; for one that is, the headers and the side.
    pub fn on_request(&mut self, host: &impl Host) -> Request {
        if !self.samples_trace_context() {
            return Request::default();
        }
        let mut readable = true;
        let found = trace::recognise(|name| {
            let header = host.request_header(name);
            readable &= header.is_ok();
            header.ok().flatten()
        });
        if !readable {
            return Request::default();
        }
        self.count_trace_context(host, found.is_some());
        Request { lacks_trace_context: found.is_none(), ..Request::default() }
    }

    /// The response callback: adds a member to a reply that the proxy made itself, and to one whose request lacked trace context. A
    /// gateway takes those of the mesh out instead.
    ///
    /// # Cost
    /// One host call for a healthy response, two for one with status 200 and no body; one more at a gateway. At most [`ANNOTATION`] for a
    /// failure, and [`WITHHOLDING`] more at a gateway.
    pub fn on_response(&mut self, host: &impl Host, request: &mut Request, end_of_stream: bool) {
        let status = gather::sent_status(host);
        // Envoy refuses a gRPC call with status 200 and headers alone.
        let grpc_status = if status == Some(200) && end_of_stream { gather::sent_grpc_failure(host) } else { None };
        let failed = grpc_status.is_some() || gather::implies_error(status);
        let others_report = || self.config().report == Report::Replies && host.set_property(REPORTED, b"1").is_err();
        request.reply = match status {
            Some(_) if failed && !others_report() => Some(Reply::Failed),
            Some(_) if self.config().report == Report::Failures => Some(Reply::Fine),
            _ => None,
        };
        let side = self.side(host);
        let mut known = Known { status, grpc_status, side, ..Known::default() };
        let mut withheld = Vec::new();
        if side == Some(Side::Gateway) && self.config().visibility == Visibility::Mesh {
            let arrived = gather::proxy_status(host).unwrap_or_default();
            withheld = withhold(host, &arrived);
            known.proxy_status = Some(arrived);
        }
        if failed {
            known.wants_flags = self.config().level > Level::Minimal;
            let judged = self.judged(host, &known);
            self.mark_failure(host, &judged, &mut withheld);
            request.judged = Some(judged);
        }
        if request.lacks_trace_context && self.config().trace_annotate {
            self.mark_untraced(host, side, &mut withheld);
        }
        if !withheld.is_empty() {
            let _ = host.set_property(WITHHELD, &withheld);
        }
    }

    fn mark_failure(&mut self, host: &impl Host, judged: &Judged, withheld: &mut Vec<u8>) {
        let Some(Verdict { cause, .. }) = judged.verdict.filter(|_| judged.is_local_reply) else { return };
        match self.audience(host, judged.facts.side) {
            Audience::Nobody => {}
            // The next hop may be another one each time.
            audience if self.config().level == Level::Full => {
                deliver(host, audience, self.member(host, &judged.facts, cause).as_deref(), withheld);
            }
            audience => {
                let member = judged.member.get_or_init(|| self.member(host, &judged.facts, cause));
                deliver(host, audience, member.as_deref(), withheld);
            }
        }
    }

    fn mark_untraced(&mut self, host: &impl Host, side: Option<Side>, withheld: &mut Vec<u8>) {
        let side = gather::side(host, side);
        let audience = self.audience(host, side);
        if audience != Audience::Nobody {
            let event = gather::event(host, Event::TraceContextMissing, side);
            let member = judge(&event).and_then(|verdict| self.member(host, &event, verdict.cause));
            deliver(host, audience, member.as_deref(), withheld);
        }
    }

    /// Who is told, as in Linkerd: an application by its own sidecar, and peers that have proved who they are.
    fn audience(&self, host: &impl Host, side: Option<Side>) -> Audience {
        let told = match (self.config().visibility, side) {
            (Visibility::Mesh, Some(Side::Gateway)) => return Audience::AccessLog,
            (Visibility::Always, _) | (_, Some(Side::Outbound)) => true,
            (Visibility::Mesh, _) => gather::mtls(host) == Some(true),
        };
        if told { Audience::Downstream } else { Audience::Nobody }
    }

    fn member(&mut self, host: &impl Host, facts: &Decisive<'_>, cause: &'static Cause) -> Option<String> {
        let identity = self.identity(host);
        let level = self.config().level;
        let next_hop = (level == Level::Full).then(|| gather::text(host, &["upstream", "address"])).flatten();
        let name = self.config().name.as_deref().unwrap_or(&identity.name);
        Annotation { name, cause, facts, next_hop: next_hop.as_deref(), level }.encode()
    }
}

fn deliver(host: &impl Host, audience: Audience, member: Option<&str>, withheld: &mut Vec<u8>) {
    let Some(member) = member else { return };
    match audience {
        Audience::Downstream => {
            // Refused outside the response phase only; the record still goes out.
            let _ = host.add_response_header(PROXY_STATUS, member.as_bytes());
        }
        Audience::AccessLog => {
            if !withheld.is_empty() {
                withheld.extend_from_slice(b", ");
            }
            withheld.extend_from_slice(member.as_bytes());
        }
        Audience::Nobody => {}
    }
}

/// Takes our members out of the response and gives them. What a host does not let us remove stays as it is.
fn withhold(host: &impl Host, arrived: &[u8]) -> Vec<u8> {
    let Some(partition) = members::partition(arrived) else { return Vec::new() };
    if host.remove_response_header(PROXY_STATUS).is_ok() && !partition.others.is_empty() {
        let _ = host.add_response_header(PROXY_STATUS, &partition.others);
    }
    partition.ours
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::host::fake::FakeHost;
    use crate::observer::FIRST;

    /// What an inner sidecar wrote.
    const INNER: &str =
        r#""pay-0.shop"; error=destination_not_found; mw-cause=MW2002; mw-side=inbound; details="route_not_found""#;

    fn config(visibility: Visibility) -> Config {
        Config { visibility, trace_sample_per_10k: 10_000, ..Config::default() }
    }

    fn observer(visibility: Visibility) -> Observer {
        Observer::new(config(visibility))
    }

    /// Answers the request; gives the lines of the header.
    fn respond(visibility: Visibility, host: &FakeHost) -> Vec<String> {
        observer(visibility).on_response(host, &mut Request::default(), false);
        host.lines_of(PROXY_STATUS)
    }

    fn no_route(node: &str, direction: u64) -> FakeHost {
        FakeHost::default()
            .number("response.code", 404)
            .number("response.flags", 256)
            .property("response.code_details", b"route_not_found")
            .property("xds.node.id", format!("{node}~10.0.0.1~cart-1.shop~shop.svc.cluster.local").as_bytes())
            .number("xds.listener_direction", direction)
    }

    fn healthy(node: &str) -> FakeHost {
        FakeHost::default().number("response.code", 200).property("xds.node.id", format!("{node}~10.0.0.1~edge.shop~").as_bytes())
    }

    fn relayed() -> FakeHost {
        let host = FakeHost::default().number("response.code", 404).property("response.code_details", b"via_upstream");
        host.property("xds.cluster_name", b"outbound|80||pay.shop.svc.cluster.local")
    }

    #[test]
    fn inbound_tells_peers_with_mutual_tls_only() {
        let stranger = no_route("sidecar", 1);
        assert_eq!(respond(Visibility::Mesh, &stranger), [""; 0]);
        let peer = no_route("sidecar", 1).property("connection.mtls", &[1]);
        let expected = "\"cart-1.shop\"; error=destination_not_found; mw-cause=MW2002; mw-side=inbound; mw-flags=\"NR\"; details=\"route_not_found\"";
        assert_eq!(respond(Visibility::Mesh, &peer), [expected]);
        assert_eq!(respond(Visibility::Always, &no_route("sidecar", 1)), [expected]);
    }

    #[test]
    fn outbound_tells_its_own_application() {
        let lines = respond(Visibility::Mesh, &no_route("sidecar", 2));
        assert!(lines.iter().all(|line| line.contains("mw-side=outbound")) && lines.len() == 1, "{lines:?}");
    }

    #[test]
    fn a_gateway_tells_its_own_access_log() {
        for kind in ["router", "waypoint"] {
            let host = no_route(kind, 2).response_header(PROXY_STATUS, b"cdn; hit").property("connection.mtls", &[1]);
            assert_eq!(respond(Visibility::Mesh, &host), ["cdn; hit"]);
            let withheld = host.filter_state.borrow();
            assert!(
                withheld.len() == 1 && withheld[0].0 == WITHHELD && withheld[0].1.contains("mw-side=gateway"),
                "{withheld:?}"
            );
            assert_eq!(respond(Visibility::Always, &no_route(kind, 2)).len(), 1);
        }
    }

    #[test]
    fn a_gateway_takes_out_what_the_mesh_says() {
        let arrived =
            || healthy("router").response_header(PROXY_STATUS, b"cdn; hit").response_header(PROXY_STATUS, INNER.as_bytes());
        let host = arrived();
        assert_eq!(respond(Visibility::Mesh, &host), ["cdn; hit"]);
        assert_eq!(*host.filter_state.borrow(), [(WITHHELD.to_owned(), INNER.to_owned())]);
        assert_eq!(respond(Visibility::Always, &arrived()), ["cdn; hit", INNER]);
        assert_eq!(respond(Visibility::Mesh, &arrived().refusing_removal()), ["cdn; hit", INNER]);
        let alone = healthy("router").response_header(PROXY_STATUS, INNER.as_bytes());
        assert_eq!(respond(Visibility::Mesh, &alone), [""; 0]);
        let sidecar = healthy("sidecar").response_header(PROXY_STATUS, INNER.as_bytes());
        assert_eq!(respond(Visibility::Mesh, &sidecar), [INNER]);
    }

    #[test]
    fn a_configured_side_wins() {
        let host = healthy("router").response_header(PROXY_STATUS, INNER.as_bytes());
        let mut observer = Observer::new(Config { side: Some(Side::Outbound), ..Config::default() });
        observer.on_response(&host, &mut Request::default(), false);
        assert_eq!(host.lines_of(PROXY_STATUS), [INNER]);
    }

    #[test]
    fn the_applications_own_error_is_not_marked() {
        assert_eq!(respond(Visibility::Always, &relayed()), [""; 0]);
    }

    #[test]
    fn a_cause_without_an_error_type_is_marked_with_its_code() {
        for (details, code) in [("fault_filter_abort", "MW6011"), ("direct_response", "MW2005")] {
            let host = FakeHost::default().number("response.code", 503).property("response.code_details", details.as_bytes());
            let lines = respond(Visibility::Always, &host.number("response.flags", 0));
            assert_eq!(lines, [format!("\"\"; mw-cause={code}; details=\"{details}\"")]);
        }
    }

    #[test]
    fn a_grpc_call_that_envoy_refused_is_marked_and_recorded() {
        let refused = |grpc_status: &[u8]| {
            no_route("sidecar", 2)
                .response_header(":status", b"200")
                .response_header("grpc-status", grpc_status)
                .response_header("content-type", b"application/grpc")
        };
        for (host, end_of_stream, marks) in
            [(refused(b"12"), true, 1), (refused(b"12"), false, 0), (refused(b"0"), true, 0), (refused(b"\xff"), true, 0)]
        {
            let (mut observer, mut request) =
                (Observer::new(Config { report: Report::Replies, ..Config::default() }), Request::default());
            observer.on_response(&host, &mut request, end_of_stream);
            observer.on_log(&host, &request);
            assert_eq!((host.lines_of(PROXY_STATUS).len(), host.records().len()), (marks, marks));
        }
    }

    #[test]
    fn a_relay_of_a_refused_grpc_call_says_who_refused() {
        let host = relayed().response_header(":status", b"200").number("response.code", 200);
        let host = host.response_header("grpc-status", b"12").response_header("content-type", b"application/grpc");
        let host = host.number("response.grpc_status", 12).response_header(PROXY_STATUS, INNER.as_bytes());
        let (mut observer, mut request) = (observer(Visibility::Mesh), Request::default());
        observer.on_response(&host, &mut request, true);
        observer.on_log(&host, &request);
        assert_eq!(host.lines_of(PROXY_STATUS), [INNER]);
        assert!(host.records()[0].contains(r#""meshwhy.relayed_from":"pay-0.shop""#), "{:?}", host.records());
    }

    #[test]
    fn a_header_named_like_a_grpc_status_makes_no_grpc_response() {
        let host = healthy("sidecar").response_header("grpc-status", b"2");
        let mut request = Request::default();
        observer(Visibility::Always).on_response(&host, &mut request, true);
        assert_eq!(request.reply, Some(Reply::Fine));
    }

    #[test]
    fn a_relay_says_who_refused() {
        for node in ["router", "sidecar"] {
            let host = relayed().property("xds.node.id", format!("{node}~1.2.3.4~edge.shop~").as_bytes());
            let host = host.response_header(PROXY_STATUS, INNER.as_bytes());
            let (mut observer, mut request) = (observer(Visibility::Mesh), Request::default());
            observer.on_response(&host, &mut request, false);
            observer.on_log(&host, &request);
            let record = &host.records()[0];
            for part in
                [r#""meshwhy.code":"MW2002""#, r#""meshwhy.confidence":"likely""#, r#""meshwhy.relayed_from":"pay-0.shop""#]
            {
                assert!(record.contains(part), "{node}: {record}");
            }
            assert!(host.counters.borrow()[0].0.contains("cause=.=no-virtual-host"), "{:?}", host.counters);
        }
    }

    #[test]
    fn marking_a_local_reply_stays_within_its_budget() {
        for (node, more) in [("sidecar", 0), ("router", WITHHOLDING)] {
            let host = no_route(node, 1).property("connection.mtls", &[1]);
            let mut observer = Observer::new(Config { level: Level::Full, report: Report::Replies, ..Config::default() });
            observer.on_response(&host, &mut Request::default(), false);
            let first = host.calls.replace(0);
            assert!(first <= ANNOTATION + FIRST + more, "{first}");
            observer.on_response(&host, &mut Request::default(), false);
            assert!(host.calls.get() <= ANNOTATION + more, "{}", host.calls.get());
        }
    }

    #[test]
    fn a_healthy_response_costs_one_call_and_one_more_at_a_gateway() {
        for (node, end_of_stream, calls) in [("sidecar", false, 1), ("sidecar", true, 2), ("router", false, 2)] {
            let host = healthy(node);
            let mut observer = Observer::started(&host, config(Visibility::Mesh));
            host.calls.set(0);
            observer.on_response(&host, &mut Request::default(), end_of_stream);
            assert_eq!(host.calls.get(), calls, "{node}");
        }
    }

    #[test]
    fn under_replies_a_failure_is_reported_by_who_said_so() {
        let config = Config { report: Report::Replies, ..Config::default() };
        let unanswered = FakeHost::default().property("xds.node.id", b"sidecar~10.0.0.1~cart-1.shop~");
        for (host, said) in [(no_route("sidecar", 2), true), (healthy("sidecar"), false), (unanswered, false)] {
            let (mut observer, mut request) = (Observer::started(&host, config.clone()), Request::default());
            host.calls.set(0);
            observer.on_response(&host, &mut request, false);
            let calls = host.calls.replace(0);
            observer.on_log(&host, &request);
            assert_eq!((host.filter_state.borrow().len(), host.records().len()), (usize::from(said), usize::from(said)));
            assert!(said || calls + host.calls.get() == 1, "{} calls", calls + host.calls.get());
        }
    }

    #[test]
    fn a_request_without_trace_context_is_counted_and_its_response_marked_without_an_error() {
        let host = FakeHost::default().number("response.code", 200).request_header("b3", b"");
        let mut observer = observer(Visibility::Always);
        let mut request = observer.on_request(&host);
        assert!(request.lacks_trace_context);
        observer.on_response(&host, &mut request, false);
        assert_eq!(host.lines_of(PROXY_STATUS), ["\"\"; mw-cause=MW8001"]);
    }

    #[test]
    fn a_host_that_refuses_everything_changes_nothing() {
        let host = FakeHost::refusing_all();
        let mut observer = observer(Visibility::Always);
        let mut request = observer.on_request(&host);
        observer.on_response(&host, &mut request, true);
        observer.on_log(&host, &request);
        observer.on_tick(&host);
        assert_eq!((request.reply, host.response_headers.borrow().len(), host.records().len()), (None, 0, 0));
    }
}
