//! Durations as Go writes them.

use std::time::Duration;

const UNITS: [(&str, f64); 7] = [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];

/// Reads `1.5s`, `300ms` or `1h30m`; `None` for anything else, such as a number without a unit.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    let (mut rest, mut total) = (text, Duration::ZERO);
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, after) = rest.split_at_checked(digits)?;
        let (unit, seconds) = UNITS.iter().find(|(unit, _)| after.starts_with(unit))?;
        total = total.checked_add(Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?)?;
        rest = after.strip_prefix(unit)?;
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_sums_with_units() {
        let read = ["500ms", "1s", "1.5s", "1m30s", "2h"].map(|text| duration(text).map(|duration| duration.as_millis()));
        assert_eq!(read, [Some(500), Some(1000), Some(1500), Some(90_000), Some(7_200_000)]);
        assert_eq!(["", "5", "s", "1 s", "-1s", "5x"].map(duration), [None; 6]);
    }
}
