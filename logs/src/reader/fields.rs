//! Fields of one request that somebody copied one below the other.

use super::ahead::Ahead;
use super::block::Block;
use super::{Beginning, BlockKind};
use crate::choose::read;
use crate::evidence;
use crate::peel::begins_line;

/// Longest line that counts as a field.
const MAX_FIELD: usize = 300;

/// Joins short lines that each hold a named value.
pub(super) fn join(beginning: &Beginning<'_>, ahead: &mut Ahead<'_>, block: &mut Block) -> Option<BlockKind> {
    let &Beginning { text, alone, formats, .. } = beginning;
    // What names nothing that is known begins nothing.
    if !is_field(text) || !evidence::is_marked(text) {
        return None;
    }
    for index in 0..super::MAX_JOINED {
        let Some(line) = ahead.peek(index) else { break };
        if begins_line(line.trim_end()) || !is_field(line) || !block.push("\n", line) {
            break;
        }
    }
    if block.joined() == 0 {
        return None;
    }
    let together = evidence::fragment(block.text()).filter(|facts| facts.shows_failure())?;
    let later = block.text().lines().skip(1).map(|line| read(line, formats).worth());
    let most = later.chain([alone.worth()]).max().unwrap_or_default();
    (together.count() > most.facts).then_some(BlockKind::Fragment)
}

/// `name=value`, `name: value`, `"name":"value"`, or an end of such.
fn is_field(line: &str) -> bool {
    let line = line.trim().trim_start_matches(['-', '*', '>', '{', '"', '\'', '`', ' ', ',', '%']);
    let end = line.find(|letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '_' | '-' | '.'));
    let Some((name, rest)) = end.and_then(|end| line.split_at_checked(end)) else { return false };
    let rest = rest.trim_start_matches(['"', '\'', '`', '*', '%', ' ']);
    line.len() <= MAX_FIELD && !name.is_empty() && rest.starts_with([':', '='])
}
