//! Access-log lines that an editor or a terminal broke.

use super::ahead::Ahead;
use super::block::Block;
use super::frame::Frame;
use super::{Beginning, BlockKind};
use crate::choose::read;
use crate::line::Worth;
use crate::lines::MAX_LINE;
use crate::peel::{begins_line, is_request_line};

/// Most lines that one was broken into.
const MAX_PARTS: usize = 8;

/// What a join must add when it still leaves the line incomplete.
const GAIN: usize = 2;

/// Joins a line that begins as an access log does with those that go on with it.
pub(super) fn join(beginning: &Beginning<'_>, ahead: &mut Ahead<'_>, block: &mut Block) -> Option<BlockKind> {
    let Beginning { text, frame: first, alone, formats } = beginning;
    let inner = first.inner.text.trim();
    if !begins_access_log(inner) {
        return None;
    }
    let words = text.find(inner).and_then(|at| text.get(..at)).unwrap_or_default();
    let alone = alone.worth();
    let least = Worth { facts: alone.facts.saturating_add(GAIN), ..alone };
    let mut best: Option<(Worth, String, usize)> = None;
    // A terminal cuts at a column, wherever that is, an editor at a space.
    let column = first.inner.text.len();
    let mut spaced = inner.to_owned();
    let mut cut = first.inner.text.trim_start().to_owned();
    for index in 0..MAX_PARTS {
        let Some(line) = ahead.peek(index) else { break };
        let next = Frame::of_next(line, words, first.carried);
        let text = next.inner.text.trim();
        if text.is_empty() || begins_line(next.inner.text.trim_end()) || spaced.len() + next.inner.text.len() > MAX_LINE {
            break;
        }
        spaced.push('\n');
        spaced.push_str(text);
        cut.push_str(&next.inner.text);
        let (at_a_space, anywhere) = (read(&spaced, formats).worth(), read(&cut, formats).worth());
        let (worth, candidate) = if anywhere > at_a_space { (anywhere, &cut) } else { (at_a_space, &spaced) };
        // Where the line ended at the column, what is missing may be a part of its last word.
        let better = best.as_ref().map_or(worth >= least, |(best, ..)| worth > *best || best.whole && worth == *best);
        if better {
            best = Some((worth, candidate.clone(), index + 1));
        }
        if next.inner.text.len() != column && best.as_ref().is_some_and(|(best, ..)| best.whole) {
            break;
        }
    }
    let (_, text, joined) = best?;
    block.set(text, joined);
    block.written_by(first.inner.origin.clone());
    Some(BlockKind::Log)
}

/// `[time] "` or `"METHOD /`, or a start time that was left out.
fn begins_access_log(text: &str) -> bool {
    let text = text.trim_start_matches(['`', '#', ' ']);
    let behind_time = text.strip_prefix('[').and_then(|text| text.split_once("] ")).map_or(text, |(_, rest)| rest);
    behind_time.strip_prefix('"').is_some_and(is_request_line)
}
