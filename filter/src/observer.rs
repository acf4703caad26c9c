//! What one root context knows and does: judge a failure, count it, and write its record.

use std::borrow::Cow;
use std::rc::Rc;

use meshwhy_core::details::Word;
use meshwhy_core::event::Event;
use meshwhy_core::record::{self, PREFIX};
use meshwhy_core::redact::redact;
use meshwhy_core::{Decisive, Facts, Side, Verdict, judge};

use crate::abi::LogLevel;
use crate::annotate::{Reply, Request};
use crate::config::{Config, Report};
use crate::counters::Counters;
use crate::flood::{Flood, FloodKey, Suppressed};
use crate::gather::{self, Identity, Known};
use crate::host::Host;
use crate::verdict_cache::{Judged, VerdictCache};

/// Most host calls for a failure that flood control gives no record: whether the reply is still the one that was marked, and deciding if
/// it is not.
pub const SUPPRESSED: u32 = 1 + gather::DECISION;
/// Most host calls for a failure that gets a record: the same, describing, the counters of this failure and of suppressed ones, and the
/// log line. The first of its kind may cost [`FIRST`] more, and each counter that moved since the last record one.
pub const RECORD: u32 = SUPPRESSED + gather::DESCRIPTION + 2 + 1;
/// Host calls that are made once: two counters are made, and three attributes say who this proxy is.
pub const FIRST: u32 = 2 + 3;

/// Envoy's own line for each such call has the capability's name.
const REFUSAL: &str = "meshwhy: Envoy refuses calls of the module: `capability_restriction_config` allows it too little";

/// The state of one root context.
#[derive(Debug)]
pub struct Observer {
    config: Config,
    identity: Option<Rc<Identity>>,
    cache: VerdictCache,
    flood: Flood,
    counters: Counters,
    trace_samples: u32,
    refusal_logged: bool,
}

impl Observer {
    /// Makes one for a configuration.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            identity: None,
            cache: VerdictCache::default(),
            flood: Flood::new(config.records_per_interval),
            counters: Counters::default(),
            trace_samples: 0,
            refusal_logged: false,
            config,
        }
    }

    /// Makes one and asks the host who this proxy is, so that no request has to.
    pub fn started(host: &impl Host, config: Config) -> Self {
        let identity = gather::identity(host);
        let known = !identity.name.is_empty();
        let mut started = Self { identity: known.then(|| Rc::new(identity)), ..Self::new(config) };
        started.note_refusals(host);
        started
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Who this proxy is; asked of the host once.
    pub(crate) fn identity(&mut self, host: &impl Host) -> Rc<Identity> {
        Rc::clone(self.identity.get_or_insert_with(|| Rc::new(gather::identity(host))))
    }

    /// The failure of the request that the callback is for.
    ///
    /// # Cost
    /// At most [`gather::DECISION`] host calls, that for the status included.
    pub(crate) fn judged(&mut self, host: &impl Host, known: &Known) -> Rc<Judged> {
        let facts = gather::decisive(host, &mut self.cache, known);
        self.cache.judged(facts)
    }

    /// The side of every request, where configuration or kind of proxy say it.
    pub(crate) fn side(&mut self, host: &impl Host) -> Option<Side> {
        self.config.side.or_else(|| self.identity(host).side)
    }

    /// The failure of the request, in the log phase.
    fn judged_late(&mut self, host: &impl Host) -> Rc<Judged> {
        let known = Known { side: self.side(host), ..Known::default() };
        self.judged(host, &known)
    }

    /// Spreads the sample evenly: of 10 000 requests exactly `sample_per_10k`.
    pub(crate) fn samples_trace_context(&mut self) -> bool {
        self.trace_samples = self.trace_samples.saturating_add(self.config.trace_sample_per_10k);
        let sampled = self.trace_samples >= 10_000;
        self.trace_samples %= 10_000;
        sampled
    }

    pub(crate) fn count_trace_context(&mut self, host: &impl Host, present: bool) {
        let known = self.side(host);
        let side = gather::side(host, known);
        self.counters.trace_context(side, present);
    }

    /// The log callback of both attachments: of the HTTP filter for its request, of the access logger without one.
    ///
    /// # Cost
    /// For a healthy request of the HTTP filter none under [`Report::Replies`], else one host call; the access logger is not entered for
    /// one. At most [`RECORD`] for a failure, [`SUPPRESSED`] for one without a record.
    pub fn on_log(&mut self, host: &impl Host, request: &Request) {
        let failed = match (self.config.report, request.reply) {
            (Report::TraceContext, _) => false,
            (Report::Replies, reply) => reply == Some(Reply::Failed),
            // A response that began well and ended badly has other details: reset, cut, timed out, replaced.
            (Report::Failures, Some(Reply::Fine)) => gather::details(host).as_deref() != Some(Word::ViaUpstream.as_str()),
            (Report::Failures, _) => true,
        };
        let untraced = request.lacks_trace_context || self.config.report == Report::TraceContext;
        if !failed && !untraced {
            return;
        }
        if untraced {
            let side = self.side(host);
            let facts = gather::event(host, Event::TraceContextMissing, side);
            if self.config.report == Report::TraceContext {
                self.counters.trace_context(facts.side, false);
            }
            if let Some(verdict) = judge(&facts) {
                self.report(host, &facts, &verdict, false);
            }
        }
        if failed {
            let (judged, replied) = self.outcome(host, request);
            if let Some(verdict) = &judged.verdict {
                self.report(host, &judged.facts, verdict, replied);
            }
        }
    }

    /// The failure as it ended, and whether it is the one that was judged before the response was sent: another filter may have replaced
    /// that since.
    fn outcome(&mut self, host: &impl Host, request: &Request) -> (Rc<Judged>, bool) {
        match &request.judged {
            Some(judged) if gather::details(host) == judged.facts.details => (Rc::clone(judged), true),
            _ => (self.judged_late(host), false),
        }
    }

    /// An interval is over, or the plugin is: writes what flood control held back.
    pub fn on_tick(&mut self, host: &impl Host) {
        self.note_refusals(host);
        self.counters.flush(host);
        for rest in self.flood.next_interval() {
            self.flush_suppressed(host, rest);
        }
    }

    /// Counts the calls that the host refused since, and logs the first of them: a manifest that allows the module too little would
    /// otherwise look like a mesh without failures.
    ///
    /// # Cost
    /// No host call but that one.
    pub(crate) fn note_refusals(&mut self, host: &impl Host) {
        let refusals = host.take_refusals();
        if refusals == 0 {
            return;
        }
        self.counters.host_refusals(refusals);
        if !std::mem::replace(&mut self.refusal_logged, true) {
            let _ = host.log(LogLevel::Error, REFUSAL);
        }
    }

    /// `replied`: the facts are those of the response callback.
    fn report(&mut self, host: &impl Host, facts: &Decisive<'static>, verdict: &Verdict, replied: bool) {
        if facts.event.is_none() {
            self.counters.local_reply(verdict.cause, facts.side, facts.status);
        }
        let decision = self.flood.occurred(FloodKey::of(facts, verdict));
        if let Some(evicted) = decision.evicted {
            self.flush_suppressed(host, evicted);
        }
        if !decision.emit {
            self.counters.suppressed();
            return;
        }
        self.counters.flush(host);
        let mut facts = Facts::from(facts.clone());
        let implied = self.cache.implied(facts.details.as_deref());
        gather::describe(host, &mut facts, implied, replied);
        redact(&mut facts);
        self.identity(host).sign(&mut facts);
        write(host, &facts, verdict, 1, 0);
    }

    fn flush_suppressed(&mut self, host: &impl Host, Suppressed { key, count }: Suppressed) {
        let named = |text: Cow<'static, str>| Some(text).filter(|text| !text.is_empty());
        let mut facts = Facts::from(Decisive {
            side: key.side,
            cluster: named(key.cluster),
            route: named(key.route),
            relayed_from: named(key.relayed_from),
            ..Decisive::default()
        });
        self.identity(host).sign(&mut facts);
        let verdict = Verdict { cause: key.cause, confidence: key.confidence, condition: None };
        write(host, &facts, &verdict, count, count);
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
    use crate::annotate::{ANNOTATION, WITHHOLDING};
    use crate::config::Visibility;
    use crate::host::fake::FakeHost;
    use meshwhy_core::Flag;
    use meshwhy_core::proxy_status::Level;

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
        observer.on_log(&host, &Request::default());
        let records = host.records();
        assert_eq!(records.len(), 1);
        let record = record::decode(&records[0]).unwrap();
        assert_eq!(record.code.as_deref(), Some("MW3002"));
        assert_eq!(record.facts.context.path.as_deref(), Some("/pay"));
        let first = host.calls.replace(0);
        assert!(first <= RECORD + FIRST, "{first}");
        observer.on_log(&host, &Request::default());
        assert_eq!(host.records().len(), 2);
        assert!(host.calls.get() <= RECORD, "{}", host.calls.get());
    }

    #[test]
    fn the_budget_holds_whatever_the_details_are() {
        let reset = "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_111}";
        let grpc = |host: FakeHost| host.response_header("content-type", b"application/grpc").number("response.grpc_status", 14);
        for details in
            ["", "via_upstream", "route_not_found", "no_healthy_upstream", "direct_response", "low_version", "a(b)", reset]
        {
            for status in [None, Some(200), Some(503)] {
                let mut host = grpc(refused()).number("response.code", status.unwrap_or(0));
                host = host.property("response.code_details", details.as_bytes()).property("xds.cluster_name", b"");
                host = host.property("xds.node.id", b"router~10.0.0.1~edge-1.shop~");
                let mut request = Request::default();
                let mut observer = Observer::new(Config { report: Report::Replies, level: Level::Full, ..Config::default() });
                for attachment in [Report::Failures, Report::Replies] {
                    observer.on_tick(&host);
                    host.calls.set(0);
                    if attachment == Report::Replies {
                        observer.on_response(&host, &mut request, true);
                        let made = host.calls.replace(0);
                        assert!(made <= ANNOTATION + WITHHOLDING + FIRST, "{details} {status:?}: {made} before the response");
                    }
                    request.reply = Some(Reply::Failed);
                    observer.on_log(&host, &request);
                    assert!(host.calls.get() <= RECORD + FIRST, "{details} {status:?}: {} in the log phase", host.calls.get());
                }
            }
        }
    }

    #[test]
    fn the_page_has_the_budget() {
        let page = include_str!("../../docs/performance.md");
        let record =
            format!("at most {RECORD}, and {ANNOTATION} before the response in annotate, {WITHHOLDING} more at a gateway");
        for budget in [record, format!("at most {SUPPRESSED}, and the same"), format!("cost up to {FIRST} more")] {
            assert!(page.contains(&budget), "docs/performance.md: {budget}");
        }
    }

    #[test]
    fn a_failure_without_a_record_costs_less() {
        let host = refused();
        let mut observer = Observer::new(Config { records_per_interval: 1, ..Config::default() });
        observer.on_log(&host, &Request::default());
        let before = host.calls.get();
        observer.on_log(&host, &Request::default());
        assert!(host.calls.get() - before <= SUPPRESSED, "{}", host.calls.get() - before);
        assert_eq!(host.records().len(), 1);
    }

    #[test]
    fn a_healthy_request_costs_one_call_and_says_nothing() {
        let host = FakeHost::default().number("response.code", 200).property("response.code_details", b"via_upstream");
        let request = Request { reply: Some(Reply::Fine), ..Request::default() };
        Observer::new(Config::default()).on_log(&host, &request);
        assert_eq!((host.calls.get(), host.lines.borrow().len()), (1, 0));
    }

    #[test]
    fn a_response_that_began_well_and_ended_badly_is_a_failure() {
        let host = FakeHost::default()
            .number("response.code", 200)
            .number("response.flags", 64)
            .property("response.code_details", b"upstream_reset_after_response_started{connection_termination}");
        let request = Request { reply: Some(Reply::Fine), ..Request::default() };
        Observer::new(Config::default()).on_log(&host, &request);
        assert_eq!(host.records().len(), 1);
    }

    #[test]
    fn a_reply_that_was_replaced_is_counted_and_recorded_as_what_it_became() {
        let ended = |late: FakeHost| {
            let mut observer = Observer::new(Config { visibility: Visibility::Always, ..Config::default() });
            let mut request = Request::default();
            observer.on_response(&refused(), &mut request, false);
            observer.on_log(&late, &request);
            let counted = late.counters.borrow().iter().map(|(name, _)| name.clone()).collect::<String>();
            (late.records().first().map(|line| record::decode(line).unwrap().code.unwrap()), counted)
        };
        let (code, counted) = ended(refused());
        assert!(code.as_deref() == Some("MW3002") && counted.contains("upstream-connection-refused"), "{code:?} {counted}");
        let replaced = FakeHost::default().number("response.code", 503).property("response.code_details", b"wasm_fail_stream");
        let (code, counted) = ended(replaced);
        assert!(code.as_deref() == Some("MW7004") && counted.contains("wasm-load-failed"), "{code:?} {counted}");
        let rescued = FakeHost::default().number("response.code", 200).property("response.code_details", b"via_upstream");
        assert_eq!(ended(rescued), (None, String::new()));
    }

    #[test]
    fn what_was_held_back_keeps_side_confidence_and_author() {
        let host = FakeHost::default().number("response.code", 503).property("response.code_details", b"via_upstream");
        let host = host.property("xds.cluster_name", b"outbound|80||a.b.svc.cluster.local");
        let host = host.response_header("proxy-status", br#""pay-0.shop"; mw-cause=MW3001; mw-side=inbound"#);
        let mut observer = Observer::new(Config { records_per_interval: 0, ..Config::default() });
        observer.on_log(&host, &Request::default());
        observer.on_tick(&host);
        let record = &host.records()[0];
        for part in [r#""meshwhy.side":"outbound""#, r#""meshwhy.confidence":"likely""#, r#""meshwhy.relayed_from":"pay-0.shop""#]
        {
            assert!(record.contains(part), "{record}");
        }
    }

    #[test]
    fn a_failed_grpc_status_is_a_failure_for_the_access_logger() {
        let host = || FakeHost::default().number("response.code", 200).property("response.code_details", b"via_upstream");
        let grpc = || host().response_header("content-type", b"application/grpc");
        let failed = grpc().number("response.grpc_status", 13).property("request.protocol", b"HTTP/2");
        Observer::new(Config::default()).on_log(&failed, &Request::default());
        assert_eq!(record::decode(&failed.records()[0]).unwrap().facts.grpc_status, Some(13));
        let inferred = host().number("response.grpc_status", 2).number("response.flags", Flag::DI.mask());
        for fine in [grpc().number("response.grpc_status", 0), inferred] {
            Observer::new(Config::default()).on_log(&fine, &Request::default());
            assert_eq!(fine.records().len(), 0);
        }
    }

    #[test]
    fn plaintext_for_a_plaintext_filter_chain_is_no_failure() {
        let inspected = |flags: u64| {
            let reason = b"TLS_error|error:1000009c:SSL routines:OPENSSL_internal:HTTP_REQUEST";
            FakeHost::default().number("response.flags", flags).property("connection.transport_failure_reason", reason)
        };
        for (flags, records) in [(0, 0), (Flag::NR.mask(), 1)] {
            let host = inspected(flags);
            Observer::new(Config::default()).on_log(&host, &Request::default());
            assert_eq!(host.records().len(), records);
        }
    }

    #[test]
    fn a_tcp_connection_that_failed_without_a_reason_is_judged_by_how_long_it_took() {
        let code = |milliseconds: u64| {
            let host = FakeHost::default().number("response.flags", Flag::UF.mask()).property("upstream.address", b"10.0.0.7:80");
            let host = host.number("request.duration", milliseconds * 1_000_000);
            Observer::new(Config::default()).on_log(&host, &Request::default());
            let record = record::decode(&host.records()[0]).unwrap();
            assert_eq!(record.facts.duration_ms, Some(milliseconds));
            record.code.unwrap()
        };
        assert_eq!(code(5000), "MW3003");
        assert_ne!(code(3), "MW3003");
    }

    #[test]
    fn an_access_logger_reads_who_refused_where_envoy_left_it() {
        let passed_on = || FakeHost::default().number("response.code", 503).property("response.code_details", b"via_upstream");
        let member = br#""pay-0.shop"; mw-cause=MW3001; mw-side=inbound; mw-flags="UH""#;
        let removed = passed_on().property("xds.node.id", b"router~10.0.0.1~edge-1.shop~");
        for (host, code) in [
            (passed_on().property("response.headers.proxy-status", member), "MW3001"),
            (removed.property("metadata.filter_metadata.meshwhy.proxy_status", member), "MW3001"),
            (passed_on().property("metadata.filter_metadata.meshwhy.proxy_status", member), "MW5004"),
            (passed_on().property("response.headers.proxy-status", b"\"x\"; mw-cause=MW9999, cdn; hit"), "MW5004"),
        ] {
            Observer::new(Config::default()).on_log(&host, &Request::default());
            assert_eq!(record::decode(&host.records()[0]).unwrap().code.as_deref(), Some(code));
        }
    }

    #[test]
    fn totals_stay_exact_under_flood_control() {
        let host = refused();
        let mut observer = Observer::new(Config { records_per_interval: 3, ..Config::default() });
        for _ in 0..100 {
            observer.on_log(&host, &Request::default());
        }
        observer.on_tick(&host);
        let counts: Vec<u64> = host.records().iter().filter_map(|line| record::decode(line)).map(|record| record.count).collect();
        assert_eq!(counts, [1, 1, 1, 97]);
        assert_eq!(host.counters.borrow().iter().map(|(_, count)| count).sum::<u32>(), 100 + 97);
    }

    #[test]
    fn bytes_that_are_no_text_do_no_harm() {
        let host = refused().property("request.host", b"\xa1\xb1").property("xds.route_name", b"\xff");
        Observer::new(Config::default()).on_log(&host, &Request::default());
        assert_eq!(host.records().len(), 1);
    }

    #[test]
    fn a_failed_request_without_trace_context_gives_one_record_of_each() {
        let host = refused();
        Observer::new(Config::default()).on_log(&host, &Request { lacks_trace_context: true, ..Request::default() });
        let codes: Vec<_> = host.records().iter().filter_map(|line| record::decode(line)?.code).collect();
        assert_eq!(codes, ["MW8001", "MW3002"]);
    }

    #[test]
    fn an_access_logger_for_trace_context_reports_events_and_not_failures() {
        let host = refused();
        let mut observer = Observer::new(Config { report: Report::TraceContext, ..Config::default() });
        observer.on_log(&host, &Request::default());
        let records = host.records();
        assert_eq!(records.len(), 1);
        assert!(records[0].contains(r#""meshwhy.event":"trace_context_missing""#));
    }
}
