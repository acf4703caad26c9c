//! From when until when failures count.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A span of time, its end excluded; open where an end is not given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Window {
    /// Its beginning.
    pub since: Option<Timestamp>,
    /// Its end.
    pub until: Option<Timestamp>,
}

impl Window {
    /// Whether everything is inside.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.since.is_none() && self.until.is_none()
    }

    /// Whether what began at this time is outside; one whose time is not known is inside.
    #[must_use]
    pub fn excludes(&self, time: Option<Timestamp>) -> bool {
        let Some(time) = time else { return false };
        self.since.is_some_and(|since| time < since) || self.until.is_some_and(|until| time >= until)
    }
}

/// Reads a time as lines give it: RFC 3339, or without an offset in UTC.
pub(crate) fn read(text: &str) -> Option<Timestamp> {
    let local = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok();
    text.parse().ok().or_else(|| local().map(|zoned| zoned.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_time_is_inside_and_the_end_is_not() {
        let time = |text: &str| Some(text.parse().unwrap());
        let window = Window { since: time("2026-11-21T06:00:00Z"), until: time("2026-11-21T07:00:00Z") };
        let excluded = |text| window.excludes(read(text));
        assert!(
            !excluded("2026-11-21T06:00:00.000Z") && !excluded("2026-11-21T07:30:00+01:00") && !excluded("2026-11-21 06:59:59")
        );
        assert!(
            excluded("2026-11-21T05:59:59.999Z") && excluded("2026-11-21T07:00:00Z") && excluded("2026-11-21T06:30:00+02:00")
        );
        assert!(!excluded("yesterday") && !window.excludes(None));
        assert!(!Window::default().excludes(read("2026-11-21T07:00:00Z")));
    }
}
