//! The lines of a text.

/// Longest line that is read, in bytes.
pub const MAX_LINE: usize = 64 * 1024;

/// Lines without their ends, the last one with or without.
///
/// A line longer than [`MAX_LINE`] comes cut to one byte more than that, so that [`crate::parse_line`] refuses it.
#[derive(Debug, Clone)]
pub(crate) struct Lines<'t> {
    rest: &'t [u8],
    beyond: std::slice::Iter<'t, Vec<u8>>,
    /// The bytes of the lines so far, with their ends.
    read: usize,
}

impl<'t> Lines<'t> {
    /// Those of a piece of a text, then those of the pieces behind it. Each but the last ends with a line.
    pub(crate) fn new(piece: &'t [u8], beyond: &'t [Vec<u8>]) -> Self {
        Self { rest: piece, beyond: beyond.iter(), read: 0 }
    }

    /// Where the next line begins, in bytes.
    pub(crate) const fn read(&self) -> usize {
        self.read
    }
}

impl<'t> Iterator for Lines<'t> {
    type Item = &'t [u8];

    fn next(&mut self) -> Option<&'t [u8]> {
        while self.rest.is_empty() {
            self.rest = self.beyond.next()?;
        }
        let end = memchr::memchr(b'\n', self.rest);
        let (line, rest) = self.rest.split_at_checked(end.unwrap_or(self.rest.len()))?;
        self.read += line.len() + 1;
        self.rest = rest.get(1..).unwrap_or_default();
        let line = line.strip_suffix(b"\r").filter(|_| end.is_some()).unwrap_or(line);
        Some(line.get(..=MAX_LINE).unwrap_or(line))
    }
}
