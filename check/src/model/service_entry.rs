//! ServiceEntries.

use super::{Protocol, Resource};
use crate::document::Node;

/// A ServiceEntry.
#[derive(Debug, Clone, Copy)]
pub struct ServiceEntry<'a>(pub Resource<'a>);

impl<'a> ServiceEntry<'a> {
    /// The hosts that it adds.
    pub fn hosts(&self) -> impl Iterator<Item = Node<'a>> + Clone + use<'a> {
        self.0.spec().list("hosts")
    }

    /// Its ports.
    pub fn ports(&self) -> impl Iterator<Item = Node<'a>> + Clone + use<'a> {
        self.0.spec().list("ports")
    }

    /// What a port speaks.
    #[must_use]
    pub fn protocol(port: Node<'_>) -> Option<Protocol> {
        port.get("protocol").and_then(Node::text).and_then(Protocol::parse)
    }
}
