//! Splits a stream into lines without ever holding more than one of bounded length.

use std::io::{self, BufRead};

/// Longest line that is read, in bytes.
pub const MAX_LINE: usize = 64 * 1024;

/// Lines of a reader.
///
/// A line longer than [`MAX_LINE`] comes cut to one byte more than that, so that [`crate::parse_line`] refuses it; the rest
/// of it is skipped.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// Takes the reader; nothing is read yet.
    pub const fn new(reader: R) -> Self {
        Self { reader, buffer: Vec::new() }
    }

    /// The next line without its line end; `None` at the end of the stream.
    ///
    /// # Errors
    /// What the reader reports; interrupted reads are repeated.
    pub fn next_line(&mut self) -> io::Result<Option<&[u8]>> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let any = self.next_into(&mut buffer);
        self.buffer = buffer;
        Ok(any?.then_some(self.buffer.as_slice()))
    }

    /// Puts the next line in place of what the buffer holds; whether there was one.
    pub(crate) fn next_into(&mut self, buffer: &mut Vec<u8>) -> io::Result<bool> {
        buffer.clear();
        let mut any = false;
        loop {
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if chunk.is_empty() {
                return Ok(any);
            }
            any = true;
            let end = memchr::memchr(b'\n', chunk);
            let (part, used) =
                end.map_or((chunk, chunk.len()), |end| (chunk.get(..end).unwrap_or_default(), end.saturating_add(1)));
            let room = (MAX_LINE + 1).saturating_sub(buffer.len());
            buffer.extend_from_slice(part.get(..room).unwrap_or(part));
            self.reader.consume(used);
            if end.is_some() {
                if buffer.ends_with(b"\r") {
                    buffer.pop();
                }
                return Ok(true);
            }
        }
    }
}
