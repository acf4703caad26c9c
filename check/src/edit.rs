//! Changes of bytes that cure a finding; comments and order stay.

use crate::document::{Node, Place};

/// A piece of a file that is replaced. An empty place inserts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What goes.
    pub place: Place,
    /// What comes in its stead.
    pub text: String,
}

impl Edit {
    /// Writes something else in place of a node.
    #[must_use]
    pub fn replace(node: Node<'_>, text: impl Into<String>) -> Self {
        Self { place: node.place(), text: text.into() }
    }

    /// Takes a key and its value out of a mapping, with their lines where nothing else stands on them.
    #[must_use]
    pub fn remove_entry(key: Node<'_>, value: Node<'_>) -> Self {
        Self { place: with_lines(key, value), text: String::new() }
    }

    /// Takes an element out of a list, with its lines where nothing else stands on them.
    #[must_use]
    pub fn remove_item(item: Node<'_>) -> Self {
        Self { place: with_lines(item, item), text: String::new() }
    }

    /// Adds a key to a mapping, after its last one and as deep; `value` is one line.
    #[must_use]
    pub fn add_entry(mapping: Node<'_>, key: &str, value: &str) -> Self {
        let text = mapping.document().text();
        let place = mapping.place();
        let at = |offset: u32| Place { start: offset, end: offset, ..place };
        let (first, last) = (mapping.entries().next(), mapping.entries().last());
        let is_flow = text.get(place.start as usize..).is_some_and(|rest| rest.starts_with('{'));
        match (first, last) {
            (Some((first, _)), Some((_, last))) if !is_flow => {
                let start = first.place().start as usize;
                let line = text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
                let column = text.get(line..start).map_or(0, |indent| indent.chars().count());
                let break_ = if text.contains("\r\n") { "\r\n" } else { "\n" };
                Self { place: at(last.place().end), text: format!("{break_}{}{key}: {value}", " ".repeat(column)) }
            }
            (_, Some((_, last))) => Self { place: at(last.place().end), text: format!(", {key}: {value}") },
            _ => Self { place, text: format!("{{{key}: {value}}}") },
        }
    }
}

/// From one node to the end of another, with what else is on their lines where that is blank.
fn with_lines(from: Node<'_>, to: Node<'_>) -> Place {
    let text = from.document().text();
    let Place { file, start, .. } = from.place();
    let end = to.place().end;
    let before = text.get(..start as usize).unwrap_or_default();
    let line = before.rfind('\n').map_or(0, |newline| newline + 1);
    let blank = before.get(line..).unwrap_or_default();
    let after = text.get(end as usize..).unwrap_or_default();
    let rest = after.find('\n').map_or(after.len(), |newline| newline + 1);
    let whole = blank.bytes().all(|byte| matches!(byte, b' ' | b'-')) && after.get(..rest).unwrap_or_default().trim().is_empty();
    if whole {
        let narrow = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Place { file, start: narrow(line), end: narrow(end as usize + rest) }
    } else {
        Place { file, start, end }
    }
}

/// A file with edits applied. Of two that overlap, the first is applied.
#[must_use]
pub fn apply(text: &str, edits: &[Edit]) -> String {
    let mut ordered: Vec<&Edit> = edits.iter().collect();
    ordered.sort_by_key(|edit| (edit.place.start, edit.place.end));
    let (mut done, mut out) = (0usize, String::with_capacity(text.len()));
    for edit in ordered {
        let (start, end) = (edit.place.start as usize, edit.place.end as usize);
        if start < done {
            continue;
        }
        out.push_str(text.get(done..start).unwrap_or_default());
        out.push_str(&edit.text);
        done = end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}
