//! Flood control: so many records per kind of failure and interval; the rest is counted, and no count is lost.
//!
//! Intervals are the host's ticks, so that no failure has to ask for the time.

use std::borrow::Cow;

use meshwhy_core::redact::bounded;
use meshwhy_core::{Cause, Confidence, Decisive, Side, Verdict};

use crate::mru::Mru;

/// Most kinds of failure remembered at once; the one not seen for longest is flushed when a new kind needs its place.
pub const KINDS: usize = 256;

/// What one kind of failure differs by from another: all that the record of suppressed ones has.
#[derive(Debug, Clone)]
pub struct FloodKey<'k> {
    /// The cause.
    pub cause: &'static Cause,
    /// How sure that is.
    pub confidence: Confidence,
    /// Which way the traffic went.
    pub side: Option<Side>,
    /// Cluster, or nothing.
    pub cluster: Cow<'k, str>,
    /// Route; nothing where it does not matter.
    pub route: Cow<'k, str>,
    /// The proxy that made the reply, where this one passed it on; else nothing. One stands for all: an upstream that sent a new name
    /// each time would get a record each time.
    pub relayed_from: Cow<'k, str>,
}

/// Occurrences that had no record yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppressed {
    /// Their kind.
    pub key: FloodKey<'static>,
    /// How many, at least 1.
    pub count: u64,
}

/// What to do with one occurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FloodDecision {
    /// Whether it gets a record.
    pub emit: bool,
    /// A kind that had to make room, with occurrences that have no record yet.
    pub evicted: Option<Suppressed>,
}

#[derive(Debug)]
struct Window {
    key: FloodKey<'static>,
    emitted: u32,
    suppressed: u64,
    /// When it was last seen, in occurrences.
    seen: u64,
}

/// The state of flood control: at most [`KINDS`] windows.
#[derive(Debug)]
pub struct Flood {
    records_per_interval: u32,
    occurrences: u64,
    /// A list and no table: a proxy that fails does so in a few ways.
    windows: Mru<Window>,
}

impl Flood {
    /// Makes an empty one.
    #[must_use]
    pub fn new(records_per_interval: u32) -> Self {
        Self { records_per_interval, occurrences: 0, windows: Mru::default() }
    }

    /// Takes note of one occurrence.
    ///
    /// # Cost
    /// No allocation for a kind that is known.
    pub fn occurred(&mut self, key: FloodKey<'_>) -> FloodDecision {
        self.occurrences = self.occurrences.wrapping_add(1);
        let (records, seen) = (self.records_per_interval, self.occurrences);
        if let Some(window) = self.windows.find(|window| window.key == key) {
            return FloodDecision { emit: window.count(records, seen), evicted: None };
        }
        let evicted = self.make_room();
        let mut window = Window { key: key.into_owned(), emitted: 0, suppressed: 0, seen };
        let emit = window.count(records, seen);
        self.windows.0.push(window);
        FloodDecision { emit, evicted }
    }

    /// Begins the next interval, and gives what was suppressed in the one that is over.
    pub fn next_interval(&mut self) -> Vec<Suppressed> {
        self.windows.0.iter_mut().for_each(|window| window.emitted = 0);
        self.windows.0.iter_mut().filter_map(Window::take_suppressed).collect()
    }

    fn make_room(&mut self) -> Option<Suppressed> {
        if self.windows.0.len() < KINDS {
            return None;
        }
        let (oldest, _) = self.windows.0.iter().enumerate().min_by_key(|(_, window)| window.seen)?;
        self.windows.0.swap_remove(oldest).take_suppressed()
    }
}

impl Window {
    /// Counts one more, as emitted or as suppressed.
    fn count(&mut self, records: u32, seen: u64) -> bool {
        self.seen = seen;
        let emit = self.emitted < records;
        if emit {
            self.emitted = self.emitted.saturating_add(1);
        } else {
            self.suppressed = self.suppressed.saturating_add(1);
        }
        emit
    }

    fn take_suppressed(&mut self) -> Option<Suppressed> {
        let count = std::mem::take(&mut self.suppressed);
        (count > 0).then(|| Suppressed { key: self.key.clone(), count })
    }
}

impl PartialEq for FloodKey<'_> {
    fn eq(&self, other: &Self) -> bool {
        let compared = |key: &Self| (key.confidence, key.side, key.relayed_from.is_empty());
        std::ptr::eq(self.cause, other.cause)
            && compared(self) == compared(other)
            && self.cluster == other.cluster
            && self.route == other.route
    }
}

impl Eq for FloodKey<'_> {}

impl<'k> FloodKey<'k> {
    /// The kind of a failure.
    #[must_use]
    pub fn of(facts: &'k Decisive<'_>, verdict: &Verdict) -> Self {
        Self {
            cause: verdict.cause,
            confidence: verdict.confidence,
            side: facts.side,
            cluster: bounded_or_empty(facts.cluster.as_ref()),
            route: bounded_or_empty(facts.route.as_ref()),
            relayed_from: bounded_or_empty(facts.relayed_from.as_ref()),
        }
    }

    fn into_owned(self) -> FloodKey<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        let (cluster, route, relayed_from) = (own(self.cluster), own(self.route), own(self.relayed_from));
        FloodKey { cause: self.cause, confidence: self.confidence, side: self.side, cluster, route, relayed_from }
    }
}

fn bounded_or_empty<'k>(text: Option<&'k Cow<'_, str>>) -> Cow<'k, str> {
    Cow::Borrowed(bounded(text.map_or("", AsRef::as_ref)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(route: usize) -> FloodKey<'static> {
        FloodKey {
            cause: Cause::find("MW2001").unwrap(),
            confidence: Confidence::Certain,
            side: Some(Side::Inbound),
            cluster: Cow::Borrowed(""),
            route: route.to_string().into(),
            relayed_from: Cow::Borrowed(""),
        }
    }

    fn occurred(flood: &mut Flood, route: usize) -> FloodDecision {
        flood.occurred(key(route))
    }

    #[test]
    fn the_rest_is_counted_until_the_interval_is_over() {
        let mut flood = Flood::new(2);
        let emitted = |flood: &mut Flood| (0..5).map(|_| occurred(flood, 0).emit).collect::<Vec<_>>();
        assert_eq!(emitted(&mut flood), [true, true, false, false, false]);
        assert_eq!(flood.next_interval(), [Suppressed { key: key(0), count: 3 }]);
        assert_eq!(flood.next_interval(), []);
        assert_eq!(emitted(&mut flood), [true, true, false, false, false]);
    }

    #[test]
    fn kinds_do_not_share_their_records() {
        let mut flood = Flood::new(1);
        let emitted = [0, 1, 2, 0, 1, 2].map(|route| occurred(&mut flood, route).emit);
        assert_eq!(emitted, [true, true, true, false, false, false]);
    }

    #[test]
    fn what_a_record_would_say_otherwise_is_a_kind_of_its_own() {
        let mut flood = Flood::new(1);
        let likely = FloodKey { confidence: Confidence::Likely, ..key(0) };
        let outbound = FloodKey { side: Some(Side::Outbound), ..key(0) };
        let relayed = FloodKey { relayed_from: Cow::Borrowed("pay-0.shop"), ..key(0) };
        for kind in [key(0), likely, outbound, relayed] {
            assert!(flood.occurred(kind).emit);
        }
        let by_another = FloodKey { relayed_from: Cow::Borrowed("forged"), ..key(0) };
        assert!(!flood.occurred(by_another).emit);
    }

    #[test]
    fn memory_is_bounded_and_no_count_is_lost() {
        let mut flood = Flood::new(1);
        let mut counted = 0;
        for route in 0..10_000 {
            for _ in 0..2 {
                let decision = occurred(&mut flood, route);
                counted += u64::from(decision.emit) + decision.evicted.map_or(0, |evicted| evicted.count);
            }
        }
        assert_eq!(flood.windows.0.len(), KINDS);
        counted += flood.next_interval().iter().map(|rest| rest.count).sum::<u64>();
        assert_eq!(counted, 20_000);
    }

    #[test]
    fn the_kind_not_seen_for_longest_makes_room() {
        let mut flood = Flood::new(0);
        for route in 0..KINDS {
            occurred(&mut flood, route);
        }
        occurred(&mut flood, 0);
        let evicted = occurred(&mut flood, KINDS).evicted;
        assert_eq!(evicted.map(|evicted| evicted.key), Some(key(1)));
    }
}
