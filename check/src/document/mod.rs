//! Bytes to documents: a tree of nodes, each with its place in the file.
//!
//! A node that is absent has a place, too: that of the mapping that lacks it. Values stay as they are written, so nothing is lost that an
//! edit would have to keep.

mod node;
mod parse;
mod split;

pub use node::{Document, Node, Place, Value};
pub use parse::{Fault, FaultKind, MAX_DEPTH, Parsed, parse, parse_document};
pub use split::documents;

/// Whether a text holds a place that something fills in before the manifest is applied: `${HOST}` of Flux and envsubst, `$(HOST)` of
/// kustomize, `$HOST` of a shell, `<your-host>` of a reader.
#[must_use]
pub fn is_placeholder(text: &str) -> bool {
    let is_variable = |rest: &str| rest.starts_with(['{', '(']) || rest.starts_with(|letter: char| letter.is_ascii_uppercase());
    let is_blank = || text.split_once('<').is_some_and(|(_, rest)| rest.trim_start_matches(is_of_name).starts_with('>'));
    text.split('$').skip(1).any(is_variable) || is_blank()
}

fn is_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '-' | '_' | ' ' | '.')
}

/// The largest file that is read, in bytes: offsets are 32 bits wide.
pub const MAX_FILE: usize = u32::MAX as usize;

impl std::fmt::Display for FaultKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            FaultKind::Syntax(what) => what,
            FaultKind::Template => "a template that was not rendered",
            FaultKind::DuplicateKey(_) => "a key stands twice in a mapping",
            FaultKind::Depth => "nested too deeply",
            FaultKind::Aliases => "an alias stands within its own anchor, or aliases multiply",
        })
    }
}
