//! What some lines say: summaries of pieces add up to that of the whole, wherever it was cut.

use foldhash::HashSet;
use foldhash::quality::RandomState;
use meshwhy_core::Facts;
use meshwhy_core::event::Event;
use meshwhy_logs::{Formats, Item, Items, LineContent, LineReading};

use crate::analysis::Pod;
use crate::failure::Failures;
use crate::kind::{ExampleLine, Surplus, author};
use crate::sighting::{LinePlace, Sighting, SightingSource};
use crate::sources::Sources;
use crate::totals::{Tally, Totals};
use crate::window::Window;

/// How many lines that were not understood are kept.
const MAX_UNPARSED: usize = 3;
/// How many writers are remembered that say why a plugin of theirs has no module.
const MAX_EXPLAINED: usize = 1_000_000;

/// What some lines say.
#[derive(Debug)]
pub(crate) struct Summary {
    pub(crate) sources: Sources,
    pub(crate) tally: Tally,
    /// All lines, and what they are: those that belong to an item before them are counted there.
    pub(crate) totals: Totals,
    /// Failures of another time than that asked for.
    pub(crate) outside: u64,
    /// The first lines that are none of ours.
    pub(crate) unparsed: Vec<ExampleLine>,
    pub(crate) failures: Failures,
    /// What looks healthy, and may be a failure that only the manifests show.
    pub(crate) suspects: Failures,
    /// Who says why a plugin has no module.
    pub(crate) explained: HashSet<u64>,
}

impl Summary {
    /// That of no lines; what is merged must have the same hasher.
    pub(crate) fn new(hasher: RandomState) -> Self {
        Self {
            sources: Sources::default(),
            tally: Tally::default(),
            totals: Totals::default(),
            outside: 0,
            unparsed: Vec::new(),
            suspects: Failures::new(hasher.clone()),
            failures: Failures::new(hasher),
            explained: HashSet::default(),
        }
    }

    /// Adds what the lines behind these say.
    pub(crate) fn merge(&mut self, other: Self) {
        let Self { sources, tally, totals, outside, unparsed, failures, suspects, explained } = other;
        let lines = self.totals.lines;
        self.sources.append(sources, lines);
        self.tally += tally;
        self.totals += totals;
        self.outside += outside;
        let left = MAX_UNPARSED.saturating_sub(self.unparsed.len());
        self.unparsed.extend(unparsed.into_iter().take(left).map(|line| ExampleLine { line: line.line + lines, ..line }));
        self.failures.append(failures, lines);
        self.suspects.append(suspects, lines);
        let left = MAX_EXPLAINED.saturating_sub(self.explained.len());
        self.explained.extend(explained.into_iter().take(left));
    }
}

/// How lines are read.
pub(crate) struct Reader<'r> {
    pub(crate) source: u32,
    pub(crate) pod: Option<&'r Pod>,
    pub(crate) window: Window,
    pub(crate) formats: &'r Formats,
    pub(crate) keeps_suspects: bool,
    pub(crate) hasher: &'r RandomState,
    /// What need not be kept.
    pub(crate) surplus: &'r Surplus,
}

impl Reader<'_> {
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
        let (lines, failures, outside) = (last - first + 1, summary.failures.all.len(), summary.outside);
        match content {
            LineContent::Blank => return summary.totals.ignored += lines,
            LineContent::Unreadable => {
                summary.tally.unreadable += 1;
                if summary.unparsed.len() < MAX_UNPARSED {
                    summary.unparsed.push(ExampleLine::unparsed(&place));
                }
                return summary.totals.unparsed += lines;
            }
            LineContent::Healthy => summary.tally.healthy += 1,
            LineContent::Facts(facts, _) => self.facts(&place, facts, truncated, summary),
            LineContent::Events(events) => events.into_iter().for_each(|facts| self.facts(&place, facts, truncated, summary)),
            LineContent::Header(members) => {
                members.into_iter().for_each(|facts| self.take(Sighting::from_facts(&place, facts, truncated), summary));
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
            () if summary.outside > outside => summary.totals.ignored += lines,
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
        self.take(Sighting::from_facts(place, facts, truncated), summary);
    }

    fn take(&self, sighting: Option<Sighting<'_>>, summary: &mut Summary) {
        match sighting {
            Some(sighting) => self.push(sighting, summary),
            None => summary.tally.healthy += 1,
        }
    }

    fn push(&self, sighting: Sighting<'_>, summary: &mut Summary) {
        if self.window.excludes(sighting.time) {
            summary.outside += sighting.count;
            return;
        }
        summary.tally.failed += u64::from(sighting.witness == SightingSource::Log);
        summary.failures.push(sighting, |kind| self.surplus.has(kind));
    }
}
