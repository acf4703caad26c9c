//! Flood control: so many records per kind of failure and interval; the rest is counted, and no count is lost.

use std::borrow::Cow;

use meshwhy_core::redact::bounded;
use meshwhy_core::{Cause, Confidence, Facts, Side, Verdict};

/// Most kinds of failure remembered at once; the one not seen for longest is flushed when a new kind needs its place.
pub const KINDS: usize = 256;

/// What tells one kind of failure from another: all that a record of those held back says.
#[derive(Debug, Clone, Eq)]
pub struct FloodKey<'k> {
    /// Code of the cause.
    pub code: &'static str,
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
pub struct Decision {
    /// `Some(n)`: write a record that stands for this occurrence and `n` suppressed before it.
    pub emit: Option<u64>,
    /// A kind that had to make room, with occurrences that have no record yet.
    pub evicted: Option<Suppressed>,
}

#[derive(Debug)]
struct Window {
    key: FloodKey<'static>,
    started_ms: u64,
    emitted: u32,
    suppressed: u64,
    /// When it was last seen, in occurrences.
    seen: u64,
}

/// The state of flood control: at most [`KINDS`] windows.
#[derive(Debug)]
pub struct Flood {
    records_per_interval: u32,
    interval_ms: u64,
    occurrences: u64,
    /// A list and no table: a proxy that fails does so in a few ways, and those move to the front.
    windows: Vec<Window>,
}

impl Flood {
    /// Makes an empty one.
    #[must_use]
    pub fn new(records_per_interval: u32, interval_ms: u64) -> Self {
        Self { records_per_interval, interval_ms, occurrences: 0, windows: Vec::new() }
    }

    /// Takes note of one occurrence.
    ///
    /// # Cost
    /// No allocation for a kind that is known.
    pub fn occurred(&mut self, key: FloodKey<'_>, now_ms: u64) -> Decision {
        self.occurrences = self.occurrences.wrapping_add(1);
        let mut evicted = None;
        let mut at = self.windows.iter().position(|window| window.key == key);
        if at.is_none() {
            evicted = self.make_room();
            self.windows.push(Window::new(key, now_ms));
            at = self.windows.len().checked_sub(1);
        }
        // Half the way to the front each time: what is frequent is found at once.
        let front = at.unwrap_or_default() / 2;
        self.windows.swap(at.unwrap_or_default(), front);
        let (records, interval, seen) = (self.records_per_interval, self.interval_ms, self.occurrences);
        let Some(window) = self.windows.get_mut(front) else { return Decision { emit: Some(0), evicted } };
        window.seen = seen;
        if now_ms.saturating_sub(window.started_ms) >= interval {
            window.started_ms = now_ms;
            window.emitted = 0;
        }
        if window.emitted < records {
            window.emitted = window.emitted.saturating_add(1);
            return Decision { emit: Some(std::mem::take(&mut window.suppressed)), evicted };
        }
        window.suppressed = window.suppressed.saturating_add(1);
        Decision { emit: None, evicted }
    }

    /// Takes what was suppressed in intervals that are over, so that totals are right even when nothing follows.
    pub fn overdue(&mut self, now_ms: u64) -> Vec<Suppressed> {
        let interval = self.interval_ms;
        let over = self.windows.iter_mut().filter(|window| now_ms.saturating_sub(window.started_ms) >= interval);
        over.filter_map(Window::take_suppressed).collect()
    }

    fn make_room(&mut self) -> Option<Suppressed> {
        if self.windows.len() < KINDS {
            return None;
        }
        let (oldest, _) = self.windows.iter().enumerate().min_by_key(|(_, window)| window.seen)?;
        self.windows.swap_remove(oldest).take_suppressed()
    }
}

impl Window {
    fn new(key: FloodKey<'_>, now_ms: u64) -> Self {
        Self { key: key.into_owned(), started_ms: now_ms, emitted: 0, suppressed: 0, seen: 0 }
    }

    fn take_suppressed(&mut self) -> Option<Suppressed> {
        let count = std::mem::take(&mut self.suppressed);
        (count > 0).then(|| Suppressed { key: self.key.clone(), count })
    }
}

impl PartialEq for FloodKey<'_> {
    fn eq(&self, other: &Self) -> bool {
        let compared = |key: &Self| (key.code, key.confidence, key.side, key.relayed_from.is_empty());
        compared(self) == compared(other) && self.cluster == other.cluster && self.route == other.route
    }
}

impl<'k> FloodKey<'k> {
    /// The kind of a failure.
    #[must_use]
    pub fn of(facts: &'k Facts<'_>, verdict: &Verdict) -> Self {
        Self {
            code: verdict.cause.code,
            confidence: verdict.confidence,
            side: facts.side,
            cluster: part(facts.cluster.as_ref()),
            route: part(facts.route.as_ref()),
            relayed_from: part(facts.relayed_from.as_ref()),
        }
    }

    /// The cause.
    #[must_use]
    pub fn cause(&self) -> Option<&'static Cause> {
        Cause::find(self.code)
    }

    fn into_owned(self) -> FloodKey<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        let (cluster, route, relayed_from) = (own(self.cluster), own(self.route), own(self.relayed_from));
        FloodKey { code: self.code, confidence: self.confidence, side: self.side, cluster, route, relayed_from }
    }
}

fn part<'k>(text: Option<&'k Cow<'_, str>>) -> Cow<'k, str> {
    Cow::Borrowed(bounded(text.map_or("", AsRef::as_ref)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(route: usize) -> FloodKey<'static> {
        FloodKey {
            code: "MW2001",
            confidence: Confidence::Certain,
            side: Some(Side::Inbound),
            cluster: Cow::Borrowed(""),
            route: route.to_string().into(),
            relayed_from: Cow::Borrowed(""),
        }
    }

    fn occurred(flood: &mut Flood, route: usize, now_ms: u64) -> Decision {
        flood.occurred(key(route), now_ms)
    }

    #[test]
    fn the_rest_is_counted_and_carried() {
        let mut flood = Flood::new(2, 1000);
        let emitted: Vec<_> = (0..5).map(|_| occurred(&mut flood, 0, 0).emit).collect();
        assert_eq!(emitted, [Some(0), Some(0), None, None, None]);
        assert_eq!(occurred(&mut flood, 0, 1000).emit, Some(3));
        assert_eq!(flood.overdue(5000), []);
    }

    #[test]
    fn what_nothing_follows_is_flushed_when_its_interval_is_over() {
        let mut flood = Flood::new(0, 1000);
        occurred(&mut flood, 0, 0);
        assert_eq!(flood.overdue(999), []);
        assert_eq!(flood.overdue(1000), [Suppressed { key: key(0), count: 1 }]);
        assert_eq!(flood.overdue(1000), []);
    }

    #[test]
    fn kinds_do_not_share_their_records() {
        let mut flood = Flood::new(1, 1000);
        let emitted = [0, 1, 2, 0, 1, 2].map(|route| occurred(&mut flood, route, 0).emit);
        assert_eq!(emitted, [Some(0), Some(0), Some(0), None, None, None]);
    }

    #[test]
    fn what_a_record_would_say_otherwise_is_a_kind_of_its_own() {
        let mut flood = Flood::new(1, 1000);
        let likely = FloodKey { confidence: Confidence::Likely, ..key(0) };
        let outbound = FloodKey { side: Some(Side::Outbound), ..key(0) };
        let relayed = FloodKey { relayed_from: Cow::Borrowed("pay-0.shop"), ..key(0) };
        for kind in [key(0), likely, outbound, relayed] {
            assert_eq!(flood.occurred(kind, 0).emit, Some(0));
        }
        let by_another = FloodKey { relayed_from: Cow::Borrowed("forged"), ..key(0) };
        assert_eq!(flood.occurred(by_another, 0).emit, None);
    }

    #[test]
    fn memory_is_bounded_and_no_count_is_lost() {
        let mut flood = Flood::new(1, 1000);
        let mut counted = 0;
        for route in 0..10_000 {
            for _ in 0..2 {
                let decision = occurred(&mut flood, route, 0);
                counted += decision.emit.map_or(0, |before| before + 1) + decision.evicted.map_or(0, |evicted| evicted.count);
            }
        }
        assert_eq!(flood.windows.len(), KINDS);
        counted += flood.overdue(1000).iter().map(|rest| rest.count).sum::<u64>();
        assert_eq!(counted, 20_000);
    }

    #[test]
    fn the_kind_not_seen_for_longest_makes_room() {
        let mut flood = Flood::new(0, 1000);
        for route in 0..KINDS {
            occurred(&mut flood, route, 0);
        }
        occurred(&mut flood, 0, 0);
        let evicted = occurred(&mut flood, KINDS, 0).evicted;
        assert_eq!(evicted.map(|evicted| evicted.key), Some(key(1)));
    }
}
