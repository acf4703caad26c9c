//! Lines that were read before it was their turn.

use std::collections::VecDeque;
use std::io::{self, BufRead};

use crate::lines::Lines;

/// What looking at a line costs beside its bytes, in bytes.
const COST_OF_A_LINE: u64 = 64;

/// A physical line.
#[derive(Debug, Default)]
pub(super) struct Physical {
    pub(super) number: u64,
    pub(super) bytes: Vec<u8>,
}

/// A stream with a look ahead.
#[derive(Debug)]
pub(super) struct Ahead<R> {
    lines: Lines<R>,
    queue: VecDeque<Physical>,
    spare: Vec<Vec<u8>>,
    number: u64,
    read: u64,
    looked_at: u64,
}

impl<R: BufRead> Ahead<R> {
    pub(super) const fn new(lines: Lines<R>) -> Self {
        Self { lines, queue: VecDeque::new(), spare: Vec::new(), number: 0, read: 0, looked_at: 0 }
    }

    /// Puts the next line in place of `line`; whether there was one.
    pub(super) fn next(&mut self, line: &mut Physical) -> io::Result<bool> {
        match self.queue.pop_front() {
            Some(next) => {
                let used = std::mem::replace(line, next).bytes;
                if self.spare.len() < 4 {
                    self.spare.push(used);
                }
                Ok(true)
            }
            None => self.pull(line),
        }
    }

    fn pull(&mut self, line: &mut Physical) -> io::Result<bool> {
        if !self.lines.next_into(&mut line.bytes)? {
            return Ok(false);
        }
        self.number += 1;
        line.number = self.number;
        self.read += line.bytes.len() as u64 + 1;
        Ok(true)
    }

    /// The line that many lines behind the current one; `None` at the end, or where it is no UTF-8.
    pub(super) fn peek(&mut self, index: usize) -> io::Result<Option<&str>> {
        while self.queue.len() <= index {
            let mut line = Physical { number: 0, bytes: self.spare.pop().unwrap_or_default() };
            if !self.pull(&mut line)? {
                return Ok(None);
            }
            self.queue.push_back(line);
        }
        let Some(line) = self.queue.get(index) else { return Ok(None) };
        self.looked_at += line.bytes.len() as u64 + COST_OF_A_LINE;
        Ok(std::str::from_utf8(&line.bytes).ok())
    }

    /// Takes a line out of the look ahead.
    pub(super) fn take(&mut self) -> Option<Physical> {
        self.queue.pop_front()
    }

    /// What looking ahead has cost so far.
    pub(super) const fn cost(&self) -> u64 {
        self.looked_at
    }

    /// Goes back to an earlier cost: what was joined was not looked at in vain.
    pub(super) const fn forgive(&mut self, cost: u64) {
        self.looked_at = cost;
    }

    /// Whether lines may be looked at in vain again: small inputs always, long ones a bounded number of times on the average.
    pub(super) const fn affords_a_join(&self) -> bool {
        const FREE: u64 = 1 << 18;
        self.looked_at <= 2 * self.read + FREE
    }
}
