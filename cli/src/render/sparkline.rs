//! Counts over time in a few letters.

use jiff::Timestamp;
use meshwhy_diagnose::Rate;

/// From few to many.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// How many letters.
const LENGTH: usize = 12;

/// The course of failures between two times; a space where there were none.
pub(crate) fn sparkline(rate: &Rate, (from, until): (Timestamp, Timestamp)) -> String {
    let (from, until) = (from.as_second(), until.as_second());
    let length = i128::from(until.saturating_sub(from).max(1));
    let mut cells = [0_u64; LENGTH];
    for (at, count) in rate.counts.iter().enumerate() {
        let middle = i128::from(rate.start.as_second()) + at as i128 * i128::from(rate.step) + i128::from(rate.step / 2);
        let cell = (middle - i128::from(from)).clamp(0, length) * LENGTH as i128 / (length + 1);
        if let Some(cell) = usize::try_from(cell).ok().and_then(|cell| cells.get_mut(cell)) {
            *cell = cell.saturating_add(*count);
        }
    }
    let most = cells.iter().copied().max().unwrap_or_default().max(1);
    let bar = |count: u64| {
        let height = u128::from(count) * (BARS.len() as u128 - 1) / u128::from(most);
        usize::try_from(height).ok().and_then(|height| BARS.get(height)).copied().unwrap_or(' ')
    };
    cells.iter().map(|count| if *count == 0 { ' ' } else { bar(*count) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_stands_where_it_was() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let observed = (time("2026-11-21T06:00:00Z"), time("2026-11-21T07:00:00Z"));
        let rate = Rate { start: time("2026-11-21T06:30:00Z"), step: 60, counts: vec![1, 7, 2] };
        assert_eq!(sparkline(&rate, observed), "      █     ");
        let growing = Rate { start: observed.0, step: 300, counts: (1..=12).collect() };
        assert_eq!(sparkline(&growing, observed), "▁▂▂▃▃▄▅▅▆▆▇█");
        // A clock that runs ahead.
        let future = Rate { start: time("2030-01-01T00:00:00Z"), step: 60, counts: vec![5] };
        assert_eq!(sparkline(&future, observed), "           █");
    }
}
