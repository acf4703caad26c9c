//! What EnvoyFilters add to each proxy that gets them, in bytes.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::document::Node;
use crate::mesh::Mesh;
use crate::model::{ConfigPatch, EnvoyFilter, ResourceKind};

/// Where a patch adds something, as often as a proxy has such a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attachment {
    /// An HTTP connection manager, its filters included.
    ConnectionManager,
    /// A TCP proxy.
    TcpProxy,
    /// A listener.
    Listener,
    /// The proxy, once: a cluster.
    Proxy,
}

/// What is added there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PatchSize {
    /// Bytes of JSON, as the configuration goes to Envoy.
    pub json: usize,
    /// Bytes of heap that Envoy needs for it, estimated from the form of what is added.
    pub heap: usize,
}

impl PatchSize {
    /// Measured on Envoy 1.40 with 51 connection managers (`cargo xtask bench mesh`): 19, 48 and 56 KB of heap for 3.2, 5.2 and 7.0 KB of
    /// JSON, of which none, 3.5 and 3.5 are mappers. These factors give 19, 48 and 58.
    const HEAP_PER_BYTE: usize = 6;
    const HEAP_PER_BYTE_OF_MAPPERS: usize = 11;

    fn of(value: &Value) -> Self {
        let length = |value: &Value| value.to_string().len();
        let mappers = value.get("local_reply_config").map_or(0, length);
        let json = length(value);
        let heap = json.saturating_sub(mappers).saturating_mul(Self::HEAP_PER_BYTE);
        Self { json, heap: heap.saturating_add(mappers.saturating_mul(Self::HEAP_PER_BYTE_OF_MAPPERS)) }
    }

    fn add(&mut self, other: Self) {
        self.json = self.json.saturating_add(other.json);
        self.heap = self.heap.saturating_add(other.heap);
    }

    /// So many of it.
    #[must_use]
    pub const fn times(self, count: usize) -> Self {
        Self { json: self.json.saturating_mul(count), heap: self.heap.saturating_mul(count) }
    }
}

/// What all EnvoyFilters of a mesh add, by the `context` of a patch and the place there. A patch of context `ANY` counts in each.
#[must_use]
pub fn sizes(mesh: &Mesh<'_>) -> BTreeMap<(&'static str, Attachment), PatchSize> {
    const CONTEXTS: [&str; 3] = ["SIDECAR_INBOUND", "SIDECAR_OUTBOUND", "GATEWAY"];
    let mut sizes: BTreeMap<(&'static str, Attachment), PatchSize> = BTreeMap::new();
    let filters: Vec<_> = mesh.of(ResourceKind::EnvoyFilter).map(EnvoyFilter).collect();
    for patch in filters.iter().flat_map(EnvoyFilter::patches) {
        let Some((attachment, added)) = addition(patch) else { continue };
        let context = patch.matched().and_then(|matched| matched.str_at(&["context"])).filter(|context| *context != "ANY");
        // Clusters of any context come with outbound ones and at gateways.
        let is_there = |known: &&&str| {
            context.is_none_or(|context| context == **known)
                && (context.is_some() || attachment != Attachment::Proxy || **known != "SIDECAR_INBOUND")
        };
        for known in CONTEXTS.iter().filter(is_there) {
            sizes.entry((known, attachment)).or_default().add(PatchSize::of(&added));
        }
    }
    sizes
}

fn addition(patch: ConfigPatch<'_>) -> Option<(Attachment, Value)> {
    let mut value = patch.value()?.to_json();
    let attachment = match patch.apply_to()? {
        "HTTP_FILTER" => Attachment::ConnectionManager,
        "LISTENER" => Attachment::Listener,
        "CLUSTER" => Attachment::Proxy,
        "NETWORK_FILTER" => {
            let name = patch.filter().and_then(|filter| filter.get("name")).and_then(Node::text);
            // Only the fields are merged into what is there.
            value = value.get_mut("typed_config").map(Value::take).unwrap_or(value);
            if let Some(fields) = value.as_object_mut() {
                fields.remove("@type");
            }
            match name {
                Some("envoy.filters.network.tcp_proxy") => Attachment::TcpProxy,
                _ => Attachment::ConnectionManager,
            }
        }
        _ => return None,
    };
    Some((attachment, value))
}
