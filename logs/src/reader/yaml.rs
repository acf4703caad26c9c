//! YAML as `kubectl get … -o yaml` prints it: an event, or a message that is folded over several lines.

use serde_json::{Map, Value};

use super::ahead::Ahead;
use super::block::Block;
use super::{Beginning, BlockKind};
use crate::choose::read;

/// Keys whose value is a message of the cluster.
const MESSAGES: [&str; 2] = ["message", "note"];

/// Joins the lines of an event, from its `apiVersion` on, and the lines of a message.
pub(super) fn join(beginning: &Beginning<'_>, ahead: &mut Ahead<'_>, block: &mut Block) -> Option<BlockKind> {
    let &Beginning { text, alone, formats, .. } = beginning;
    let YamlEntry { column, key } = YamlEntry::of(text)?;
    let is_message = MESSAGES.contains(&key);
    if !is_message && key != "apiVersion" {
        return None;
    }
    block.restart(&[&" ".repeat(column), text.get(column..).unwrap_or_default()].concat());
    for index in 0..super::MAX_JOINED {
        let Some(line) = ahead.peek(index) else { break };
        let line = line.trim_end();
        let indent = line.len() - line.trim_start_matches(' ').len();
        let belongs = if is_message { indent > column } else { indent >= column && line != "---" };
        if !(belongs || line.is_empty()) || !block.push("\n", line) {
            break;
        }
    }
    if block.joined() == 0 {
        return None;
    }
    let object: Map<String, Value> = serde_saphyr::from_str(block.text()).ok()?;
    if !is_message && object.get("kind").and_then(Value::as_str) != Some("Event") {
        return None;
    }
    let joined = block.joined();
    block.set(Value::Object(object).to_string(), joined);
    (read(block.text(), formats).worth() > alone.worth()).then_some(BlockKind::Log)
}

/// A line that begins a value, perhaps the first of a list's item.
struct YamlEntry<'a> {
    /// Where the key stands, in bytes.
    column: usize,
    key: &'a str,
}

impl<'a> YamlEntry<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let unindented = line.trim_start_matches(' ');
        let text = unindented.strip_prefix("- ").map_or(unindented, |rest| rest.trim_start_matches(' '));
        let (key, _) = text.split_once(':')?;
        Some(Self { column: line.len() - text.len(), key })
    }
}
