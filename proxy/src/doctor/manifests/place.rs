//! The places in a proxy that a patch may be for.

use meshwhy_check::document::Node;
use meshwhy_check::model::ConfigPatch;
use serde_json::Value;

use crate::ConfigDump;
use crate::config::{Filter, FilterChain, ListenerConfig};
use crate::matching::Truth;

/// A list of filters.
pub(super) struct Place {
    /// Whether the patch is for it.
    pub(super) is_meant: Truth,
    /// The filters, each with its configuration where that is known.
    pub(super) filters: Vec<(String, Option<Value>)>,
}

impl Place {
    pub(super) fn has(&self, name: &str) -> bool {
        self.filters.iter().any(|(known, _)| known == name)
    }
}

/// The places of one kind whose listeners are in the context of a patch and not certainly of another match.
pub(super) fn places(dump: &ConfigDump<'_>, patch: ConfigPatch<'_>) -> Vec<Place> {
    let context = patch.matched().and_then(|matched| matched.str_at(&["context"])).unwrap_or("ANY");
    let mut places = Vec::new();
    for (_, listener) in &dump.listeners {
        let is_meant = of_listener(patch, listener).min(in_context(context, listener));
        if is_meant == Truth::No {
            continue;
        }
        if patch.apply_to() == Some("LISTENER_FILTER") {
            places.push(Place { is_meant, filters: read(&listener.listener_filters) });
            continue;
        }
        for chain in listener.chains() {
            let is_meant = is_meant.min(of_chain(patch, chain));
            if patch.apply_to() == Some("NETWORK_FILTER") {
                places.push(Place { is_meant, filters: read(&chain.filters) });
            } else if let Some(Ok(manager)) = chain.connection_manager() {
                places.push(Place { is_meant, filters: read(&manager.http_filters) });
            }
        }
    }
    let anchor = patch.anchor().and_then(Node::text);
    places.retain(|place| anchor.is_none_or(|anchor| place.has(anchor)));
    places
}

/// Whether the proxy has a listener for the traffic that a patch is about.
pub(super) fn has_traffic(dump: &ConfigDump<'_>, patch: ConfigPatch<'_>) -> bool {
    let context = patch.matched().and_then(|matched| matched.str_at(&["context"])).unwrap_or("ANY");
    dump.listeners.iter().any(|(_, listener)| in_context(context, listener) == Truth::Yes)
}

fn read(filters: &[Filter<'_>]) -> Vec<(String, Option<Value>)> {
    let config = |filter: &Filter<'_>| filter.typed_config.and_then(|config| config.decode().ok());
    filters.iter().map(|filter| (filter.name.to_string(), config(filter))).collect()
}

fn in_context(context: &str, listener: &ListenerConfig<'_>) -> Truth {
    match context {
        "SIDECAR_INBOUND" => listener.is_inbound().into(),
        "SIDECAR_OUTBOUND" => Truth::from(!listener.is_inbound()),
        _ => Truth::Yes,
    }
}

/// Listeners of the bootstrap have no direction, and patches do not reach them.
fn of_listener(patch: ConfigPatch<'_>, listener: &ListenerConfig<'_>) -> Truth {
    let own = if listener.traffic_direction.is_empty() { Truth::Unknown } else { Truth::Yes };
    let Some(wanted) = patch.listener() else { return own };
    let name = wanted.str_at(&["name"]).filter(|name| !name.is_empty());
    let name = name.map_or(Truth::Yes, |name| (*listener.name == *name).into());
    let is_virtual = matches!(&*listener.name, "virtualInbound" | "virtualOutbound");
    let port = match wanted.get("portNumber").and_then(Node::as_integer) {
        None | Some(0) => Truth::Yes,
        Some(_) if is_virtual => Truth::Unknown,
        Some(port) => listener.addresses().any(|address| i64::from(address.port_value) == port).into(),
    };
    let rest =
        wanted.entries().all(|(key, _)| matches!(key.text(), Some("name" | "portNumber" | "filterChain" | "listenerFilter")));
    Truth::all([own, name, port, if rest { Truth::Yes } else { Truth::Unknown }])
}

/// Whether the filter that is asked for is in a chain; further criteria are not decided.
fn of_chain(patch: ConfigPatch<'_>, chain: &FilterChain<'_>) -> Truth {
    let Some(wanted) = patch.listener().and_then(|listener| listener.get("filterChain")) else { return Truth::Yes };
    let name = wanted.at(&["filter", "name"]).and_then(Node::text);
    if name.is_some_and(|name| chain.filters.iter().all(|filter| *filter.name != *name)) {
        return Truth::No;
    }
    if wanted.entries().all(|(key, _)| key.text() == Some("filter")) { Truth::Yes } else { Truth::Unknown }
}
