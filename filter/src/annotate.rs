//! The HTTP filter's part: what one request remembers between its callbacks, and the member it may add.

use meshwhy_core::event::Event;
use meshwhy_core::proxy_status::Annotation;
use meshwhy_core::trace;
use meshwhy_core::{Facts, catalogue::Cause, judge};

use crate::config::Visibility;
use crate::gather::{self, Phase};
use crate::host::Host;
use crate::observer::Observer;

/// The header of RFC 9209.
pub const HEADER: &str = "proxy-status";

/// What one request remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Request {
    /// It was checked for trace context and came without any.
    pub lacks_trace_context: bool,
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
        Request { lacks_trace_context: found.is_none() }
    }

    /// The response callback: adds a member to a reply that the proxy made itself, and to one whose request lacked trace context.
    ///
    /// # Cost
    /// One host call for a healthy response.
    pub fn on_response(&mut self, host: &impl Host, request: Request) {
        let failed = gather::status(host).is_some_and(|status| status >= 400);
        if failed {
            self.annotate_failure(host);
        }
        if request.lacks_trace_context && self.config().trace_annotate {
            let facts = Facts { event: Some(Event::TraceContextMissing), ..Facts::default() };
            self.annotate(host, facts);
        }
    }

    fn annotate_failure(&mut self, host: &impl Host) {
        let facts = gather::failure(host, Phase::Response);
        let ours = judge(&facts).is_some_and(|verdict| verdict.cause.error.is_some());
        if ours {
            self.annotate(host, facts);
        }
    }

    fn annotate(&mut self, host: &impl Host, mut facts: Facts<'static>) {
        let identity = self.identity(host).clone();
        gather::locate(host, self.config().side, &identity, &mut facts);
        let visible = self.config().visibility == Visibility::Always || facts.mtls == Some(true);
        let Some(verdict) = judge(&facts).filter(|_| visible) else { return };
        let annotation = Annotation {
            name: self.config().name.as_deref().unwrap_or(&identity.name),
            cause: verdict.cause,
            side: facts.side,
            details: details(verdict.cause, &facts),
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
        observer(Visibility::Mesh).on_response(&strangers, Request::default());
        assert_eq!(*strangers.response_headers.borrow(), []);

        let peer = no_route().property("connection.mtls", &[1]);
        observer(Visibility::Mesh).on_response(&peer, Request::default());
        let expected = "cart-1.shop; error=destination_not_found; mw-cause=MW2002; mw-side=outbound; details=\"route_not_found\"";
        assert_eq!(*peer.response_headers.borrow(), [(HEADER.to_owned(), expected.to_owned())]);
    }

    #[test]
    fn the_applications_own_error_is_not_marked() {
        let host = FakeHost::default().number("response.code", 500).property("response.code_details", b"via_upstream");
        observer(Visibility::Always).on_response(&host, Request::default());
        assert_eq!(*host.response_headers.borrow(), []);
    }

    #[test]
    fn a_healthy_response_costs_one_call() {
        let host = FakeHost::default().number("response.code", 200);
        observer(Visibility::Always).on_response(&host, Request::default());
        assert_eq!(host.calls.get(), 1);
    }

    #[test]
    fn a_request_without_trace_context_is_counted_and_its_response_marked_without_an_error() {
        let host = FakeHost::default().number("response.code", 200).request_header("b3", b"");
        let mut observer = observer(Visibility::Always);
        let request = observer.on_request(&host);
        assert!(request.lacks_trace_context);
        observer.on_response(&host, request);
        assert_eq!(*host.response_headers.borrow(), [(HEADER.to_owned(), "\"\"; mw-cause=MW8001".to_owned())]);
    }

    #[test]
    fn a_host_that_refuses_everything_changes_nothing() {
        let host = FakeHost::refusing_all();
        let mut observer = observer(Visibility::Always);
        let request = observer.on_request(&host);
        observer.on_response(&host, request);
        observer.on_log(&host, Some(request));
        observer.on_tick(&host);
    }
}
