//! The HTTP filter's part: what one request remembers between its callbacks, and the member it may add.

use meshwhy_core::event::Event;
use meshwhy_core::proxy_status::{Annotation, Level};
use meshwhy_core::trace;
use meshwhy_core::{Facts, catalogue::Cause, judge};

use crate::config::Visibility;
use crate::gather::{self, Phase};
use crate::host::Host;
use crate::observer::Observer;

/// The header of RFC 9209.
pub const HEADER: &str = "proxy-status";

/// Most host calls of the response callback for a failure: deciding, who may see it, side, next hop, three for the identity once, and
/// the header.
pub const ANNOTATION: u32 = gather::DECISION + 1 + 1 + 1 + 3 + 1;

/// What one request remembers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Request {
    /// It was checked for trace context and came without any.
    pub lacks_trace_context: bool,
    /// Its response began with a status below 400.
    pub began_well: bool,
    /// What decided when its response began with another.
    pub failure: Option<Box<Facts<'static>>>,
}

impl Observer {
    /// The request callback: checks a sample of requests for trace context.
    ///
    /// # Cost
    /// No host call for a request that is not sampled; at most seven for one that is.
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
        match gather::status(host) {
            Some(status) if status >= 400 => self.annotate_failure(host, request, status),
            status => request.began_well = status.is_some(),
        }
        if request.lacks_trace_context && self.config().trace_annotate {
            let mut facts = Facts { event: Some(Event::TraceContextMissing), ..Facts::default() };
            self.annotate(host, &mut facts);
        }
    }

    fn annotate_failure(&mut self, host: &impl Host, request: &mut Request, status: u16) {
        let (flags, details) = (gather::flags(host), gather::details(host));
        let mut facts = gather::decisive(host, Phase::Response, Some(status), flags, details);
        let ours = judge(&facts).is_some_and(|verdict| verdict.cause.error.is_some());
        if ours {
            self.annotate(host, &mut facts);
        }
        request.failure = Some(Box::new(facts));
    }

    fn annotate(&mut self, host: &impl Host, facts: &mut Facts<'static>) {
        let visible = self.config().visibility == Visibility::Always || gather::mtls(host) == Some(true);
        if !visible {
            return;
        }
        facts.side = gather::side(host, self.config().side);
        if self.config().level == Level::Full && facts.upstream_host.is_none() {
            facts.upstream_host = gather::text(host, &["upstream", "address"]);
        }
        let identity = self.identity(host);
        let Some(verdict) = judge(facts) else { return };
        let annotation = Annotation {
            name: self.config().name.as_deref().unwrap_or(&identity.name),
            cause: verdict.cause,
            side: facts.side,
            details: details(verdict.cause, facts),
            next_hop: facts.upstream_host.as_deref(),
            level: self.config().level,
        };
        // Refused outside the response phase only; the record still goes out.
        let _ = host.add_response_header(HEADER, &annotation.encode());
    }
}

fn details<'f>(cause: &Cause, facts: &'f Facts<'_>) -> Option<&'f str> {
    cause.error.and_then(|_| gather::fixed_details(facts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::host::fake::FakeHost;

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
        let mut observer = Observer::new(Config { level: Level::Full, trace_sample_per_10k: 0, ..Config::default() });
        observer.on_response(&host, &mut Request::default());
        assert_eq!(host.response_headers.borrow().len(), 1);
        assert!(host.calls.get() <= ANNOTATION, "{}", host.calls.get());
    }

    #[test]
    fn a_healthy_response_costs_one_call() {
        let host = FakeHost::default().number("response.code", 200);
        observer(Visibility::Always).on_response(&host, &mut Request::default());
        assert_eq!(host.calls.get(), 1);
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
        observer.on_log(&host, Some(request));
        observer.on_tick(&host);
    }
}
