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
