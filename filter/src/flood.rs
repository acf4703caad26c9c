//! Flood control: so many records per cause, cluster and route and interval; the rest is counted, and no count is lost.

use std::hash::{BuildHasherDefault, DefaultHasher};
use std::num::NonZeroUsize;

use lru::LruCache;
use meshwhy_core::Cause;

/// Most kinds of failure remembered at once; the least recent one is told off when a new kind needs its place.
pub const KINDS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(255);

/// Without random keys: asking for randomness traps under a capability list, and clusters and routes are the mesh's own names.
type FixedHasher = BuildHasherDefault<DefaultHasher>;

/// A kind of failure.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Kind {
    /// Code of the cause.
    pub code: &'static str,
    /// Cluster, or nothing.
    pub cluster: String,
    /// Route, or nothing.
    pub route: String,
}

/// Occurrences that had no record yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppressed {
    /// What kind they are.
    pub kind: Kind,
    /// How many, at least 1.
    pub count: u64,
}

/// What to do with one occurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// `Some(n)`: write a record that stands for this occurrence and `n` suppressed before it.
    pub emit: Option<u64>,
    /// A kind that had to make room, with occurrences that nothing has told yet.
    pub evicted: Option<Suppressed>,
}

#[derive(Debug, Default)]
struct Window {
    started_ms: u64,
    emitted: u32,
    suppressed: u64,
}

/// The state of flood control: at most [`KINDS`] windows.
#[derive(Debug)]
pub struct Flood {
    records_per_interval: u32,
    interval_ms: u64,
    windows: LruCache<Kind, Window, FixedHasher>,
}

impl Flood {
    /// Makes an empty one.
    #[must_use]
    pub fn new(records_per_interval: u32, interval_ms: u64) -> Self {
        Self { records_per_interval, interval_ms, windows: LruCache::with_hasher(KINDS, FixedHasher::default()) }
    }

    /// Takes note of one occurrence.
    pub fn occurred(&mut self, kind: Kind, now_ms: u64) -> Decision {
        let mut evicted = None;
        if !self.windows.contains(&kind) {
            let fresh = Window { started_ms: now_ms, ..Window::default() };
            evicted = self.windows.push(kind.clone(), fresh).and_then(|(kind, window)| untold(kind, window.suppressed));
        }
        let Some(window) = self.windows.get_mut(&kind) else { return Decision { emit: Some(0), evicted } };
        if now_ms.saturating_sub(window.started_ms) >= self.interval_ms {
            window.started_ms = now_ms;
            window.emitted = 0;
        }
        if window.emitted < self.records_per_interval {
            window.emitted = window.emitted.saturating_add(1);
            return Decision { emit: Some(std::mem::take(&mut window.suppressed)), evicted };
        }
        window.suppressed = window.suppressed.saturating_add(1);
        Decision { emit: None, evicted }
    }

    /// Takes what was suppressed in intervals that are over, so that totals are right even when nothing follows.
    pub fn overdue(&mut self, now_ms: u64) -> Vec<Suppressed> {
        let interval = self.interval_ms;
        let over = self.windows.iter_mut().filter(|(_, window)| now_ms.saturating_sub(window.started_ms) >= interval);
        over.filter_map(|(kind, window)| untold(kind.clone(), std::mem::take(&mut window.suppressed))).collect()
    }
}

fn untold(kind: Kind, count: u64) -> Option<Suppressed> {
    (count > 0).then_some(Suppressed { kind, count })
}

impl Kind {
    /// The cause of the kind.
    #[must_use]
    pub fn cause(&self) -> Option<&'static Cause> {
        Cause::find(self.code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(route: usize) -> Kind {
        Kind { code: "MW2001", cluster: String::new(), route: route.to_string() }
    }

    #[test]
    fn the_rest_is_counted_and_carried() {
        let mut flood = Flood::new(2, 1000);
        let emitted: Vec<_> = (0..5).map(|_| flood.occurred(kind(0), 0).emit).collect();
        assert_eq!(emitted, [Some(0), Some(0), None, None, None]);
        assert_eq!(flood.occurred(kind(0), 1000).emit, Some(3));
        assert_eq!(flood.overdue(5000), []);
    }

    #[test]
    fn what_nothing_follows_is_told_when_its_interval_is_over() {
        let mut flood = Flood::new(0, 1000);
        flood.occurred(kind(0), 0);
        assert_eq!(flood.overdue(999), []);
        assert_eq!(flood.overdue(1000), [Suppressed { kind: kind(0), count: 1 }]);
        assert_eq!(flood.overdue(1000), []);
    }

    #[test]
    fn memory_is_bounded_and_no_count_is_lost() {
        let mut flood = Flood::new(1, 1000);
        let mut told = 0;
        for route in 0..10_000 {
            for _ in 0..2 {
                let decision = flood.occurred(kind(route), 0);
                told += decision.emit.map_or(0, |before| before + 1) + decision.evicted.map_or(0, |evicted| evicted.count);
            }
        }
        assert_eq!(flood.windows.len(), KINDS.get());
        told += flood.overdue(1000).iter().map(|rest| rest.count).sum::<u64>();
        assert_eq!(told, 20_000);
    }
}
