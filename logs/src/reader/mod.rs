//! Items out of a text: physical lines, joined where several of them are one text.
//!
//! A join is kept only where it says more than its first line alone; otherwise every physical line stands alone. What an item is depends
//! on its own lines and on those behind them, never on what stood before: so a text can be cut into pieces that are read side by side.

mod ahead;
mod block;
mod fields;
mod frame;
mod object;
mod table;
mod transcript;
mod wrapped;
mod yaml;

use ahead::Ahead;
pub use ahead::LOOK_AHEAD;
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
    /// Number of the first physical line within the text, from 1.
    pub first: u64,
    /// Number of the last physical line.
    pub last: u64,
    /// The physical lines as they stand, at most a little more than [`MAX_LINE`] bytes of them.
    pub bytes: &'a [u8],
    /// What they say.
    pub line: LineReading<'a>,
}

/// Reads the items of a text.
///
/// # Cost
/// A healthy access-log line allocates nothing. For a line that may go on at most fifty lines are looked at, whatever stood before.
#[derive(Debug)]
pub struct Items<'t> {
    ahead: Ahead<'t>,
    formats: &'t Formats,
    block: Block,
    /// The last line of the last item.
    last: u64,
}

impl<'t> Items<'t> {
    /// Takes a piece of a text, what stands behind it, and the formats that the user gave. A piece ends with a line; its last item may go
    /// on in what stands behind it, of which [`LOOK_AHEAD`] bytes are enough.
    #[must_use]
    pub fn over(piece: &'t [u8], beyond: &'t [Vec<u8>], formats: &'t Formats) -> Self {
        let ahead = Ahead::new(Lines::new(piece, beyond), piece.len());
        Self { ahead, formats, block: Block::default(), last: 0 }
    }

    /// The next item that begins in the piece.
    pub fn next_item(&mut self) -> Option<Item<'_>> {
        let Self { ahead, formats, block, last } = self;
        let current = ahead.next()?;
        *last = current.number;
        let line = parse_line(current.bytes, formats);
        let alone = Item { first: current.number, last: current.number, bytes: current.bytes, line };
        let Some(text) = doubtful(&alone) else { return Some(alone) };
        block.start(&current);
        let beginning = Beginning { text, frame: Frame::of(text), alone: &alone.line, formats };
        let joins: [Join; 6] = [object::join, transcript::join, wrapped::join, yaml::join, fields::join, table::join];
        for join in joins {
            block.restart(text);
            if let Some(kind) = join(&beginning, ahead, block) {
                block.take_raw(ahead);
                let line = block.read(kind, formats);
                *last = block.last();
                return Some(Item { first: alone.first, last: block.last(), bytes: block.raw(), line });
            }
        }
        Some(alone)
    }

    /// How far the items go, once there is no next one.
    #[must_use]
    pub fn extent(&self) -> Extent {
        let lines = self.ahead.own();
        Extent { lines, overrun: self.last.saturating_sub(lines) }
    }
}

/// How many lines a piece has, and how many behind it belong to its last item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The lines of the piece.
    pub lines: u64,
    /// Lines behind it.
    pub overrun: u64,
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
type Join = fn(&Beginning<'_>, &mut Ahead<'_>, &mut Block) -> Option<BlockKind>;

/// How a block is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BlockKind {
    /// As a line.
    Log,
    /// As a response with its headers.
    Response,
    /// As pieces of one line.
    Fragment,
    /// As a table of requests.
    Table,
    /// As tables of pods and jobs.
    Pods,
    /// As what a load test reports.
    Report,
    /// As the debug lines of a connection.
    Connection,
}

/// The text of a line that may be a part of something; `None` for lines that are whole.
fn doubtful<'a>(item: &Item<'a>) -> Option<&'a str> {
    const MAX_PIECE: usize = 300;
    let certain = match item.line.content {
        LineContent::Healthy(_) | LineContent::Blank | LineContent::Record(..) => true,
        _ => item.line.is_whole() && item.bytes.len() > MAX_PIECE,
    };
    if certain || item.bytes.len() > MAX_LINE { None } else { std::str::from_utf8(item.bytes).ok() }
}
