//! Times that are written in manifests, beside how long the request took.

use super::request::Request;
use crate::document::Node;

/// How far clocks and logs are apart, in milliseconds.
const SLACK: u64 = 50;

/// Whether the time that a node gives was over when the request ended; true where either is not known.
pub(super) fn was_over(request: &Request<'_, '_, '_>, node: Node<'_>) -> bool {
    both(request, node).is_none_or(|(time, ended)| time <= ended.saturating_add(SLACK))
}

/// Whether the request ended about when the time was over.
pub(super) fn was_just_over(request: &Request<'_, '_, '_>, node: Node<'_>) -> bool {
    both(request, node).is_some_and(|(time, ended)| ended <= time.saturating_add(time / 2).saturating_add(SLACK))
}

fn both(request: &Request<'_, '_, '_>, node: Node<'_>) -> Option<(u64, u64)> {
    node.text().and_then(milliseconds).zip(request.facts.duration_ms)
}

/// `1h`, `1m`, `1s`, `1ms` and sums of them, as Go writes durations; with fractions.
fn milliseconds(text: &str) -> Option<u64> {
    const UNITS: [(&str, f64); 4] = [("ms", 1.0), ("s", 1_000.0), ("m", 60_000.0), ("h", 3_600_000.0)];
    let (mut rest, mut sum) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, after) = rest.split_at_checked(digits)?;
        let (unit, factor) = UNITS.iter().find(|(unit, _)| after.starts_with(unit))?;
        sum += number.parse::<f64>().ok()? * factor;
        rest = after.strip_prefix(unit)?;
    }
    Some(std::time::Duration::try_from_secs_f64(sum / 1000.0).ok()?.as_millis().try_into().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn durations_as_go_writes_them() {
        let read = ["500ms", "1s", "1.5s", "1m30s", "2h"].map(milliseconds);
        assert_eq!(read, [Some(500), Some(1000), Some(1500), Some(90_000), Some(7_200_000)]);
        assert_eq!(["5", "s", "1 s", "-1s"].map(milliseconds), [None; 4]);
    }
}
