//! Which manifests are for a proxy.
//!
//! Source: Istio `pilot/pkg/model/{envoyfilter,policyattachment}.go`, 1.30.

use meshwhy_check::document::Node;
use meshwhy_check::mesh::Mesh;
use meshwhy_check::model::Resource;
use meshwhy_check::scope::targets;

use crate::ConfigDump;
use crate::matching::Truth;
use crate::proto_json::Text;

/// Whether a resource that selects workloads selects this one.
pub(super) fn selects(dump: &ConfigDump<'_>, mesh: &Mesh<'_>, resource: &Resource<'_>) -> Truth {
    let (Some(id), Some(bootstrap)) = (dump.id(), &dump.bootstrap) else { return Truth::Unknown };
    let own = &*bootstrap.node.metadata.namespace;
    if !resource.has_namespace() {
        return Truth::Unknown;
    }
    if resource.namespace != own && resource.namespace != mesh.root_namespace() {
        return if own.is_empty() { Truth::Unknown } else { Truth::No };
    }
    if targets(resource).next().is_some() {
        // Only gateways that istiod made from a Gateway, and waypoints, look at these.
        return if id.kind == "sidecar" { Truth::No } else { Truth::Unknown };
    }
    match (id.kind, resource.selector()) {
        ("sidecar" | "router", None) => Truth::Yes,
        ("sidecar" | "router", Some(selector)) => has_labels(dump, selector),
        _ => Truth::Unknown,
    }
}

/// Whether the proxy's labels are those that are asked for; a value that something else fills in is not known.
pub(super) fn has_labels(dump: &ConfigDump<'_>, wanted: Node<'_>) -> Truth {
    let labels = dump.bootstrap.as_ref().and_then(|bootstrap| bootstrap.node.metadata.labels.as_ref());
    let Some(labels) = labels else { return Truth::Unknown };
    Truth::all(wanted.entries().map(|(key, value)| match (key.text(), value.text()) {
        (Some(key), Some(value)) => labels.read::<Text<'_>>(key).is_some_and(|label| *label == *value).into(),
        _ => Truth::Unknown,
    }))
}
