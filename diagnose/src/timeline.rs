//! When something happened, as counts over spans of equal length.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

/// Most spans of a course.
const MAX_SPANS: i64 = 60;
/// Lengths of spans in seconds. Each is a multiple of the one before, so that what is added first does not matter; behind them each is
/// twice the one before.
const LENGTHS: [i64; 9] = [1, 5, 15, 60, 300, 900, 3600, 21_600, 86_400];
const MICROSECONDS: i64 = 1_000_000;

/// Failures over time: the spans follow each other without a gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Rate {
    /// When the first span begins.
    #[cfg_attr(feature = "schemas", schemars(with = "String"))]
    pub start: Timestamp,
    /// How long a span is, in seconds.
    pub step: i64,
    /// How many failures began in each; at most 60.
    pub counts: Vec<u64>,
}

/// Counts over time, in the shortest spans of which 60 are enough.
#[derive(Debug, Clone)]
pub(crate) struct Timeline {
    length: i64,
    /// By the number of the span since 1970.
    spans: BTreeMap<i64, u64>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self { length: 1, spans: BTreeMap::new() }
    }
}

impl Timeline {
    /// Adds what happened at a time, in microseconds since 1970.
    pub(crate) fn add(&mut self, time: i64, count: u64) {
        let span = self.spans.entry(time.div_euclid(MICROSECONDS).div_euclid(self.length)).or_default();
        *span = span.saturating_add(count);
        while let (Some((first, _)), Some((last, _))) = (self.spans.first_key_value(), self.spans.last_key_value())
            && last - first >= MAX_SPANS
        {
            let longer = LENGTHS.into_iter().find(|length| *length > self.length).unwrap_or(self.length.saturating_mul(2));
            let spans = std::mem::take(&mut self.spans);
            for (span, count) in spans {
                *self.spans.entry((span * self.length).div_euclid(longer)).or_default() += count;
            }
            self.length = longer;
        }
    }

    /// What it says; `None` of nothing.
    pub(crate) fn rate(&self) -> Option<Rate> {
        let (first, last) = (*self.spans.first_key_value()?.0, *self.spans.last_key_value()?.0);
        let start = Timestamp::from_second(first * self.length).ok()?;
        let counts = (first..=last).map(|span| self.spans.get(&span).copied().unwrap_or_default()).collect();
        Some(Rate { start, step: self.length, counts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_does_not_matter() {
        let times = [0, 59, 60, 61, 3_600, 7_200, 400_000, 3].map(|second| second * MICROSECONDS);
        let rate = |times: &mut dyn Iterator<Item = &i64>| {
            let mut timeline = Timeline::default();
            times.for_each(|time| timeline.add(*time, 1));
            timeline.rate().unwrap()
        };
        let forwards = rate(&mut times.iter());
        assert_eq!(forwards, rate(&mut times.iter().rev()));
        assert_eq!((forwards.step, forwards.counts.iter().sum::<u64>()), (21_600, 8));
        assert_eq!(rate(&mut times[..2].iter()).counts.len(), 60);
        assert_eq!(rate(&mut [times[0], times[1], times[2]].iter()).step, 5);
    }

    #[test]
    fn the_ends_of_time_fit() {
        let mut timeline = Timeline::default();
        let ends = [Timestamp::MIN, Timestamp::MAX].map(Timestamp::as_microsecond);
        ends.into_iter().for_each(|time| timeline.add(time, 1));
        assert!(timeline.rate().is_none_or(|rate| rate.counts.len() <= 60));
    }
}
