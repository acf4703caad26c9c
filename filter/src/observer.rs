//! What one root context knows and does: judge a failure, count it, and write its record.

use std::borrow::Cow;

use meshwhy_core::event::Event;
use meshwhy_core::record::{self, PREFIX};
use meshwhy_core::redact::redact;
use meshwhy_core::{Confidence, Facts, Verdict, judge};

use crate::annotate::Request;
use crate::config::{Config, Report};
use crate::counters::Counters;
use crate::flood::{Flood, Kind, Suppressed};
use crate::gather::{self, Identity, Phase};
use crate::host::{Host, LogLevel};

/// The state of one root context.
#[derive(Debug)]
pub struct Observer {
    config: Config,
    identity: Option<Identity>,
    flood: Flood,
    counters: Counters,
    trace_samples: u32,
}

impl Observer {
    /// Makes one for a configuration.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let flood = Flood::new(config.records_per_interval, config.interval_ms);
        Self { config, identity: None, flood, counters: Counters::default(), trace_samples: 0 }
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Who this proxy is; asked of the host once.
    pub(crate) fn identity(&mut self, host: &impl Host) -> &Identity {
        self.identity.get_or_insert_with(|| gather::identity(host))
    }

    /// Spreads the sample evenly: of 10 000 requests exactly `sample_per_10k`.
    pub(crate) fn samples_trace_context(&mut self) -> bool {
        self.trace_samples = self.trace_samples.saturating_add(self.config.trace_sample_per_10k);
        let sampled = self.trace_samples >= 10_000;
        self.trace_samples %= 10_000;
        sampled
    }

    pub(crate) fn count_trace_context(&mut self, host: &impl Host, present: bool) {
        let mut facts = Facts::default();
        let identity = self.identity(host).clone();
        gather::locate(host, self.config.side, &identity, &mut facts);
        self.counters.trace_context(host, facts.side, present);
    }

    /// The log callback of both attachments: of the HTTP filter for its request, of the access logger without one.
    ///
    /// # Cost
    /// Two host calls for a healthy request of the HTTP filter; the access logger is not entered for one. At most
    /// [`gather::BUDGET`] calls plus clock, counter and log line for a failure.
    pub fn on_log(&mut self, host: &impl Host, request: Option<Request>) {
        let lacks_trace_context = request.is_some_and(|request| request.lacks_trace_context);
        if self.config.report == Report::TraceContext || lacks_trace_context {
            if self.config.report == Report::TraceContext {
                self.count_trace_context(host, false);
            }
            let facts = gather::event(host, Event::TraceContextMissing);
            self.report(host, facts);
        }
        if self.config.report == Report::Failures && gather_shows_failure(host, request.is_none()) {
            let facts = gather::failure(host, Phase::Log);
            self.report(host, facts);
        }
    }

    /// Tells what flood control held back and nothing has told since.
    pub fn on_tick(&mut self, host: &impl Host) {
        let Ok(now) = host.now_ms() else { return };
        for rest in self.flood.overdue(now) {
            self.tell_suppressed(host, &rest);
        }
    }

    fn report(&mut self, host: &impl Host, mut facts: Facts<'static>) {
        let Some(verdict) = judge(&facts) else { return };
        let identity = self.identity(host).clone();
        gather::locate(host, self.config.side, &identity, &mut facts);
        redact(&mut facts);
        if facts.event.is_none() {
            self.counters.local_reply(host, verdict.cause, facts.side, facts.status);
        }
        let kind = Kind {
            code: verdict.cause.code,
            cluster: facts.cluster.as_deref().unwrap_or_default().to_owned(),
            route: facts.route.as_deref().unwrap_or_default().to_owned(),
        };
        let decision = self.flood.occurred(kind, host.now_ms().unwrap_or_default());
        if let Some(evicted) = &decision.evicted {
            self.tell_suppressed(host, evicted);
        }
        match decision.emit {
            Some(before) => write(host, &facts, &verdict, before.saturating_add(1), before),
            None => self.counters.suppressed(host),
        }
    }

    fn tell_suppressed(&mut self, host: &impl Host, rest: &Suppressed) {
        let Some(cause) = rest.kind.cause() else { return };
        let identity = self.identity(host).clone();
        let named = |text: &str| Some(text).filter(|text| !text.is_empty()).map(|text| Cow::Owned(text.to_owned()));
        let facts = Facts {
            annotated_code: None,
            cluster: named(&rest.kind.cluster),
            route: named(&rest.kind.route),
            pod: identity.pod,
            namespace: identity.namespace,
            workload: identity.workload,
            side: self.config.side,
            ..Facts::default()
        };
        let verdict = Verdict { cause, confidence: Confidence::Certain, condition: None };
        write(host, &facts, &verdict, rest.count, rest.count);
    }
}

/// Decides with as few calls as possible: flags first, then the status.
fn gather_shows_failure(host: &impl Host, logger: bool) -> bool {
    let facts = Facts { flags: gather::flags(host), ..Facts::default() };
    if facts.shows_failure() {
        return true;
    }
    match gather::status(host) {
        // Without a status there was no response: a connection or a stream that ended early.
        None => true,
        // The access logger is entered for failures only: here gRPC must have failed.
        Some(200) if logger => gather::grpc_status(host).is_some_and(|status| status != 0),
        Some(status) => status >= 400,
    }
}

fn write(host: &impl Host, facts: &Facts<'_>, verdict: &Verdict, count: u64, suppressed: u64) {
    let line = record::encode(facts, Some(verdict), count, suppressed);
    // Nobody is left to tell when the log itself is refused.
    let _ = host.log(LogLevel::Warn, &format!("{PREFIX}{line}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::FakeHost;

    fn refused() -> FakeHost {
        FakeHost::default()
            .number("response.code", 503)
            .number("response.flags", 32)
            .property(
                "response.code_details",
                b"upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_111}",
            )
            .property("upstream.transport_failure_reason", b"delayed connect error: Connection refused")
            .property("xds.cluster_name", b"outbound|80||a.b.svc.cluster.local")
            .property("request.protocol", b"HTTP/1.1")
            .property("request.url_path", b"/pay?card=4111")
            .number("xds.listener_direction", 2)
    }

    #[test]
    fn a_failure_gives_one_record_within_the_budget() {
        let host = refused();
        let mut observer = Observer::new(Config::default());
        observer.on_log(&host, Some(Request::default()));
        let records = host.records();
        assert_eq!(records.len(), 1);
        let record = record::decode(&records[0]).unwrap();
        assert_eq!(record.code.as_deref(), Some("MW3002"));
        assert_eq!(record.facts.path.as_deref(), Some("/pay"));
        // Two calls to decide, identity once, side and mTLS, a counter defined and added to, clock, log line.
        assert!(host.calls.get() <= gather::BUDGET + 2 + 3 + 2 + 2 + 2, "{}", host.calls.get());
    }

    #[test]
    fn a_healthy_request_costs_two_calls_and_says_nothing() {
        let host = FakeHost::default().number("response.code", 200);
        Observer::new(Config::default()).on_log(&host, Some(Request::default()));
        assert_eq!((host.calls.get(), host.lines.borrow().len()), (2, 0));
    }

    #[test]
    fn a_failed_grpc_status_is_a_failure_for_the_access_logger() {
        let host = || FakeHost::default().number("response.code", 200).property("response.code_details", b"via_upstream");
        let failed = host().number("response.grpc_status", 13).property("request.protocol", b"HTTP/2");
        Observer::new(Config::default()).on_log(&failed, None);
        assert_eq!(record::decode(&failed.records()[0]).unwrap().facts.grpc_status, Some(13));
        let fine = host().number("response.grpc_status", 0);
        Observer::new(Config::default()).on_log(&fine, None);
        assert_eq!(fine.records().len(), 0);
    }

    #[test]
    fn totals_stay_exact_under_flood_control() {
        let host = refused();
        let mut observer = Observer::new(Config { records_per_interval: 3, ..Config::default() });
        for _ in 0..100 {
            observer.on_log(&host, Some(Request::default()));
        }
        host.now.set(10_000);
        observer.on_tick(&host);
        let counts: Vec<u64> = host.records().iter().filter_map(|line| record::decode(line)).map(|record| record.count).collect();
        assert_eq!(counts, [1, 1, 1, 97]);
        assert_eq!(host.counters.borrow().iter().map(|(_, count)| count).sum::<u32>(), 100 + 97);
    }

    #[test]
    fn bytes_that_are_no_text_do_no_harm() {
        let host = refused().property("request.host", b"\xa1\xb1").property("xds.route_name", b"\xff");
        Observer::new(Config::default()).on_log(&host, Some(Request::default()));
        assert_eq!(host.records().len(), 1);
    }

    #[test]
    fn a_failed_request_without_trace_context_gives_one_record_of_each() {
        let host = refused();
        Observer::new(Config::default()).on_log(&host, Some(Request { lacks_trace_context: true }));
        let codes: Vec<_> = host.records().iter().filter_map(|line| record::decode(line)?.code).collect();
        assert_eq!(codes, ["MW8001", "MW3002"]);
    }

    #[test]
    fn an_access_logger_for_trace_context_reports_events_and_not_failures() {
        let host = refused();
        let mut observer = Observer::new(Config { report: Report::TraceContext, ..Config::default() });
        observer.on_log(&host, Some(Request::default()));
        let records = host.records();
        assert_eq!(records.len(), 1);
        assert!(records[0].contains(r#""meshwhy.event":"trace_context_missing""#));
    }
}
