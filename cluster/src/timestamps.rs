//! The times that the kubelet puts before each line (`timestamps=true`). They come off again; they are there so that a stream that broke
//! goes on where it was, without a line lost or read twice.
//!
//! Source: Kubernetes `pkg/kubelet/kuberuntime/logs/logs.go`, 1.34: RFC 3339 with nanoseconds, one space, the line.

use jiff::Timestamp;

/// Longest time with its space, in bytes.
const LONGEST: usize = "2026-11-27T10:00:00.123456789+00:00 ".len();

/// Where in a container's log a stream is.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogPosition {
    /// The time of the last line.
    last: Option<Timestamp>,
    /// How many lines had this time.
    of_last: u64,
    /// How many lines of this time the stream that goes on has to pass over.
    to_skip: u64,
}

impl LogPosition {
    /// From when on a stream that goes on is asked for: the second of the last line, since the API server knows no less.
    pub(crate) fn resume(&mut self) -> Option<Timestamp> {
        self.to_skip = self.of_last;
        self.last
    }

    /// The line without its time; `None` where it was read before. A line without a time stays as it is.
    pub(crate) fn take<'l>(&mut self, line: &'l [u8]) -> Option<&'l [u8]> {
        let Some((time, rest)) = split(line) else { return Some(line) };
        match self.last {
            Some(last) if time < last && self.to_skip > 0 => None,
            Some(last) if time == last && self.to_skip > 0 => {
                self.to_skip -= 1;
                None
            }
            Some(last) if time == last => {
                self.of_last += 1;
                Some(rest)
            }
            _ => {
                (self.last, self.of_last, self.to_skip) = (Some(time), 1, 0);
                Some(rest)
            }
        }
    }
}

fn split(line: &[u8]) -> Option<(Timestamp, &[u8])> {
    let begin = line.get(..line.len().min(LONGEST))?;
    let end = memchr::memchr(b' ', begin)?;
    let time = std::str::from_utf8(line.get(..end)?).ok()?.parse().ok()?;
    Some((time, line.get(end + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(position: &mut LogPosition, lines: &[&str]) -> Vec<String> {
        lines.iter().filter_map(|line| Some(String::from_utf8_lossy(position.take(line.as_bytes())?).into_owned())).collect()
    }

    #[test]
    fn a_stream_goes_on_behind_the_last_line() {
        let mut position = LogPosition::default();
        let before = ["2026-11-27T10:00:00.1Z a", "2026-11-27T10:00:00.5Z b", "2026-11-27T10:00:00.5Z b"];
        assert_eq!(taken(&mut position, &before), ["a", "b", "b"]);
        assert_eq!(position.resume(), Some("2026-11-27T10:00:00.5Z".parse().unwrap()));
        // The kubelet begins at the full second: what was read comes again.
        let again = [&before[..], &["2026-11-27T10:00:00.5Z b", "2026-11-27T10:00:01Z c"]].concat();
        assert_eq!(taken(&mut position, &again), ["b", "c"]);
    }

    #[test]
    fn a_clock_that_was_set_back_costs_no_line() {
        let mut position = LogPosition::default();
        let lines = ["2026-11-27T10:00:05Z a", "2026-11-27T10:00:01Z b", "2026-11-27T10:00:02Z c"];
        assert_eq!(taken(&mut position, &lines), ["a", "b", "c"]);
    }

    #[test]
    fn what_has_no_time_stays() {
        let mut position = LogPosition::default();
        let lines = ["", "unable to retrieve container logs for containerd://1", "2026-11-27T10:00:05Z ", "9999999 x"];
        assert_eq!(taken(&mut position, &lines), ["", lines[1], "", "9999999 x"]);
    }
}
