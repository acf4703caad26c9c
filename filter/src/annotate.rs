//! The HTTP filter's part: what one request remembers between its callbacks, and the member it may add.

use std::rc::Rc;

use meshwhy_core::event::Event;
use meshwhy_core::proxy_status::{Annotation, Level};
use meshwhy_core::trace;
use meshwhy_core::{Cause, Facts, Verdict, judge};

use crate::config::{Report, Visibility};
use crate::gather;
use crate::host::Host;
use crate::lately::Judged;
use crate::observer::Observer;

/// The header of RFC 9209.
pub const HEADER: &str = "proxy-status";

/// What [`Report::Replies`] sets in the filter state of a stream whose failure it will report: `wasm.meshwhy.reported`.
pub const REPORTED: &str = "meshwhy.reported";

/// Most host calls of the response callback for a failure: the status, [`REPORTED`], who may see it, deciding, the next hop, and the
/// header. The first may cost as many more as [`crate::observer::FIRST`].
pub const ANNOTATION: u32 = 1 + 1 + 1 + gather::DECISION + 1 + 1;

/// What one request remembers.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// It was checked for trace context and came without any.
    pub lacks_trace_context: bool,
    /// How its response began; `None` while it has not, and under [`Report::Replies`] unless it is this module's to report.
    pub reply: Option<Reply>,
    /// The failure that was marked.
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
    /// With a status below 400.
    Fine,
    /// With a failure.
    Failed,
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
        let found = trace::recognise(|name| host.request_header(name).ok().flatten());
        self.count_trace_context(host, found.is_some());
        Request { lacks_trace_context: found.is_none(), ..Request::default() }
    }

    /// The response callback: adds a member to a reply that the proxy made itself, and to one whose request lacked trace context.
    ///
    /// # Cost
    /// One host call for a healthy response, at most [`ANNOTATION`] for a failure.
    pub fn on_response(&mut self, host: &impl Host, request: &mut Request) {
        let status = gather::sent_status(host);
        let failed = status.is_some_and(|status| status >= 400);
        let others_report = || self.config().report == Report::Replies && host.set_property(REPORTED, "1").is_err();
        request.reply = match status {
            Some(_) if failed && !others_report() => Some(Reply::Failed),
            Some(_) if self.config().report == Report::Failures => Some(Reply::Fine),
            _ => None,
        };
        let untraced = request.lacks_trace_context && self.config().trace_annotate;
        if !(failed || untraced) || !self.is_visible(host) {
            return;
        }
        if failed {
            let judged = self.judged(host, status);
            request.judged = Some(Rc::clone(&judged));
            if let Some(Verdict { cause, .. }) = judged.verdict.filter(|verdict| verdict.cause.error.is_some()) {
                // The next hop may be another one each time.
                if self.config().level == Level::Full {
                    mark(host, &self.member(host, &judged.facts, cause));
                } else {
                    mark(host, judged.member.get_or_init(|| self.member(host, &judged.facts, cause)));
                }
            }
        }
        if untraced {
            let event = gather::event(host, Event::TraceContextMissing, self.config().side);
            if let Some(verdict) = judge(&event) {
                mark(host, &self.member(host, &event, verdict.cause));
            }
        }
    }

    fn is_visible(&self, host: &impl Host) -> bool {
        self.config().visibility == Visibility::Always || gather::mtls(host) == Some(true)
    }

    fn member(&mut self, host: &impl Host, facts: &Facts<'_>, cause: &'static Cause) -> String {
        let identity = self.identity(host);
        let level = self.config().level;
        let next_hop = (level == Level::Full).then(|| gather::text(host, &["upstream", "address"])).flatten();
        let annotation = Annotation {
            name: self.config().name.as_deref().unwrap_or(&identity.name),
            cause,
            side: facts.side,
            details: cause.error.and_then(|_| gather::fixed_details(facts)),
            next_hop: next_hop.as_deref(),
            level,
        };
        annotation.encode()
    }
}

fn mark(host: &impl Host, member: &str) {
    // Refused outside the response phase only; the record still goes out.
    let _ = host.add_response_header(HEADER, member);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::host::fake::FakeHost;
    use crate::observer::FIRST;

    fn observer(visibility: Visibility) -> Observer {
        Observer::new(Config { visibility, trace_sample_per_10k: 10_000, ..Config::default() })
    }

    fn no_route() -> FakeHost {
        FakeHost::default()
            .number("response.code", 404)
            .number("response.flags", 256)
            .property("response.code_details", b"route_not_found")
            .property("xds.node.id", b"sidecar~10.0.0.1~cart-1.shop~shop.svc.cluster.local")
            .number("xds.listener_direction", 2)
    }

    #[test]
    fn a_local_reply_is_marked_for_mesh_peers_only() {
        let strangers = no_route();
        observer(Visibility::Mesh).on_response(&strangers, &mut Request::default());
        assert_eq!(*strangers.response_headers.borrow(), []);

        let peer = no_route().property("connection.mtls", &[1]);
        observer(Visibility::Mesh).on_response(&peer, &mut Request::default());
        let expected = "cart-1.shop; error=destination_not_found; mw-cause=MW2002; mw-side=outbound; details=\"route_not_found\"";
        assert_eq!(*peer.response_headers.borrow(), [(HEADER.to_owned(), expected.to_owned())]);
    }

    #[test]
    fn the_applications_own_error_is_not_marked() {
        let host = FakeHost::default().number("response.code", 500).property("response.code_details", b"via_upstream");
        observer(Visibility::Always).on_response(&host, &mut Request::default());
        assert_eq!(*host.response_headers.borrow(), []);
    }

    #[test]
    fn marking_a_local_reply_stays_within_its_budget() {
        let host = no_route().property("connection.mtls", &[1]);
        let mut observer = Observer::new(Config { level: Level::Full, report: Report::Replies, ..Config::default() });
        observer.on_response(&host, &mut Request::default());
        let first = host.calls.replace(0);
        assert!(first <= ANNOTATION + FIRST, "{first}");
        observer.on_response(&host, &mut Request::default());
        assert_eq!(host.response_headers.borrow().len(), 2);
        assert!(host.calls.get() <= ANNOTATION, "{}", host.calls.get());
    }

    #[test]
    fn a_healthy_response_costs_one_call() {
        let host = FakeHost::default().number("response.code", 200);
        observer(Visibility::Always).on_response(&host, &mut Request::default());
        assert_eq!(host.calls.get(), 1);
    }

    #[test]
    fn under_replies_a_failure_is_reported_by_who_said_so() {
        let config = Config { report: Report::Replies, ..Config::default() };
        for (host, said) in
            [(no_route(), true), (FakeHost::default().number("response.code", 200), false), (FakeHost::default(), false)]
        {
            let (mut observer, mut request) = (Observer::new(config.clone()), Request::default());
            observer.on_response(&host, &mut request);
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
        observer.on_response(&host, &mut request);
        assert_eq!(*host.response_headers.borrow(), [(HEADER.to_owned(), "\"\"; mw-cause=MW8001".to_owned())]);
    }

    #[test]
    fn a_host_that_refuses_everything_changes_nothing() {
        let host = FakeHost::refusing_all();
        let mut observer = observer(Visibility::Always);
        let mut request = observer.on_request(&host);
        observer.on_response(&host, &mut request);
        observer.on_log(&host, &request);
        observer.on_tick(&host);
    }
}
