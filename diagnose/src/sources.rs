//! Which source a line is of.

/// The sources of lines that are numbered through.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    runs: Vec<Run>,
}

/// Lines of one source that follow each other.
#[derive(Debug, Clone, Copy)]
struct Run {
    source: u32,
    /// How many lines stand before them.
    before: u64,
    /// How many of these are of the same source.
    of_source: u64,
}

impl Sources {
    /// One source.
    pub(crate) fn one(source: u32) -> Self {
        Self { runs: vec![Run { source, before: 0, of_source: 0 }] }
    }

    /// Adds the sources of lines behind `lines` others; a source may go on.
    pub(crate) fn append(&mut self, other: Self, lines: u64) {
        for run in other.runs {
            let before = run.before + lines;
            if self.runs.last().is_none_or(|last| last.source != run.source) {
                let of_source = self.lines_of(run.source, before);
                self.runs.push(Run { before, of_source, ..run });
            }
        }
    }

    /// How many of so many lines are of a source.
    fn lines_of(&self, source: u32, lines: u64) -> u64 {
        let ends = self.runs.iter().skip(1).map(|run| run.before).chain([lines]);
        let last = self.runs.iter().zip(ends).filter(|(run, _)| run.source == source).last();
        last.map_or(0, |(run, end)| run.of_source + (end - run.before))
    }

    /// The source of a line, and its number there; both from the number over all sources, from 1.
    pub(crate) fn place(&self, line: u64) -> (u32, u64) {
        let behind = self.runs.partition_point(|run| run.before < line);
        let run = behind.checked_sub(1).and_then(|at| self.runs.get(at));
        run.map_or((0, line), |run| (run.source, line - run.before + run.of_source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_goes_on_behind_others() {
        let mut sources = Sources::default();
        // Ten lines each of the sources 0, 1, 1, 0.
        for (at, source) in [0, 1, 1, 0].into_iter().enumerate() {
            sources.append(Sources::one(source), at as u64 * 10);
        }
        let places = [1, 10, 11, 21, 30, 31, 40].map(|line| sources.place(line));
        assert_eq!(places, [(0, 1), (0, 10), (1, 1), (1, 11), (1, 20), (0, 11), (0, 20)]);
    }
}
