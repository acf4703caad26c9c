//! What one root context knows and does: judge a failure, count it, and write its record.

use std::borrow::Cow;
use std::rc::Rc;

use meshwhy_core::details::Word;
use meshwhy_core::event::Event;
use meshwhy_core::proxy_status::{Annotation, Level, MAX_RECORD, PassedOn};
use meshwhy_core::record::{self, PREFIX};
use meshwhy_core::redact::redact;
use meshwhy_core::{Decisive, Facts, Side, Verdict, judge, trace};

use crate::annotate::{self, MemberAudience, REPORTED, WITHHELD};
use crate::config::{Config, MemberVisibility, RecordScope};
use crate::counters::{Counter, Counters};
use crate::details_hints::DetailsHints;
use crate::flood::{Flood, FloodKey, Suppressed};
use crate::gather::{self, Identity, KnownFacts};
use crate::host::Host;
use crate::request::{Reply, RequestState};
use crate::verdict_cache::{CachedVerdict, VerdictCache};

/// Most host calls of the response callback for a failure: the status, that of a gRPC call with its content type, [`REPORTED`],
/// deciding, who may see it, the next hop, and the header. The first may cost as many more as [`FIRST`].
pub const ANNOTATION: u32 = 1 + 2 + 1 + gather::DECISION + 1 + 1 + 1;
/// Most host calls more at a gateway: the header is read, removed and, without our members, written, and these are withheld.
pub const WITHHOLDING: u32 = 4;
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

    /// The request callback: checks a sample of requests for trace context.
    ///
    /// # Cost
    /// No host call for a request that is not sampled; for one that is, the headers and the side.
    pub fn on_request(&mut self, host: &impl Host) -> RequestState {
        if !self.take_trace_sample() {
            return RequestState::default();
        }
        let mut readable = true;
        let found = trace::recognise(|name| {
            let header = host.request_header(name);
            readable &= header.is_ok();
            header.ok().flatten()
        });
        if !readable {
            return RequestState::default();
        }
        let side = self.request_side(host);
        self.counters.count(Counter::TraceContext { side, present: found.is_some() }, 1);
        RequestState { lacks_trace_context: found.is_none(), ..RequestState::default() }
    }

    /// The response callback: adds a member to a reply that the proxy made itself, and to one whose request lacked trace context. A
    /// gateway takes those of the mesh out instead.
    ///
    /// # Cost
    /// One host call for a healthy response, two for one with status 200 and no body; one more at a gateway. At most [`ANNOTATION`] for a
    /// failure, and [`WITHHOLDING`] more at a gateway.
    pub fn on_response(&mut self, host: &impl Host, request: &mut RequestState, end_of_stream: bool) {
        let status = gather::sent_status(host);
        // Envoy refuses a gRPC call with status 200 and headers alone.
        let grpc_status = if status == Some(200) && end_of_stream { gather::sent_grpc_failure(host) } else { None };
        let failed = grpc_status.is_some() || gather::implies_error(status);
        request.reply = match status {
            Some(_) if failed && self.claim_report(host) => Some(Reply::Failed),
            Some(_) if self.config.report == RecordScope::Failures => Some(Reply::Fine),
            _ => None,
        };
        let side = self.side(host);
        let mut known = KnownFacts { status, grpc_status, side, ..KnownFacts::default() };
        let mut withheld = Vec::new();
        if side == Some(Side::Gateway) && self.config.visibility == MemberVisibility::Mesh {
            let arrived = gather::proxy_status(host).unwrap_or_default();
            withheld = annotate::withhold(host, &arrived);
            known.proxy_status = Some(arrived);
        }
        if failed {
            known.wants_flags = self.config.level > Level::Minimal;
            let judged = self.judge(host, &known);
            self.mark_failure(host, &judged, &mut withheld);
            request.judged = Some(judged);
        }
        if request.lacks_trace_context && self.config.trace_check.annotate {
            self.mark_untraced(host, &mut withheld);
        }
        if !withheld.is_empty() {
            let _ = host.set_property(WITHHELD, &withheld);
        }
    }

    /// The log callback of both attachments: of the HTTP filter for its request, of the access logger without one.
    ///
    /// # Cost
    /// For a healthy request of the HTTP filter none under [`RecordScope::Replies`], else one host call; the access logger is not entered for
    /// one. At most [`RECORD`] for a failure, [`SUPPRESSED`] for one without a record.
    pub fn on_log(&mut self, host: &impl Host, request: &RequestState) {
        let failed = match (self.config.report, request.reply) {
            (RecordScope::TraceContext, _) => false,
            (RecordScope::Replies, reply) => reply == Some(Reply::Failed),
            // A response that began well and ended badly has other details: reset, cut, timed out, replaced.
            (RecordScope::Failures, Some(Reply::Fine)) => gather::details(host).as_deref() != Some(Word::ViaUpstream.as_str()),
            (RecordScope::Failures, _) => true,
        };
        let untraced = request.lacks_trace_context || self.config.report == RecordScope::TraceContext;
        if !failed && !untraced {
            return;
        }
        if untraced {
            let side = self.request_side(host);
            let facts = gather::event_facts(host, Event::TraceContextMissing, side);
            if self.config.report == RecordScope::TraceContext {
                self.counters.count(Counter::TraceContext { side, present: false }, 1);
            }
            if let Some(verdict) = judge(&facts) {
                self.record(host, &facts, DetailsHints::of(None), &verdict, false);
            }
        }
        if failed {
            let (judged, replied) = self.outcome(host, request);
            if let Some(verdict) = &judged.verdict {
                self.record(host, &judged.facts, judged.hints, verdict, replied);
            }
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
        self.counters.count(Counter::HostRefusals, refusals);
        if !std::mem::replace(&mut self.refusal_logged, true) {
            host.log(log::Level::Error, REFUSAL);
        }
    }

    /// Who this proxy is; asked of the host once.
    fn identity(&mut self, host: &impl Host) -> Rc<Identity> {
        Rc::clone(self.identity.get_or_insert_with(|| Rc::new(gather::identity(host))))
    }

    /// The side of every request, where configuration or kind of proxy say it.
    fn side(&mut self, host: &impl Host) -> Option<Side> {
        self.config.side.or_else(|| self.identity(host).side)
    }

    /// The side of a request that is no failure.
    fn request_side(&mut self, host: &impl Host) -> Option<Side> {
        self.side(host).or_else(|| gather::listener_side(host))
    }

    /// Spreads the sample evenly: of 10 000 requests exactly `sample_per_10k`.
    fn take_trace_sample(&mut self) -> bool {
        self.trace_samples = self.trace_samples.saturating_add(self.config.trace_check.sample_per_10k);
        let sampled = self.trace_samples >= 10_000;
        self.trace_samples %= 10_000;
        sampled
    }

    /// Has the access logger beside this filter leave the stream to it; false where the host does not take the note.
    fn claim_report(&self, host: &impl Host) -> bool {
        self.config.report != RecordScope::Replies || host.set_property(REPORTED, b"1").is_ok()
    }

    /// The failure of the request that the callback is for.
    ///
    /// # Cost
    /// At most [`gather::DECISION`] host calls, that for the status included.
    fn judge(&mut self, host: &impl Host, known: &KnownFacts) -> Rc<CachedVerdict> {
        let details = gather::details(host);
        let hints = self.cache.hints(details.as_deref());
        let facts = gather::decisive(host, details, hints, known);
        self.cache.verdict(facts, hints)
    }

    /// The failure as it ended, and whether it is the one that was judged before the response was sent: another filter may have replaced
    /// that since.
    fn outcome(&mut self, host: &impl Host, request: &RequestState) -> (Rc<CachedVerdict>, bool) {
        match &request.judged {
            Some(judged) if gather::details(host) == judged.facts.details => (Rc::clone(judged), true),
            _ => {
                let known = KnownFacts { side: self.side(host), ..KnownFacts::default() };
                (self.judge(host, &known), false)
            }
        }
    }

    fn mark_failure(&mut self, host: &impl Host, judged: &CachedVerdict, withheld: &mut Vec<u8>) {
        let is_own = judged.hints.is_local_reply;
        let is_of_upstream = judged.facts.details.as_deref() == Some(Word::ViaUpstream.as_str());
        let is_passed_on = is_of_upstream && self.config.level == Level::Full;
        let Some(verdict) = judged.verdict.filter(|_| is_own || is_passed_on) else { return };
        let audience = MemberAudience::of(host, self.config.visibility, judged.facts.side);
        if audience == MemberAudience::Nobody {
            return;
        }
        if is_passed_on {
            audience.deliver(host, self.trail(host, &judged.facts).as_deref(), withheld);
        } else if self.config.level == Level::Full {
            // The next hop may be another one each time.
            audience.deliver(host, self.member(host, &judged.facts, &verdict).as_deref(), withheld);
        } else {
            let member = judged.member.get_or_init(|| self.member(host, &judged.facts, &verdict));
            audience.deliver(host, member.as_deref(), withheld);
        }
    }

    fn mark_untraced(&mut self, host: &impl Host, withheld: &mut Vec<u8>) {
        let side = self.request_side(host);
        let audience = MemberAudience::of(host, self.config.visibility, side);
        if audience != MemberAudience::Nobody {
            let event = gather::event_facts(host, Event::TraceContextMissing, side);
            let member = judge(&event).and_then(|verdict| self.member(host, &event, &verdict));
            audience.deliver(host, member.as_deref(), withheld);
        }
    }

    fn member(&mut self, host: &impl Host, facts: &Decisive<'static>, verdict: &Verdict) -> Option<String> {
        let identity = self.identity(host);
        let level = self.config.level;
        let full = level == Level::Full;
        let next_hop = full.then(|| next_hop(host)).flatten();
        let record = full.then(|| {
            let mut facts = Facts::from(facts.clone());
            facts.upstream_host.clone_from(&next_hop);
            redact(&mut facts);
            identity.add_to(&mut facts);
            record::encode_within(MAX_RECORD, &facts, Some(verdict), 1, 0)
        });
        let name = self.config.name.as_deref().unwrap_or(&identity.name);
        let (next_hop, record) = (next_hop.as_deref(), record.as_deref());
        Annotation { name, cause: verdict.cause, facts, next_hop, record, level }.encode()
    }

    /// What says that the error came from the next hop; nothing where its status is not known.
    fn trail(&mut self, host: &impl Host, facts: &Decisive<'_>) -> Option<String> {
        let identity = self.identity(host);
        let name = self.config.name.as_deref().unwrap_or(&identity.name);
        let next_hop = next_hop(host);
        Some(PassedOn { name, side: facts.side, status: facts.status?, next_hop: next_hop.as_deref() }.encode())
    }

    /// Counts a failure or an event, and writes its record if flood control grants one. `replied`: the facts are those of the response
    /// callback.
    fn record(&mut self, host: &impl Host, facts: &Decisive<'static>, hints: DetailsHints, verdict: &Verdict, replied: bool) {
        if facts.event.is_none() {
            self.counters.count(Counter::local_reply(verdict.cause, facts.side, facts.status), 1);
        }
        let decision = self.flood.occurred(FloodKey::of(facts, verdict));
        if let Some(evicted) = decision.evicted {
            self.flush_suppressed(host, evicted);
        }
        if !decision.emit {
            self.counters.count(Counter::Suppressed, 1);
            return;
        }
        self.counters.flush(host);
        let mut facts = Facts::from(facts.clone());
        gather::describe(host, &mut facts, hints, replied);
        redact(&mut facts);
        self.identity(host).add_to(&mut facts);
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
        self.identity(host).add_to(&mut facts);
        let verdict = Verdict { cause: key.cause, confidence: key.confidence, condition: None };
        write(host, &facts, &verdict, count, count);
    }
}

fn next_hop(host: &impl Host) -> Option<Cow<'static, str>> {
    gather::text(host, &["upstream", "address"])
}

fn write(host: &impl Host, facts: &Facts<'_>, verdict: &Verdict, count: u64, suppressed: u64) {
    let line = record::encode(facts, Some(verdict), count, suppressed);
    // When the log itself is refused, the module has no other way out.
    host.log(log::Level::Warn, &format!("{PREFIX}{line}"));
}

#[cfg(test)]
mod tests;
