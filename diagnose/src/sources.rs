//! Which source a line is of.

/// The sources of lines that are numbered through.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// Each source, and how many lines stand before it.
    starts: Vec<(u64, u32)>,
}

impl Sources {
    /// One source.
    pub(crate) fn one(source: u32) -> Self {
        Self { starts: vec![(0, source)] }
    }

    /// Adds the sources of lines behind `lines` others; the first of them may go on with the last of these.
    pub(crate) fn append(&mut self, other: Self, lines: u64) {
        for (before, source) in other.starts {
            if self.starts.last().is_none_or(|(_, last)| *last != source) {
                self.starts.push((before + lines, source));
            }
        }
    }

    /// The source of a line, and its number there; both from the number over all sources, from 1.
    pub(crate) fn place(&self, line: u64) -> (u32, u64) {
        let behind = self.starts.partition_point(|(before, _)| *before < line);
        let start = behind.checked_sub(1).and_then(|at| self.starts.get(at));
        start.map_or((0, line), |(before, source)| (*source, line - before))
    }
}
