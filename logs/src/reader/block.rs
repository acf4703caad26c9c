//! Several physical lines as one text.

use super::ahead::{Ahead, Physical};
use super::{BlockKind, MAX_JOINED};
use crate::access_log::format::Formats;
use crate::choose::read;
use crate::evidence;
use crate::line::{LineContent, LineFormat, LineReading};
use crate::lines::MAX_LINE;
use crate::origin::Origin;

/// What is being joined.
#[derive(Debug, Default)]
pub(super) struct Block {
    text: String,
    raw: Vec<u8>,
    origin: Option<Origin<'static>>,
    joined: usize,
    last: u64,
}

impl Block {
    /// Begins with the first physical line.
    pub(super) fn start(&mut self, line: &Physical<'_>) {
        self.raw.clear();
        self.raw.extend_from_slice(line.bytes);
        self.last = line.number;
    }

    /// Forgets the joined lines; the text is that of the first line again.
    pub(super) fn restart(&mut self, text: &str) {
        self.text.clear();
        self.text.push_str(text);
        self.joined = 0;
        self.origin = None;
    }

    /// Names who wrote the first line.
    pub(super) fn written_by(&mut self, origin: Option<Origin<'_>>) {
        self.origin = origin.map(Origin::into_owned);
    }

    /// Adds one more line; whether there was room for it.
    pub(super) fn push(&mut self, separator: &str, text: &str) -> bool {
        let fits = self.joined < MAX_JOINED && self.text.len() + separator.len() + text.len() <= MAX_LINE;
        if fits {
            self.text.push_str(separator);
            self.text.push_str(text);
            self.joined += 1;
        }
        fits
    }

    /// Goes back to a number of joined lines and their text.
    pub(super) fn set(&mut self, text: String, joined: usize) {
        self.text = text;
        self.joined = joined;
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// How many lines stand behind the first.
    pub(super) const fn joined(&self) -> usize {
        self.joined
    }

    /// Takes the joined lines out of the look ahead.
    pub(super) fn take_raw(&mut self, ahead: &mut Ahead<'_>) {
        for line in std::iter::from_fn(|| ahead.take()).take(self.joined) {
            self.last = line.number;
            if self.raw.len() + line.bytes.len() <= MAX_LINE {
                self.raw.push(b'\n');
                self.raw.extend_from_slice(line.bytes);
            }
        }
    }

    pub(super) fn raw(&self) -> &[u8] {
        &self.raw
    }

    pub(super) const fn last(&self) -> u64 {
        self.last
    }

    /// Reads the joined text.
    pub(super) fn read(&self, kind: BlockKind, formats: &Formats) -> LineReading<'_> {
        let facts = match kind {
            BlockKind::Log => None,
            BlockKind::Response => evidence::response(&self.text),
            BlockKind::Fragment => evidence::fragment(&self.text),
            BlockKind::Table => return self.written(LineContent::Events(evidence::table::read(&self.text).unwrap_or_default())),
            BlockKind::Pods => evidence::pods::read(&self.text),
            BlockKind::Report => evidence::line(&self.text),
            BlockKind::Connection => evidence::connection::read(&self.text),
        };
        match facts {
            Some(facts) => self.written(LineContent::Facts(facts, LineFormat::Evidence)),
            None => self.within(read(&self.text, formats)),
        }
    }

    fn written<'b>(&self, content: LineContent<'b>) -> LineReading<'b> {
        self.within(LineReading::of(content))
    }

    /// Adds who wrote the first line.
    fn within<'b>(&self, mut line: LineReading<'b>) -> LineReading<'b> {
        line.origin = line.origin.map(|own| own.within(self.origin.clone())).or_else(|| self.origin.clone());
        line.complete();
        line
    }
}
