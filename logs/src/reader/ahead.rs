//! Lines that were looked at before it was their turn.

use std::collections::VecDeque;

use crate::lines::{Lines, MAX_LINE};

/// How far behind its first line an item may go on, in bytes.
pub const LOOK_AHEAD: usize = 4 * MAX_LINE;

/// A physical line.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Physical<'t> {
    /// Its number, from 1.
    pub(super) number: u64,
    /// Where it begins, in bytes.
    pub(super) start: usize,
    pub(super) bytes: &'t [u8],
}

/// The lines of a text, with a look ahead.
#[derive(Debug)]
pub(super) struct Ahead<'t> {
    lines: Lines<'t>,
    queue: VecDeque<Physical<'t>>,
    number: u64,
    /// Where the current line begins, in bytes.
    current: usize,
    /// Bytes of the piece that is read, and how many lines begin in it so far.
    length: usize,
    own: u64,
}

impl<'t> Ahead<'t> {
    pub(super) const fn new(lines: Lines<'t>, length: usize) -> Self {
        Self { lines, queue: VecDeque::new(), number: 0, current: 0, length, own: 0 }
    }

    /// The next line of the piece.
    pub(super) fn next(&mut self) -> Option<Physical<'t>> {
        let next = self.queue.pop_front().or_else(|| self.pull()).filter(|line| line.start < self.length)?;
        self.current = next.start;
        Some(next)
    }

    fn pull(&mut self) -> Option<Physical<'t>> {
        let start = self.lines.read();
        let bytes = self.lines.next()?;
        self.number += 1;
        if start < self.length {
            self.own = self.number;
        }
        Some(Physical { number: self.number, start, bytes })
    }

    /// The line that many lines behind the current one; `None` at the end, where that is too far, or where it is no UTF-8.
    pub(super) fn peek(&mut self, index: usize) -> Option<&'t str> {
        while self.queue.len() <= index {
            let line = self.pull()?;
            self.queue.push_back(line);
        }
        let is_near = |line: &&Physical<'_>| line.start - self.current < LOOK_AHEAD - MAX_LINE && line.bytes.len() <= MAX_LINE;
        let line = self.queue.get(index).filter(is_near)?;
        std::str::from_utf8(line.bytes).ok()
    }

    /// How many lines begin in the piece, once all are read.
    pub(super) const fn own(&self) -> u64 {
        self.own
    }

    /// Takes a line out of the look ahead.
    pub(super) fn take(&mut self) -> Option<Physical<'t>> {
        self.queue.pop_front()
    }
}
