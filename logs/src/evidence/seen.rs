//! How often something was seen, and over how long: whoever keeps events of a cluster or a system's log counts what repeats.

use serde_json::{Map, Value};

/// How often a line says that it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    /// How often.
    pub count: u64,
    /// Between the first time and the last, in seconds, where the source says so.
    pub seconds: Option<u64>,
}

impl Seen {
    /// Whether it goes on: often, and for longer than anything takes to start; or so often that the time does not matter.
    pub(super) fn goes_on(self) -> bool {
        const OFTEN: u64 = 10;
        const START: u64 = 600;
        const VERY_OFTEN: u64 = 100;
        self.count >= VERY_OFTEN || (self.count >= OFTEN && self.seconds.is_some_and(|seconds| seconds >= START))
    }

    /// Finds it in a row of `kubectl get events`, `kubectl events` or `kubectl describe`, or in the system's log.
    pub(super) fn in_text(text: &str) -> Option<Self> {
        over(text).or_else(|| columns(text)).or_else(|| syslog(text))
    }

    /// Finds it in an event as the API server has it, of either version.
    pub(super) fn in_event(event: &Map<String, Value>) -> Option<Self> {
        let is_event = event.get("kind").and_then(Value::as_str) == Some("Event")
            || ["involvedObject", "regarding"].iter().any(|key| event.contains_key(*key));
        let series = event.get("series").and_then(Value::as_object);
        let number = |object: &Map<String, Value>, key: &str| object.get(key).and_then(Value::as_u64);
        let counts =
            [series.and_then(|series| number(series, "count")), number(event, "count"), number(event, "deprecatedCount")];
        let count = counts.into_iter().flatten().max().filter(|_| is_event)?;
        let time = |object: &Map<String, Value>, key: &str| object.get(key).and_then(Value::as_str).and_then(seconds);
        let any = |keys: &[&str]| keys.iter().find_map(|key| time(event, key));
        let last = series
            .and_then(|series| time(series, "lastObservedTime"))
            .or_else(|| any(&["lastTimestamp", "deprecatedLastTimestamp"]));
        let first = any(&["firstTimestamp", "deprecatedFirstTimestamp", "eventTime"]);
        Some(Self { count, seconds: last.zip(first).and_then(|(last, first)| last.checked_sub(first)) })
    }
}

/// `2m (x13 over 4d1h)`.
fn over(text: &str) -> Option<Seen> {
    const OVER: &str = " over ";
    memchr::memmem::find_iter(text.as_bytes(), OVER).find_map(|at| {
        let count = text.get(..at)?.split_whitespace().next_back()?.trim_start_matches('(').strip_prefix(['x', 'X'])?;
        let age = text.get(at.checked_add(OVER.len())?..)?.split([')', ' ', '\t', ',']).next()?;
        Some(Seen { count: count.parse().ok()?, seconds: Some(duration(age)?) })
    })
}

/// The columns of a table: `LASTSEEN FIRSTSEEN COUNT NAME …` of kubectl before 1.15, `… FIRSTSEEN COUNT NAME` with `-o wide`.
fn columns(text: &str) -> Option<Seen> {
    let mut words = text.split_whitespace();
    duration(words.next()?)?;
    let old = words.next().and_then(duration).zip(words.next().and_then(|count| count.parse().ok()));
    let mut last = text.split_whitespace().rev();
    let is_name = |name: &str| {
        name.rsplit_once('.').is_some_and(|(_, id)| id.len() >= 8 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    let wide = || {
        last.next().filter(|name| is_name(name))?;
        let count = last.next()?.parse().ok()?;
        Some((duration(last.next()?)?, count))
    };
    let (age, count) = old.or_else(wide)?;
    Some(Seen { count, seconds: Some(age) })
}

/// rsyslog's `message repeated 13 times: [ … ]`.
fn syslog(text: &str) -> Option<Seen> {
    let (_, rest) = text.split_once("message repeated ")?;
    let (count, _) = rest.split_once(" times")?;
    Some(Seen { count: count.parse().ok()?, seconds: None })
}

/// Kubernetes' short durations: `13s`, `2m17s`, `4d1h`.
fn duration(text: &str) -> Option<u64> {
    const UNITS: [(char, u64); 5] = [('y', 365 * 86_400), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];
    let mut rest = text;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let at = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let unit = rest.get(at..)?.chars().next()?;
        let (_, seconds) = UNITS.iter().find(|(letter, _)| *letter == unit)?;
        let number: u64 = rest.get(..at)?.parse().ok()?;
        total = total.checked_add(number.checked_mul(*seconds)?)?;
        rest = rest.get(at.checked_add(1)?..)?;
    }
    (!text.is_empty()).then_some(total)
}

/// Seconds of `2026-11-21T10:00:00Z` since some day; for differences.
fn seconds(time: &str) -> Option<u64> {
    let number = |from: usize, to: usize| time.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    // Years begin in March, so that the day that leaps is the last.
    let (year, month) = if month > 2 { (year, month.checked_sub(3)?) } else { (year.checked_sub(1)?, month.checked_add(9)?) };
    let days = year
        .checked_mul(365)?
        .checked_add(year / 4)?
        .checked_sub(year / 100)?
        .checked_add(year / 400)?
        .checked_add(month.checked_mul(153)?.checked_add(2)? / 5)?
        .checked_add(day)?;
    let of_day =
        number(11, 13)?.checked_mul(3_600)?.checked_add(number(14, 16)?.checked_mul(60)?)?.checked_add(number(17, 19)?)?;
    days.checked_mul(86_400)?.checked_add(of_day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(count: u64, seconds: impl Into<Option<u64>>) -> Option<Seen> {
        Some(Seen { count, seconds: seconds.into() })
    }

    #[test]
    fn every_form_of_a_count() {
        const AGE: u64 = 4 * 86_400 + 3_600;
        for (text, expected) in [
            ("2m (x13 over 4d1h)  Warning", seen(13, AGE)),
            ("Warning  Unhealthy  x13 over 4d1h  kubelet", seen(13, AGE)),
            ("2m17s  4d1h  13  web-1.17ab  Pod  Warning", seen(13, AGE)),
            ("2m  Warning  Unhealthy  pod/web-1  kubelet  failed  4d1h  13  web-1.17ab34cd56ef7890", seen(13, AGE)),
            ("Nov 21 10:00:00 node kubelet: message repeated 13 times: [ failed ]", seen(13, None)),
            ("2m  Warning  Unhealthy  pod/web-1  failed", None),
            ("2m  Warning  Unhealthy  pod/web-1  failed  10  times", None),
            ("the box over there, x over y", None),
            ("2m (x99999999999999999999 over 4d1h)", None),
            ("over 4d1h", None),
            ("", None),
        ] {
            assert_eq!(Seen::in_text(text), expected, "{text}");
        }
    }

    #[test]
    fn often_and_long_is_no_start() {
        let goes_on = |count, seconds| Seen { count, seconds }.goes_on();
        assert!(goes_on(13, Some(86_400)) && goes_on(10, Some(600)) && goes_on(100, None));
        assert!(!goes_on(9, Some(86_400)) && !goes_on(99, Some(99)) && !goes_on(99, None));
    }

    #[test]
    fn times_differ_across_months_and_years() {
        let between = |first: &str, last: &str| seconds(last).unwrap() - seconds(first).unwrap();
        assert_eq!(between("2024-02-28T23:59:59Z", "2024-03-01T00:00:00Z"), 86_401);
        assert_eq!(between("2025-12-31T00:00:00.000000Z", "2026-01-01T01:02:03Z"), 86_400 + 3_723);
        assert_eq!(seconds("yesterday"), None);
    }
}
