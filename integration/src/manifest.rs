//! What istiod makes of the shipped manifests, for the few kinds of patches that they use. Anything else is an error: a manifest that the
//! harness does not understand must not pass for tested.

use anyhow::{Context as _, Result, bail};
use regex_lite::Regex;
use serde_json::Value;

use crate::bootstrap::ISTIO_VERSION;
use crate::patch;

/// The `context` of a patch that a proxy's listener is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenerContext {
    /// From the workload to others.
    SidecarOutbound,
    /// To the workload.
    SidecarInbound,
    /// At the edge.
    Gateway,
}

impl ListenerContext {
    fn name(self) -> &'static str {
        match self {
            Self::SidecarOutbound => "SIDECAR_OUTBOUND",
            Self::SidecarInbound => "SIDECAR_INBOUND",
            Self::Gateway => "GATEWAY",
        }
    }
}

/// Applies the resources of a manifest to a listener, in the order that istiod applies them: by priority, then those of the root namespace,
/// then by age and name.
///
/// # Errors
/// A document is of a kind, or a patch of a form, that the harness does not know.
pub fn apply(documents: &[Value], context: ListenerContext, listener: &mut Value) -> Result<()> {
    for patch in selected(documents, context)? {
        if text(patch, "/applyTo") != "CLUSTER" {
            patch::apply(patch, listener)?;
        }
    }
    Ok(())
}

/// The clusters that a manifest adds to a proxy.
///
/// # Errors
/// As [`apply`], or a patch does something else to clusters.
pub fn clusters(documents: &[Value], context: ListenerContext) -> Result<Vec<Value>> {
    let patches = selected(documents, context)?.into_iter().filter(|patch| text(patch, "/applyTo") == "CLUSTER");
    let added = |patch: &Value| match text(patch, "/patch/operation") {
        "ADD" => patch.pointer("/patch/value").cloned().context("a patch without a value"),
        operation => bail!("a patch {operation} of CLUSTER, which the harness does not know"),
    };
    patches.map(added).collect()
}

/// The patches for a proxy's listener, in the order of their resources.
fn selected(documents: &[Value], context: ListenerContext) -> Result<Vec<&Value>> {
    let mut filters = Vec::new();
    for document in documents.iter().filter(|document| !document.is_null()) {
        match text(document, "/kind") {
            "EnvoyFilter" => filters.push(document),
            kind => bail!("a document of kind {kind:?}, which the harness does not know"),
        }
    }
    let priority = |filter: &Value| filter.pointer("/spec/priority").and_then(Value::as_i64).unwrap_or(0);
    let in_workload_namespace = |filter: &Value| text(filter, "/metadata/namespace") != "istio-system";
    let age = |filter: &Value| text(filter, "/metadata/creationTimestamp").to_owned();
    let name = |filter: &Value| format!("{}.{}", text(filter, "/metadata/name"), text(filter, "/metadata/namespace"));
    filters.sort_by_key(|filter| (priority(filter), in_workload_namespace(filter), age(filter), name(filter)));
    let mut selected = Vec::new();
    for filter in filters {
        let patches = filter.pointer("/spec/configPatches").and_then(Value::as_array);
        for patch in patches.context("an EnvoyFilter without configPatches")? {
            if ["", "ANY", context.name()].contains(&text(patch, "/match/context")) && is_of_version(patch)? {
                selected.push(patch);
            }
        }
    }
    Ok(selected)
}

fn is_of_version(patch: &Value) -> Result<bool> {
    Ok(Regex::new(text(patch, "/match/proxy/proxyVersion"))?.is_match(ISTIO_VERSION))
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filter(name: &str, priority: i64, context: &str, version: &str, logger: u64) -> Value {
        json!({"kind": "EnvoyFilter", "metadata": {"name": name, "namespace": "istio-system"}, "spec": {"priority": priority, "configPatches": [{
            "applyTo": "NETWORK_FILTER",
            "match": {
                "context": context,
                "proxy": {"proxyVersion": version},
                "listener": {"filterChain": {"filter": {"name": "envoy.filters.network.http_connection_manager"}}},
            },
            "patch": {"operation": "MERGE", "value": {"typed_config": {"access_log": [logger]}}},
        }]}})
    }

    fn access_log(documents: &[Value], context: ListenerContext) -> Value {
        let mut listener = json!({"filter_chains": [{"filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {"access_log": [0]},
        }]}]});
        apply(documents, context, &mut listener).unwrap();
        listener.pointer("/filter_chains/0/filters/0/typed_config/access_log").unwrap().clone()
    }

    #[test]
    fn a_merge_appends_and_respects_the_context() {
        let document = filter("a", 0, "SIDECAR_INBOUND", "", 1);
        assert_eq!(access_log(std::slice::from_ref(&document), ListenerContext::SidecarInbound), json!([0, 1]));
        assert_eq!(access_log(&[document], ListenerContext::SidecarOutbound), json!([0]));
    }

    #[test]
    fn resources_are_applied_in_the_order_of_istiod() {
        let mut own = filter("a", 0, "ANY", "", 3);
        own["metadata"]["namespace"] = json!("shop");
        let mut young = filter("b", 0, "ANY", "", 2);
        young["metadata"]["creationTimestamp"] = json!("2026-11-26T00:00:00Z");
        let documents = [filter("late", 5, "ANY", "", 4), own, young, filter("z", 0, "ANY", "", 1)];
        assert_eq!(access_log(&documents, ListenerContext::Gateway), json!([0, 1, 2, 3, 4]));
    }

    #[test]
    fn a_patch_for_other_versions_is_left_out() {
        let documents = [filter("old", 0, "ANY", r"^1\.2", 1), filter("new", 0, "ANY", r"^1\.([3-9]\d|\d{3,})\.", 2)];
        assert_eq!(access_log(&documents, ListenerContext::Gateway), json!([0, 2]));
    }

    #[test]
    fn clusters_are_added() {
        let patch = |operation: &str| {
            json!({"kind": "EnvoyFilter", "spec": {"configPatches": [
                {"applyTo": "CLUSTER", "match": {"context": "GATEWAY"}, "patch": {"operation": operation, "value": {"name": "x"}}},
            ]}})
        };
        assert_eq!(clusters(&[patch("ADD")], ListenerContext::Gateway).unwrap(), [json!({"name": "x"})]);
        assert_eq!(clusters(&[patch("ADD")], ListenerContext::SidecarOutbound).unwrap(), Vec::<Value>::new());
        assert!(clusters(&[patch("MERGE")], ListenerContext::Gateway).is_err());
    }
}
