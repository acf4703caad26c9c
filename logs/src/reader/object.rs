//! Texts that go on in the next line because a runtime cut them, or because an object is not closed yet.

use super::ahead::Ahead;
use super::block::Block;
use super::frame::Frame;
use super::{Beginning, BlockKind};
use crate::choose::read;
use crate::peel::begins_line;

/// Joins what CRI and Docker cut, and objects that are printed or wrapped over several lines.
pub(super) fn join(beginning: &Beginning<'_>, ahead: &mut Ahead<'_>, block: &mut Block) -> Option<BlockKind> {
    let Beginning { text, frame: first, alone, formats } = beginning;
    let inner = first.inner.text.trim();
    if !first.inner.partial && !inner.starts_with('{') {
        return None;
    }
    let mut nesting = Nesting::default();
    nesting.follow(inner);
    let is_object = inner.starts_with('{') && nesting.is_open();
    if !first.inner.partial && !is_object {
        return None;
    }
    // Where the carrier's words are the same on every line they come off by comparison, whatever stands behind them.
    let words = text.find(inner).and_then(|at| text.get(..at)).unwrap_or_default();
    block.restart(if first.inner.partial { first.inner.text.trim_end_matches(['\r', '\n']) } else { inner });
    block.written_by(first.inner.origin.clone());
    let mut goes_on = first.inner.partial;
    for index in 0..super::MAX_JOINED {
        let Some(line) = ahead.peek(index) else { break };
        let next = Frame::of_next(line, words, first.carried);
        let text = next.inner.text.trim_end_matches(['\r', '\n']);
        let begins_anew = if goes_on { !next.carried } else { begins_line(text.trim_end()) };
        if begins_anew || (!goes_on && text.trim().is_empty()) {
            break;
        }
        // A string that was cut goes on at once; an editor's indent is none of it.
        let (separator, text) = match (goes_on, nesting.in_string) {
            (true, _) => ("", text),
            (false, true) => ("", text.trim_start()),
            (false, false) => ("\n", text),
        };
        if !block.push(separator, text) {
            break;
        }
        nesting.follow(text);
        goes_on = next.inner.partial;
        if !goes_on && (!is_object || !nesting.is_open()) {
            return (read(block.text(), formats).worth() > alone.worth()).then_some(BlockKind::Log);
        }
    }
    None
}

/// How many brackets are open.
#[derive(Debug, Default)]
struct Nesting {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Nesting {
    fn follow(&mut self, text: &str) {
        for byte in text.bytes() {
            if self.in_string {
                self.in_string = byte != b'"' || self.escaped;
                self.escaped = byte == b'\\' && !self.escaped;
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    const fn is_open(&self) -> bool {
        self.depth > 0 || self.in_string
    }
}
