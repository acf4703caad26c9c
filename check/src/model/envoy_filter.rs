//! EnvoyFilters.

use super::Resource;
use crate::document::Node;

/// An EnvoyFilter.
#[derive(Debug, Clone, Copy)]
pub struct EnvoyFilter<'a>(pub Resource<'a>);

/// An element of its `configPatches`.
#[derive(Debug, Clone, Copy)]
pub struct Patch<'a>(pub Node<'a>);

impl<'a> EnvoyFilter<'a> {
    /// Its patches.
    pub fn patches(&self) -> impl Iterator<Item = Patch<'a>> + Clone + use<'a> {
        self.0.spec().list("configPatches").map(Patch)
    }

    /// Its priority, 0 where none is written.
    #[must_use]
    pub fn priority(&self) -> i64 {
        self.0.spec().get("priority").and_then(Node::as_integer).unwrap_or(0)
    }
}

impl<'a> Patch<'a> {
    /// What it applies to, such as `HTTP_FILTER`.
    #[must_use]
    pub fn apply_to(self) -> Option<&'a str> {
        self.0.get("applyTo")?.text()
    }

    /// The node of its operation, such as `INSERT_BEFORE`.
    #[must_use]
    pub fn operation(self) -> Option<Node<'a>> {
        self.0.at(&["patch", "operation"])
    }

    /// What it puts in.
    #[must_use]
    pub fn value(self) -> Option<Node<'a>> {
        self.0.at(&["patch", "value"])
    }

    /// What it matches.
    #[must_use]
    pub fn matched(self) -> Option<Node<'a>> {
        self.0.get("match")
    }
}
