//! Failures of one cause at one target, as one hop tells them.

use std::sync::Arc;

use foldhash::{HashMap, HashSet};
use jiff::Timestamp;
use meshwhy_core::causes::unknown;
use meshwhy_core::cluster_name::ClusterName;
use meshwhy_core::condition::Shown;
use meshwhy_core::{Cause, Confidence, Facts, Nature, Side, Stage, Verdict};

use crate::course::{BurstReason, Course};
use crate::failure::{Address, FailureView, Failures};
use crate::hops;
use crate::kind::{ExampleLine, Kind};
use crate::sources::Sources;
use crate::timeline::{Rate, Timeline};
use crate::traffic::Traffic;

/// How many line numbers a group keeps.
const MAX_LINES: usize = 100;
/// How many examples a group keeps.
const MAX_EXAMPLES: usize = 5;
/// How many callers a group keeps.
const MAX_CALLERS: usize = 20;

/// A group of failures.
#[derive(Debug, Clone)]
pub struct Group {
    /// The cause, and how sure the facts make it.
    pub verdict: Verdict,
    /// The facts of the first of them.
    pub facts: Facts<'static>,
    /// What proves it.
    pub evidence: Vec<Shown>,
    /// Cluster, else host.
    pub target: Option<String>,
    /// The proxy that speaks.
    pub hop: Option<String>,
    /// That proxy, where only a header that another one passed on tells of it.
    pub relayed_from: Option<String>,
    /// Which way the traffic went.
    pub side: Option<Side>,
    /// How many failures.
    pub count: u64,
    /// How many requests the access logs have to this target; 0 where it is no cluster, or where they have none.
    pub traffic: u64,
    /// How many of them flood control left without a record of their own.
    pub suppressed: u64,
    /// When the first of them began.
    pub first_seen: Option<Timestamp>,
    /// When the last of them began.
    pub last_seen: Option<Timestamp>,
    /// When how many of them began.
    pub rate: Option<Rate>,
    pub(crate) timeline: Timeline,
    /// How they went on, where there are enough of them.
    pub course: Option<Course>,
    /// What may have made a burst.
    pub burst_reason: Option<BurstReason>,
    /// What it is not, by counters that are 0.
    pub ruled_out: Vec<&'static Cause>,
    /// The cause of another group that explains this one.
    pub caused_by: Option<&'static Cause>,
    /// The server whose proxy was asked, knows more, and has no line among these: its address.
    pub missing_hop: Option<String>,
    /// Whose requests failed: the proxy's own pod where they left it, else the addresses that they came from; at most 20.
    pub callers: Vec<String>,
    /// Numbers of the lines that tell of them, in order; at most 100.
    pub lines: Vec<u64>,
    /// At most five.
    pub examples: Vec<Example>,
}

/// A line that tells of a failure, or of nothing that is known. Untrusted text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The number of its source.
    pub source: u32,
    /// Its number in that source, from 1.
    pub line: u64,
    /// The request, where the line names it.
    pub request_id: Option<Arc<str>>,
    /// The line as it stands, cut.
    pub text: Arc<str>,
}

impl Example {
    /// A line of one of the sources.
    pub(crate) fn of(line: &ExampleLine, sources: &Sources) -> Self {
        let (source, number) = sources.place(line.line);
        Self { source, line: number, request_id: line.request_id.clone(), text: Arc::clone(&line.text) }
    }
}

impl Group {
    /// The source of its lines, where all its examples are of one.
    pub(crate) fn source(&self) -> Option<u32> {
        let source = self.examples.first()?.source;
        self.examples.iter().all(|example| example.source == source).then_some(source)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    code: &'static str,
    target: Option<String>,
    hop: Option<String>,
    side: Option<Side>,
    relayed: bool,
}

/// All groups so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Groups {
    of_keys: HashMap<Key, usize>,
    groups: Vec<Group>,
}

impl Groups {
    /// Adds failures that are already joined. What is covered adds its line to a group that exists, and no count; what another one
    /// explains adds its line to that one's.
    pub(crate) fn add(&mut self, failures: &Failures, sources: &Sources) {
        let mut of_kinds: HashMap<u32, usize> = HashMap::default();
        let speaking = |covered| {
            let speaks = move |view: &FailureView<'_>| !view.is_absorbed() && view.failure.covered == covered;
            failures.each().filter(move |(_, view)| speaks(view))
        };
        let answered = answered(failures);
        for (at, view) in speaking(false) {
            let group = *of_kinds.entry(view.failure.kind).or_insert_with(|| self.group(view.kind));
            if let Some(group) = self.groups.get_mut(group) {
                group.count = group.count.saturating_add(view.failure.count.into());
                group.suppressed = group.suppressed.saturating_add(view.failure.suppressed.into());
                if group.missing_hop.is_none() && asks_a_server(view.kind) && !answered.contains(&at) {
                    group.missing_hop = failures.text(view.failure.upstream_host).map(str::to_owned);
                }
                group.take(failures, at, view, sources);
            }
        }
        for (at, view) in speaking(true) {
            let known = || self.of_keys.get(&Key::of(view.kind)).copied();
            let group = of_kinds.get(&view.failure.kind).copied().or_else(known);
            if let Some(group) = group.and_then(|group| self.groups.get_mut(group)) {
                group.take(failures, at, view, sources);
            }
        }
        for (at, view) in failures.each() {
            let speaker = if view.is_absorbed() { hops::speaker(failures, at) } else { Some(at) };
            let Some(FailureView { failure, kind }) = speaker.and_then(|at| failures.view(at)) else { continue };
            let known = || self.of_keys.get(&Key::of(kind)).copied();
            let group = of_kinds.get(&failure.kind).copied().or_else(known);
            if let Some(group) = group.and_then(|group| self.groups.get_mut(group)).filter(|group| group.has_room()) {
                let lines = view.failure.line..view.failure.line + u64::from(view.failure.lines);
                group.lines.extend(lines.take(MAX_LINES - group.lines.len()));
            }
        }
    }

    fn group(&mut self, kind: &Kind) -> usize {
        *self.of_keys.entry(Key::of(kind)).or_insert_with(|| {
            self.groups.push(Group::of(kind));
            self.groups.len() - 1
        })
    }

    /// The groups, the most telling first.
    pub(crate) fn finish(mut self, traffic: &Traffic) -> Vec<Group> {
        for group in &mut self.groups {
            group.lines.sort_unstable();
            group.lines.dedup();
            group.rate = group.timeline.rate();
            let cluster = group.facts.cluster.as_deref();
            group.traffic = cluster.map(|cluster| traffic.to(cluster)).unwrap_or_default();
        }
        self.groups.sort_by(|one, other| one.rank().cmp(&other.rank()));
        self.groups
    }
}

impl Key {
    fn of(kind: &Kind) -> Self {
        Self {
            code: kind.verdict.cause.code,
            target: kind.target().map(str::to_owned),
            hop: kind.hop(),
            side: kind.side(),
            relayed: kind.facts.relayed_from.is_some(),
        }
    }
}

impl Group {
    /// None of a kind so far.
    pub(crate) fn of(kind: &Kind) -> Self {
        Self {
            verdict: kind.verdict,
            facts: kind.facts.clone(),
            evidence: Vec::new(),
            target: kind.target().map(str::to_owned),
            hop: kind.hop(),
            relayed_from: kind.facts.relayed_from.as_deref().map(str::to_owned),
            side: kind.side(),
            count: 0,
            traffic: 0,
            suppressed: 0,
            first_seen: None,
            last_seen: None,
            rate: None,
            timeline: Timeline::default(),
            course: None,
            burst_reason: None,
            caused_by: None,
            ruled_out: Vec::new(),
            missing_hop: None,
            callers: Vec::new(),
            lines: Vec::new(),
            examples: Vec::new(),
        }
    }

    fn take(&mut self, failures: &Failures, at: usize, view: FailureView<'_>, sources: &Sources) {
        let FailureView { failure, kind } = view;
        self.note_caller(failures, view);
        if self.evidence.is_empty() || kind.verdict.confidence > self.verdict.confidence {
            self.verdict = kind.verdict;
            self.evidence = evidence(failures, at, view);
        }
        if let Some(time) = failure.time.filter(|_| !failure.covered) {
            self.timeline.add(time.get(), failure.count.into());
        }
        if let Some(time) = failure.time.and_then(|time| Timestamp::from_microsecond(time.get()).ok()) {
            self.first_seen = Some(self.first_seen.map_or(time, |first| first.min(time)));
            self.last_seen = Some(self.last_seen.map_or(time, |last| last.max(time)));
        }
        if self.examples.len() < MAX_EXAMPLES
            && let Some(number) = failure.example
        {
            let lines = failures.kinds.get(failure.own_kind).and_then(|kind| kind.examples.get(usize::from(number.get()) - 1));
            self.examples.extend(lines.map(|line| Example::of(line, sources)));
        }
    }

    /// Keeps whose request it was: the pod whose proxy speaks where the request left it, else the address that it came from.
    fn note_caller(&mut self, failures: &Failures, view: FailureView<'_>) {
        if self.side == Some(Side::Outbound) {
            // All of a group left the same pod.
            if self.callers.is_empty() {
                self.callers.extend(self.hop.clone());
            }
        } else if self.callers.len() < MAX_CALLERS
            && let Some(address) = failures.text(view.failure.downstream_remote.map(Address::ip))
            && self.callers.iter().all(|known| known != address)
        {
            self.callers.push(address.to_owned());
        }
    }

    const fn has_room(&self) -> bool {
        self.lines.len() < MAX_LINES
    }

    fn rank(&self) -> impl Ord + '_ {
        let most = std::cmp::Reverse(self.count);
        (order(&self.verdict), most, self.lines.first().copied(), &self.target, &self.hop)
    }
}

/// The failures that lines of other proxies tell of, too.
fn answered(failures: &Failures) -> HashSet<usize> {
    let absorbed = failures.each().filter(|(_, view)| view.is_absorbed());
    let speakers = absorbed.filter_map(|(at, view)| Some((view, hops::speaker(failures, at)?)));
    let is_other =
        |view: FailureView<'_>, speaker| failures.view(speaker).is_some_and(|theirs| theirs.kind.proxy() != view.kind.proxy());
    speakers.filter(|(view, speaker)| is_other(*view, *speaker)).map(|(_, speaker)| speaker).collect()
}

/// Whether a request left for a Service of the cluster, whose pods may have a proxy that knows more of the failure.
fn asks_a_server(kind: &Kind) -> bool {
    let is_service = |cluster: &str| match ClusterName::parse(cluster) {
        ClusterName::Service { host: Some(host), .. } => host.contains(".svc"),
        _ => false,
    };
    let cause = kind.verdict.cause;
    let left = matches!(kind.side(), Some(Side::Outbound | Side::Gateway)) && kind.facts.relayed_from.is_none();
    left && kind.facts.cluster.as_deref().is_some_and(is_service)
        && (cause.nature == Nature::Application || cause.stage() == Stage::Response)
}

/// What proves a verdict: the facts of the line, and those of the server that refused its caller.
fn evidence(failures: &Failures, at: usize, view: FailureView<'_>) -> Vec<Shown> {
    let mut evidence = view.kind.verdict.evidence(&view.kind.facts);
    if let Some(theirs) = failures.refused_by.get(&at).and_then(|server| failures.view(*server)) {
        let facts = &theirs.kind.facts;
        let more = [
            ("response_code_details", view.kind.facts.details.as_deref()),
            ("upstream_local_address", failures.text(view.failure.upstream_local)),
            ("peer_response_code_details", facts.details.as_deref()),
            ("peer_downstream_transport_failure_reason", facts.downstream_transport_failure.as_deref()),
            ("peer_downstream_local_address", failures.text(theirs.failure.downstream_local)),
            ("peer_downstream_remote_address", failures.text(theirs.failure.downstream_remote)),
        ];
        let more = more.into_iter().filter_map(|(name, value)| Some(Shown::new(name, value?)));
        evidence.extend(more.filter(|fact| evidence.iter().all(|known| known.name != fact.name)).collect::<Vec<_>>());
    }
    evidence
}

/// How much a cause tells, coarsely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// A proxy refused or failed the request.
    Failure,
    /// Nothing failed, but something is missing.
    Telemetry,
    /// The application answered with an error.
    Application,
    /// Nobody knows.
    Unknown,
    /// Nothing failed, and the line only looks as if.
    Noise,
}

impl Class {
    /// What a cause tells.
    #[must_use]
    pub fn of(cause: &Cause) -> Self {
        match cause.nature {
            Nature::Failure if *cause == unknown::CAUSE => Self::Unknown,
            Nature::Failure => Self::Failure,
            Nature::Application => Self::Application,
            Nature::Benign => Self::Noise,
            Nature::Telemetry => Self::Telemetry,
        }
    }
}

/// The order of verdicts, the most telling first: certain before likely, and the deeper on the request's way the better.
pub(crate) fn order(verdict: &Verdict) -> (Class, bool, u8, &'static str) {
    let cause = verdict.cause;
    let depth = match cause.stage() {
        Stage::ControlPlane => 0,
        Stage::Tls => 1,
        Stage::Connecting => 2,
        Stage::Response => 3,
        Stage::Policy => 4,
        Stage::Routing => 5,
        Stage::Proxy => 6,
        Stage::Downstream => 7,
        Stage::Telemetry | Stage::Unknown => 8,
    };
    (Class::of(cause), verdict.confidence != Confidence::Certain, depth, cause.code)
}
