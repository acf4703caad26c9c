//! What some lines say: summaries of pieces add up to that of the whole, wherever it was cut.

use foldhash::HashSet;
use foldhash::quality::RandomState;
use meshwhy_core::Facts;
use meshwhy_core::cluster_name::ClusterName;
use meshwhy_core::event::Event;
use meshwhy_logs::{Formats, Item, Items, LineContent, LineFormat, LineReading, Success};

use crate::analysis::Pod;
use crate::failure::Failures;
use crate::kind::{ExampleLine, Surplus, author};
use crate::observed::Observed;
use crate::propagation::Propagation;
use crate::ruled_out::RuledOut;
use crate::sighting::{LinePlace, Sighting, SightingSource, excerpt};
use crate::sources::Sources;
use crate::totals::{Tally, Totals};
use crate::traffic::Traffic;
use crate::window::{self, Window};

/// How many lines that were not understood are kept.
const MAX_UNPARSED: usize = 3;
/// How many writers are remembered that say why a plugin of theirs has no module.
const MAX_EXPLAINED: usize = 1_000_000;

/// What some lines say.
#[derive(Debug, Clone)]
pub(crate) struct Summary {
    pub(crate) sources: Sources,
    pub(crate) tally: Tally,
    /// All lines, and what they are: those that belong to an item before them are counted there.
    pub(crate) totals: Totals,
    /// Failures of another time than that asked for.
    pub(crate) outside: u64,
    /// And what did not fail.
    pub(crate) healthy_outside: u64,
    /// The first lines that are none of ours.
    pub(crate) unparsed: Vec<ExampleLine>,
    pub(crate) failures: Failures,
    /// Requests that access logs have, whatever came of them.
    pub(crate) traffic: Traffic,
    /// Trace context of requests that did not fail.
    pub(crate) propagation: Propagation,
    /// When the first request began, and the last.
    pub(crate) observed: Observed,
    /// What looks healthy, and may be a failure that only the manifests show.
    pub(crate) suspects: Failures,
    /// Who says why a plugin has no module.
    pub(crate) explained: HashSet<u64>,
    /// What counters that are 0 rule out.
    pub(crate) ruled_out: RuledOut,
}

impl Summary {
    /// That of no lines; what is merged must have the same hasher.
    pub(crate) fn new(hasher: RandomState) -> Self {
        Self {
            sources: Sources::default(),
            tally: Tally::default(),
            totals: Totals::default(),
            outside: 0,
            healthy_outside: 0,
            unparsed: Vec::new(),
            suspects: Failures::new(hasher.clone()),
            failures: Failures::new(hasher.clone()),
            traffic: Traffic::new(hasher.clone()),
            propagation: Propagation::new(hasher),
            observed: Observed::default(),
            explained: HashSet::default(),
            ruled_out: RuledOut::default(),
        }
    }

    /// Adds what the lines behind these say.
    pub(crate) fn merge(&mut self, other: Self) {
        let Self {
            sources,
            tally,
            totals,
            outside,
            healthy_outside,
            unparsed,
            failures,
            traffic,
            propagation,
            observed,
            suspects,
            explained,
            ruled_out,
        } = other;
        let lines = self.totals.lines;
        self.sources.append(sources, lines);
        self.tally += tally;
        self.totals += totals;
        self.outside += outside;
        self.healthy_outside += healthy_outside;
        let left = MAX_UNPARSED.saturating_sub(self.unparsed.len());
        self.unparsed.extend(unparsed.into_iter().take(left).map(|line| ExampleLine { line: line.line + lines, ..line }));
        self.failures.append(failures, lines);
        self.ruled_out.append(ruled_out);
        self.traffic.append(traffic);
        self.propagation.append(propagation);
        self.observed.append(observed);
        self.suspects.append(suspects, lines);
        let left = MAX_EXPLAINED.saturating_sub(self.explained.len());
        self.explained.extend(explained.into_iter().take(left));
    }
}

/// How lines are read.
pub(crate) struct BlockReader<'r> {
    pub(crate) source: u32,
    pub(crate) pod: Option<&'r Pod>,
    pub(crate) window: Window,
    pub(crate) formats: &'r Formats,
    pub(crate) keeps_suspects: bool,
    pub(crate) hasher: &'r RandomState,
    /// What need not be kept.
    pub(crate) surplus: &'r Surplus,
}

impl BlockReader<'_> {
    /// Sums up a piece, of which the first lines may belong to an item before it. Also gives how many lines behind it belong to its last item.
    pub(crate) fn read(&self, piece: &[u8], beyond: &[Vec<u8>], skipped: u64) -> (Summary, u64) {
        let (mut rest, mut lines) = (piece, 0);
        while lines < skipped && !rest.is_empty() {
            rest = memchr::memchr(b'\n', rest).and_then(|end| rest.get(end + 1..)).unwrap_or_default();
            lines += 1;
        }
        let mut summary = Summary { sources: Sources::one(self.source), ..Summary::new(self.hasher.clone()) };
        let mut items = Items::over(rest, beyond, self.formats);
        while let Some(item) = items.next_item() {
            self.item(item, lines, &mut summary);
        }
        let extent = items.extent();
        summary.totals.lines = lines + extent.lines;
        summary.tally.read = summary.totals.lines;
        (summary, extent.overrun + (skipped - lines))
    }

    /// Sums up one failure that no line has: it counts as one.
    pub(crate) fn one(&self, facts: Facts<'_>, text: &str) -> Summary {
        let mut summary = Summary { sources: Sources::one(self.source), ..Summary::new(self.hasher.clone()) };
        let content = LineContent::Facts(facts, LineFormat::Evidence);
        let line = LineReading { origin: None, content, truncated: false };
        self.item(Item { first: 1, last: 1, bytes: text.as_bytes(), line }, 0, &mut summary);
        summary.totals.lines = 1;
        summary.tally.read = 1;
        summary
    }

    fn item(&self, item: Item<'_>, skipped: u64, summary: &mut Summary) {
        let Item { first, last, bytes, line: LineReading { origin, content, truncated } } = item;
        let origin = origin.as_ref();
        let named = origin.and_then(|origin| Some((origin.pod.as_deref()?, origin.namespace.as_deref())));
        let place = LinePlace {
            line: skipped + first,
            last: skipped + last,
            source: self.source,
            origin: origin.map(|origin| origin.text.as_ref()),
            pod: named.or_else(|| self.pod.map(|pod| (pod.name.as_str(), pod.namespace.as_deref()))),
            bytes,
        };
        let (lines, failures) = (last - first + 1, summary.failures.all.len());
        let outside = summary.outside + summary.healthy_outside;
        match content {
            LineContent::Blank => return summary.totals.ignored += lines,
            LineContent::Unreadable => {
                summary.tally.unreadable += 1;
                log::debug!("not understood: {}", excerpt(bytes));
                if summary.unparsed.len() < MAX_UNPARSED {
                    summary.unparsed.push(ExampleLine::unparsed(&place));
                }
                return summary.totals.unparsed += lines;
            }
            LineContent::Healthy(success) => self.success(&place, &success, summary),
            LineContent::Facts(facts, _) => self.facts(&place, facts, truncated, summary),
            LineContent::Events(events) => events.into_iter().for_each(|facts| self.facts(&place, facts, truncated, summary)),
            LineContent::Header(members) => {
                members.into_iter().for_each(|facts| self.take(&place, Sighting::from_facts(&place, facts, truncated), summary));
            }
            LineContent::Record(record, writer) => {
                summary.tally.records += 1;
                if let Some(sighting) = Sighting::from_record(&place, record, writer) {
                    self.push(sighting, summary);
                }
            }
        }
        match () {
            () if summary.failures.all.len() > failures => summary.totals.failed += lines,
            () if summary.outside + summary.healthy_outside > outside => summary.totals.ignored += lines,
            () => summary.totals.healthy += lines,
        }
    }

    fn facts(&self, place: &LinePlace<'_>, facts: Facts<'_>, truncated: bool, summary: &mut Summary) {
        if matches!(facts.event, Some(Event::WasmLoadPending | Event::WasmLoadFailed)) {
            summary.explained.insert(summary.failures.number(author(self.source, place.origin)));
        }
        if self.keeps_suspects
            && let Some(suspect) = Sighting::suspect(place, &facts).filter(|suspect| !self.window.excludes(suspect.time))
        {
            summary.suspects.push(suspect, |_| false);
        }
        if let Some(flags) = facts.context.ruled_out {
            summary.ruled_out.add(self.source, &facts, flags);
            summary.tally.healthy += 1;
            return;
        }
        self.take(place, Sighting::from_facts(place, facts, truncated), summary);
    }

    fn take(&self, place: &LinePlace<'_>, sighting: Result<Sighting<'_>, Success<'_>>, summary: &mut Summary) {
        match sighting {
            Ok(sighting) => self.push(sighting, summary),
            Err(success) => self.success(place, &success, summary),
        }
    }

    fn success(&self, place: &LinePlace<'_>, success: &Success<'_>, summary: &mut Summary) {
        let Success { cluster, start_time, traceparent } = success;
        summary.tally.healthy += 1;
        if !self.window.is_open() && self.window.excludes(start_time.as_deref().and_then(window::read)) {
            summary.healthy_outside += 1;
            return;
        }
        if let Some(time) = start_time {
            summary.observed.add_printed(time);
        }
        if let Some(cluster) = cluster {
            summary.traffic.count(cluster);
        }
        let side = || ClusterName::parse(cluster.as_deref()?).side();
        if let Some(has_header) = traceparent
            && let Some(side) = side()
        {
            summary.propagation.count(place, side, *has_header);
        }
    }

    fn push(&self, sighting: Sighting<'_>, summary: &mut Summary) {
        if self.window.excludes(sighting.time) {
            summary.outside += sighting.count;
            return;
        }
        summary.observed.add(sighting.time);
        if let (SightingSource::Log, Some(cluster)) = (sighting.witness, &sighting.facts.cluster) {
            summary.traffic.count(cluster);
        }
        summary.tally.failed += u64::from(sighting.witness == SightingSource::Log);
        summary.failures.push(sighting, |kind| self.surplus.has(kind));
    }
}
