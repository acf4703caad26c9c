//! Several lines that say something only together: tables, the report of a load test, the life of a connection.

use memchr::memmem;

use super::ahead::Ahead;
use super::block::Block;
use super::{Beginning, BlockKind};
use crate::evidence::{self, connection, pods, table::Columns};

/// Joins a header of an access log with its rows, tables of pods and jobs with each other, what `ab` reports, and the debug lines of a
/// connection.
pub(super) fn join(beginning: &Beginning<'_>, ahead: &mut Ahead<'_>, block: &mut Block) -> Option<BlockKind> {
    let text = beginning.text.trim();
    let holds = |words: &str| memmem::find(text.as_bytes(), words.as_bytes()).is_some();
    if let Some(columns) = Columns::of(text) {
        take(ahead, block, |line| Columns::is_rule(line) || columns.read(line).is_some());
        return (block.joined() > 0).then_some(BlockKind::Table);
    }
    if text.starts_with("NAME") && pods::is_header(text) {
        take(ahead, block, pods::goes_on);
        return pods::read(block.text()).map(|_| BlockKind::Pods);
    }
    if text.starts_with("Server Software:") {
        take(ahead, block, |line| line.trim().is_empty() || line.contains(':'));
        return evidence::line(block.text()).map(|_| BlockKind::Report);
    }
    if holds("[C") && connection::begins(text) {
        take(ahead, block, connection::goes_on);
        return connection::read(block.text()).map(|_| BlockKind::Connection);
    }
    None
}

fn take(ahead: &mut Ahead<'_>, block: &mut Block, belongs: impl Fn(&str) -> bool) {
    for index in 0..super::MAX_JOINED {
        let Some(line) = ahead.peek(index) else { break };
        if !belongs(line) || !block.push("\n", line) {
            break;
        }
    }
}
