//! The time that the lines are of.

use jiff::Timestamp;

use crate::window;

/// A time as Envoy prints it, whose letters order like the times.
type Printed = [u8; "2026-11-21T06:36:37.876Z".len()];

/// The first and the last time at which a request began.
#[derive(Debug, Clone, Default)]
pub(crate) struct Observed {
    printed: Option<(Printed, Printed)>,
    read: Option<(Timestamp, Timestamp)>,
}

impl Observed {
    /// Adds a time as a line gives it. In Envoy's own spelling it costs a comparison.
    pub(crate) fn add_printed(&mut self, text: &str) {
        match <Printed>::try_from(text.as_bytes()) {
            Ok(printed) if text.ends_with('Z') => self.printed = widened(self.printed, (printed, printed)),
            _ => self.add(window::read(text)),
        }
    }

    /// Adds a time.
    pub(crate) fn add(&mut self, time: Option<Timestamp>) {
        if let Some(time) = time {
            self.read = widened(self.read, (time, time));
        }
    }

    /// Adds those of other lines.
    pub(crate) fn append(&mut self, other: Self) {
        self.printed = other.printed.map_or(self.printed, |printed| widened(self.printed, printed));
        self.read = other.read.map_or(self.read, |read| widened(self.read, read));
    }

    /// The first and the last.
    pub(crate) fn range(&self) -> Option<(Timestamp, Timestamp)> {
        let time = |printed: Printed| std::str::from_utf8(&printed).ok().and_then(window::read);
        let printed = self.printed.and_then(|(first, last)| Some((time(first)?, time(last)?)));
        printed.map_or(self.read, |printed| widened(self.read, printed))
    }
}

fn widened<T: Ord + Copy>(known: Option<(T, T)>, (first, last): (T, T)) -> Option<(T, T)> {
    Some(known.map_or((first, last), |known| (known.0.min(first), known.1.max(last))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_counts() {
        let mut observed = Observed::default();
        for text in ["2026-11-21T06:36:37.876Z", "2026-11-21T06:36:38.000Z", "2026-11-21T08:36:37+03:00", "soon"] {
            observed.add_printed(text);
        }
        let range = observed.range().map(|(first, last)| (first.to_string(), last.to_string()));
        assert_eq!(range, Some(("2026-11-21T05:36:37Z".to_owned(), "2026-11-21T06:36:38Z".to_owned())));
    }
}
