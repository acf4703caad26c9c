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
    /// The bytes of all lines up to it.
    end: usize,
    pub(super) bytes: &'t [u8],
}

/// The lines of a text, with a look ahead.
#[derive(Debug)]
pub(super) struct Ahead<'t> {
    lines: Lines<'t>,
    queue: VecDeque<Physical<'t>>,
    number: u64,
    /// The bytes of all lines that were read, and of those up to the current one.
    read: usize,
    current: usize,
}

impl<'t> Ahead<'t> {
    pub(super) const fn new(lines: Lines<'t>) -> Self {
        Self { lines, queue: VecDeque::new(), number: 0, read: 0, current: 0 }
    }

    /// The next line.
    pub(super) fn next(&mut self) -> Option<Physical<'t>> {
        let next = self.queue.pop_front().or_else(|| self.pull())?;
        self.current = next.end;
        Some(next)
    }

    fn pull(&mut self) -> Option<Physical<'t>> {
        let bytes = self.lines.next()?;
        self.number += 1;
        self.read += bytes.len() + 1;
        Some(Physical { number: self.number, end: self.read, bytes })
    }

    /// The line that many lines behind the current one; `None` at the end, where that is too far, or where it is no UTF-8.
    pub(super) fn peek(&mut self, index: usize) -> Option<&'t str> {
        while self.queue.len() <= index {
            let line = self.pull()?;
            self.queue.push_back(line);
        }
        let line = self.queue.get(index).filter(|line| line.end - self.current <= LOOK_AHEAD)?;
        std::str::from_utf8(line.bytes).ok()
    }

    /// Takes a line out of the look ahead.
    pub(super) fn take(&mut self) -> Option<Physical<'t>> {
        self.queue.pop_front()
    }
}
