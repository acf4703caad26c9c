//! Splits a stream into lines without ever holding more than one of bounded length.

use std::io::{self, BufRead};

use encoding_rs::{Decoder, Encoding, UTF_8};

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
    begun: bool,
    wide: Option<Wide>,
}

/// UTF-16, which PowerShell writes, as it becomes UTF-8.
#[derive(Debug)]
struct Wide {
    decoder: Decoder,
    text: String,
    used: usize,
}

impl<R: BufRead> Lines<R> {
    /// Takes the reader; nothing is read yet.
    pub const fn new(reader: R) -> Self {
        Self { reader, buffer: Vec::new(), begun: false, wide: None }
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

    /// The bytes that come next, in UTF-8; none at the end.
    fn fill(&mut self) -> io::Result<&[u8]> {
        if !self.begun {
            let mark = Encoding::for_bom(self.reader.fill_buf()?).filter(|(encoding, _)| *encoding != UTF_8);
            self.wide = mark.map(|(encoding, _)| Wide { decoder: encoding.new_decoder(), text: String::new(), used: 0 });
            self.begun = true;
        }
        let Some(wide) = &mut self.wide else { return self.reader.fill_buf() };
        while wide.used >= wide.text.len() {
            let chunk = self.reader.fill_buf()?;
            wide.text.clear();
            wide.used = 0;
            if chunk.is_empty() {
                break;
            }
            wide.text.reserve(wide.decoder.max_utf8_buffer_length(chunk.len()).unwrap_or_default());
            let (_, read, _) = wide.decoder.decode_to_string(chunk, &mut wide.text, false);
            self.reader.consume(read);
        }
        Ok(wide.text.as_bytes().get(wide.used..).unwrap_or_default())
    }

    /// Puts the next line in place of what the buffer holds; whether there was one.
    pub(crate) fn next_into(&mut self, buffer: &mut Vec<u8>) -> io::Result<bool> {
        buffer.clear();
        let mut any = false;
        loop {
            let chunk = match self.fill() {
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
            match &mut self.wide {
                Some(wide) => wide.used += used,
                None => self.reader.consume(used),
            }
            if end.is_some() {
                if buffer.ends_with(b"\r") {
                    buffer.pop();
                }
                return Ok(true);
            }
        }
    }
}
