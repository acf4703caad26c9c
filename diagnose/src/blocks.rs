//! A stream in pieces that end with a line.

use std::io::{self, Read};

use meshwhy_logs::{LOOK_AHEAD, MAX_LINE};

/// The pieces of a stream.
pub(crate) struct Blocks<R> {
    reader: R,
    /// What was read behind the last line end.
    rest: Vec<u8>,
    spare: Vec<Vec<u8>>,
    size: usize,
    is_at_end: bool,
    failed: Option<io::Error>,
}

impl<R: Read> Blocks<R> {
    /// Pieces of about so many bytes.
    pub(crate) const fn new(reader: R, size: usize) -> Self {
        Self { reader, rest: Vec::new(), spare: Vec::new(), size, is_at_end: false, failed: None }
    }

    /// Adds pieces until so many of them have all behind them that their last items may go on in. Gives how many have; all at the end of
    /// the stream, and where it fails.
    pub(crate) fn fill(&mut self, blocks: &mut Vec<Vec<u8>>, wanted: usize) -> usize {
        let mut behind: usize = blocks.iter().skip(wanted).map(Vec::len).sum();
        while !self.is_at_end && behind < LOOK_AHEAD {
            let block = self.next();
            behind += if blocks.len() < wanted { 0 } else { block.len() };
            blocks.extend(Some(block).filter(|block| !block.is_empty()));
        }
        if self.is_at_end { blocks.len() } else { wanted }
    }

    /// At most so many more pieces.
    pub(crate) fn read_ahead(&mut self, most: usize) -> Vec<Vec<u8>> {
        let mut blocks = Vec::new();
        while !self.is_at_end && blocks.len() < most {
            blocks.extend(Some(self.next()).filter(|block| !block.is_empty()));
        }
        blocks
    }

    /// What ended the stream before its end.
    pub(crate) fn failure(&mut self) -> io::Result<()> {
        self.failed.take().map_or(Ok(()), Err)
    }

    /// Gives pieces back, whose memory is used again.
    pub(crate) fn reuse(&mut self, blocks: impl Iterator<Item = Vec<u8>>) {
        self.spare.extend(blocks);
    }

    /// Memory that is used again keeps what it holds: zeroing it would cost as much as reading into it.
    fn next(&mut self) -> Vec<u8> {
        let mut block = self.spare.pop().unwrap_or_default();
        let mut filled = self.rest.len();
        block.resize(filled + self.size, 0);
        if let Some(begin) = block.get_mut(..filled) {
            begin.copy_from_slice(&self.rest);
        }
        self.rest.clear();
        loop {
            while let Some(space) = block.get_mut(filled..).filter(|space| !space.is_empty() && !self.is_at_end) {
                match self.reader.read(space) {
                    Ok(0) => self.is_at_end = true,
                    Ok(read) => filled += read,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => (self.is_at_end, self.failed) = (true, Some(error)),
                }
            }
            let read = block.get(..filled).unwrap_or_default();
            if self.is_at_end {
                block.truncate(filled);
                return block;
            }
            if let Some(end) = memchr::memrchr(b'\n', read) {
                self.rest.extend_from_slice(read.get(end + 1..).unwrap_or_default());
                block.truncate(end + 1);
                return block;
            }
            // Nobody reads so long a line: that it is one is all that is kept.
            filled = filled.min(MAX_LINE + 1);
            block.resize(filled + self.size, 0);
        }
    }
}
