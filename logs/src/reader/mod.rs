//! Items out of a stream: physical lines, joined where several of them are one text.
//!
//! A join is kept only where it says more than its first line alone; otherwise every physical line stands alone. Whatever
//! the input, lines are looked at a bounded number of times.

mod ahead;
mod block;
mod fields;
mod frame;
mod object;
mod transcript;
mod wrapped;
mod yaml;

use std::io::{self, BufRead};

use ahead::{Ahead, Physical};
use block::Block;
use frame::Frame;

use crate::access_log::format::Formats;
use crate::choose::parse_line;
use crate::line::{LineContent, LineReading};
use crate::lines::{Lines, MAX_LINE};

/// Most lines that are joined.
const MAX_JOINED: usize = 50;

/// A line, or several that are one text.
#[derive(Debug)]
pub struct Item<'a> {
    /// Number of the first physical line within the source, from 1.
    pub first: u64,
    /// Number of the last physical line.
    pub last: u64,
    /// The physical lines as they stand, at most a little more than [`MAX_LINE`] bytes of them.
    pub bytes: &'a [u8],
    /// What they say.
    pub line: LineReading<'a>,
}

/// Reads the items of one source.
///
/// # Cost
/// Memory for at most fifty lines read ahead, each of at most [`MAX_LINE`] bytes. A healthy access-log line allocates nothing.
#[derive(Debug)]
pub struct LogReader<R> {
    ahead: Ahead<R>,
    formats: Formats,
    current: Physical,
    block: Block,
}

impl<R: BufRead> LogReader<R> {
    /// Takes the stream, and the formats that the user gave; nothing is read yet.
    pub fn new(reader: R, formats: Formats) -> Self {
        Self { ahead: Ahead::new(Lines::new(reader)), formats, current: Physical::default(), block: Block::default() }
    }

    /// The next item; `None` at the end of the stream.
    ///
    /// # Errors
    /// What the reader reports; interrupted reads are repeated.
    pub fn next_item(&mut self) -> io::Result<Option<Item<'_>>> {
        let Self { ahead, formats, current, block } = self;
        if !ahead.next(current)? {
            return Ok(None);
        }
        let line = parse_line(&current.bytes, formats);
        let alone = Item { first: current.number, last: current.number, bytes: &current.bytes, line };
        let Some(text) = doubtful(&alone) else { return Ok(Some(alone)) };
        if !ahead.affords_a_join() {
            return Ok(Some(alone));
        }
        let cost = ahead.cost();
        block.start(current);
        let beginning = Beginning { text, frame: Frame::of(text), alone: &alone.line, formats };
        let joins: [Join<R>; 5] = [object::join, transcript::join, wrapped::join, yaml::join, fields::join];
        for join in joins {
            block.restart(text);
            if let Some(kind) = join(&beginning, ahead, block)? {
                ahead.forgive(cost);
                block.take_raw(ahead);
                let line = block.read(kind, formats);
                return Ok(Some(Item { first: alone.first, last: block.last(), bytes: block.raw(), line }));
            }
        }
        Ok(Some(alone))
    }
}

/// A first line that others may go on with.
struct Beginning<'a> {
    text: &'a str,
    /// The text without what carries it.
    frame: Frame<'a>,
    /// What the line says when it stands alone.
    alone: &'a LineReading<'a>,
    formats: &'a Formats,
}

/// Tries to join the text of the first line with those that follow; how to read the block when that is better.
type Join<R> = fn(&Beginning<'_>, &mut Ahead<R>, &mut Block) -> io::Result<Option<BlockKind>>;

/// How a block is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BlockKind {
    /// As a line.
    Log,
    /// As a response with its headers.
    Response,
    /// As pieces of one line.
    Fragment,
}

/// The text of a line that may be a part of something; `None` for lines that are whole.
fn doubtful<'a>(item: &Item<'a>) -> Option<&'a str> {
    const MAX_PIECE: usize = 300;
    let certain = match item.line.content {
        LineContent::Healthy | LineContent::Blank | LineContent::Record(..) => true,
        _ => item.line.is_whole() && item.bytes.len() > MAX_PIECE,
    };
    if certain || item.bytes.len() > MAX_LINE { None } else { std::str::from_utf8(item.bytes).ok() }
}

#[cfg(test)]
mod tests;
