//! Counts over time in a few letters.

use jiff::Timestamp;
use meshwhy_diagnose::Rate;

/// From few to many.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// How many letters.
const LENGTH: usize = 12;

/// The course of failures between two times; a space where there were none.
#[must_use]
pub fn sparkline(rate: &Rate, observed: (Timestamp, Timestamp)) -> String {
    let counts = resampled::<LENGTH>(rate, observed);
    let most = counts.iter().copied().fold(0.0, f64::max);
    let bar = |count: f64| {
        let height = (count / most * (BARS.len() - 1) as f64) as usize;
        BARS.get(height).copied().unwrap_or(' ')
    };
    counts.iter().map(|count| if *count > 0.0 { bar(*count) } else { ' ' }).collect()
}

/// The same failures, between two times, in so many spans; what is outside counts at the nearer end.
#[must_use]
pub fn resampled<const SPANS: usize>(rate: &Rate, (from, until): (Timestamp, Timestamp)) -> [f64; SPANS] {
    let length = until.as_second().saturating_sub(from.as_second()).max(1) as f64 / SPANS as f64;
    let start = rate.start.as_second().saturating_sub(from.as_second()) as f64;
    // In spans, the last of which has an end.
    let place = |number: usize| ((start + number as f64 * rate.step as f64) / length).clamp(0.0, SPANS as f64);
    let mut spans = [0.0; SPANS];
    for (at, count) in rate.counts.iter().enumerate() {
        let (begin, end) = (place(at), place(at + 1));
        if end <= begin {
            if let Some(span) = spans.get_mut((begin as usize).min(SPANS - 1)) {
                *span += *count as f64;
            }
            continue;
        }
        for (number, span) in spans.iter_mut().enumerate().skip(begin as usize).take_while(|(number, _)| (*number as f64) < end) {
            let within = end.min(number as f64 + 1.0) - begin.max(number as f64);
            *span += *count as f64 * within / (end - begin);
        }
    }
    spans
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
        // A span of the one is several of the other, and nothing is lost.
        let hours = Rate { start: observed.0, step: 3600, counts: vec![7] };
        assert_eq!(resampled::<12>(&hours, observed), [7.0 / 12.0; 12]);
        // A clock that runs ahead.
        let future = Rate { start: time("2030-01-01T00:00:00Z"), step: 60, counts: vec![5] };
        assert_eq!(sparkline(&future, observed), "           █");
    }
}
