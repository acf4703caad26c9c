//! Failures of one cause at one target, as one hop tells them.

use std::borrow::Cow;

use foldhash::HashMap;
use meshwhy_core::causes::unknown;
use meshwhy_core::condition::Shown;
use meshwhy_core::{Cause, Confidence, Facts, Nature, Side, Stage, Verdict};

use crate::sighting::{LinePlace, Sighting, excerpt};

/// How many groups are kept.
const MAX_GROUPS: usize = 10_000;
/// How many line numbers a group keeps.
const MAX_LINES: usize = 100;
/// How many examples a group keeps.
const MAX_EXAMPLES: usize = 5;
/// How many callers a group keeps.
const MAX_CALLERS: usize = 20;

/// A group of failures.
#[derive(Debug)]
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
    /// How many of them flood control left without a record of their own.
    pub suppressed: u64,
    /// Earliest start time, as printed.
    pub first_seen: Option<String>,
    /// Latest start time, as printed.
    pub last_seen: Option<String>,
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
    pub request_id: Option<String>,
    /// The line as it stands, cut.
    pub text: String,
}

impl Example {
    /// A line that nobody understands.
    pub(crate) fn unparsed(place: &LinePlace<'_>) -> Self {
        Self { source: place.source, line: place.line, request_id: None, text: excerpt(place.bytes) }
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
#[derive(Debug, Default)]
pub(crate) struct Groups {
    groups: HashMap<Key, Group>,
    ungrouped: u64,
}

impl Groups {
    /// Adds sightings that are already joined. What is covered adds its line to a group that exists, and no count.
    pub(crate) fn add(&mut self, batch: impl Iterator<Item = Sighting>) {
        let speaking = batch.filter(|sighting| !sighting.is_absorbed());
        let (covered, counted): (Vec<_>, Vec<_>) = speaking.partition(|sighting| sighting.covered);
        for sighting in counted {
            let key = Key::of(&sighting);
            if self.groups.len() >= MAX_GROUPS && !self.groups.contains_key(&key) {
                self.ungrouped = self.ungrouped.saturating_add(sighting.count);
                continue;
            }
            self.groups.entry(key).or_insert_with(|| Group::of(&sighting)).take(sighting);
        }
        for sighting in covered {
            if let Some(group) = self.groups.get_mut(&Key::of(&sighting)) {
                group.take(Sighting { count: 0, suppressed: 0, ..sighting });
            }
        }
    }

    /// The groups, the most telling first, and how many failures are in none.
    pub(crate) fn finish(self) -> (Vec<Group>, u64) {
        let mut groups: Vec<Group> = self.groups.into_values().collect();
        groups.sort_by(|one, other| one.rank().cmp(&other.rank()));
        (groups, self.ungrouped)
    }
}

impl Key {
    fn of(sighting: &Sighting) -> Self {
        Self {
            code: sighting.verdict.cause.code,
            target: sighting.target().map(str::to_owned),
            hop: sighting.hop(),
            side: sighting.side(),
            relayed: sighting.facts.relayed_from.is_some(),
        }
    }
}

impl Group {
    fn of(sighting: &Sighting) -> Self {
        let mut evidence = sighting.verdict.evidence(&sighting.facts);
        for fact in &sighting.more_evidence {
            if !evidence.iter().any(|known| known.name == fact.name) {
                evidence.push(fact.clone());
            }
        }
        Self {
            verdict: sighting.verdict,
            facts: sighting.facts.clone(),
            evidence,
            target: sighting.target().map(str::to_owned),
            hop: sighting.hop(),
            relayed_from: sighting.facts.relayed_from.as_deref().map(str::to_owned),
            side: sighting.side(),
            count: 0,
            suppressed: 0,
            first_seen: None,
            last_seen: None,
            callers: Vec::new(),
            lines: Vec::new(),
            examples: Vec::new(),
        }
    }

    fn take(&mut self, sighting: Sighting) {
        if self.callers.len() < MAX_CALLERS {
            let caller = sighting.caller().filter(|caller| !self.callers.contains(caller));
            self.callers.extend(caller);
        }
        self.count = self.count.saturating_add(sighting.count);
        self.suppressed = self.suppressed.saturating_add(sighting.suppressed);
        if sighting.verdict.confidence > self.verdict.confidence {
            self.verdict = sighting.verdict;
            self.evidence = Self::of(&sighting).evidence;
        }
        if let Some(time) = sighting.facts.context.start_time.map(Cow::into_owned) {
            if self.first_seen.as_ref().is_none_or(|first| time < *first) {
                self.first_seen = Some(time.clone());
            }
            if self.last_seen.as_ref().is_none_or(|last| time > *last) {
                self.last_seen = Some(time);
            }
        }
        for line in std::iter::once(sighting.line).chain(sighting.joined) {
            if let Err(at) = self.lines.binary_search(&line)
                && self.lines.len() < MAX_LINES
            {
                self.lines.insert(at, line);
            }
        }
        if self.examples.len() < MAX_EXAMPLES {
            self.examples.push(Example {
                source: sighting.source,
                line: sighting.line_in_source,
                request_id: sighting.facts.context.request_id.map(Cow::into_owned),
                text: sighting.excerpt,
            });
        }
    }

    fn rank(&self) -> impl Ord + '_ {
        let most = std::cmp::Reverse(self.count);
        (order(&self.verdict), most, self.lines.first().copied(), &self.target, &self.hop)
    }
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
