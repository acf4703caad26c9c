//! What istiod makes of the shipped manifests, for the few kinds of patches that they use. Anything else is an error: a manifest that the
//! harness does not understand must not pass for tested.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::deployment::string_value;
use crate::merge::merge;
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

    /// The mode of a WasmPlugin's `match` that selects it.
    fn mode(self) -> &'static str {
        match self {
            Self::SidecarOutbound => "CLIENT",
            Self::SidecarInbound => "SERVER",
            Self::Gateway => "CLIENT_AND_SERVER",
        }
    }
}

/// Applies every document of a manifest to a listener.
///
/// # Errors
/// A document is of a kind, or a patch of a form, that the harness does not know.
pub fn apply(documents: &[Value], context: ListenerContext, listener: &mut Value) -> Result<()> {
    for document in documents.iter().filter(|document| !document.is_null()) {
        match text(document, "/kind") {
            "EnvoyFilter" => envoy_filter(document, context, listener)?,
            "WasmPlugin" => wasm_plugin(document, context, listener)?,
            kind => bail!("a document of kind {kind:?}, which the harness does not know"),
        }
    }
    Ok(())
}

fn envoy_filter(document: &Value, context: ListenerContext, listener: &mut Value) -> Result<()> {
    let patches =
        document.pointer("/spec/configPatches").and_then(Value::as_array).context("an EnvoyFilter without configPatches")?;
    for patch in patches {
        let wanted = text(patch, "/match/context");
        if !["", "ANY", context.name()].contains(&wanted) {
            continue;
        }
        patch::apply(patch, listener)?;
    }
    Ok(())
}

fn wasm_plugin(document: &Value, context: ListenerContext, listener: &mut Value) -> Result<()> {
    let modes: Vec<_> =
        document.pointer("/spec/match").and_then(Value::as_array).into_iter().flatten().map(|one| text(one, "/mode")).collect();
    if !modes.is_empty() && !modes.iter().any(|mode| ["", "UNDEFINED", "CLIENT_AND_SERVER", context.mode()].contains(mode)) {
        return Ok(());
    }
    let name = format!("{}.{}", text(document, "/metadata/namespace"), text(document, "/metadata/name"));
    let mut config = json!({
        "name": name,
        "root_id": text(document, "/spec/pluginName"),
        "vm_config": {"runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": file(text(document, "/spec/url"))}}},
    });
    merge(
        &mut config,
        &match text(document, "/spec/failStrategy") {
            "FAIL_OPEN" => json!({"failure_policy": "FAIL_OPEN"}),
            "FAIL_RELOAD" => json!({"failure_policy": "FAIL_RELOAD"}),
            "" | "FAIL_CLOSE" => json!({"failure_policy": "FAIL_CLOSED"}),
            other => bail!("failStrategy {other:?}"),
        },
    );
    if let Some(plugin_config) = document.pointer("/spec/pluginConfig") {
        merge(&mut config, &json!({"configuration": string_value(&plugin_config.to_string())}));
    }
    if let Some(environment) = document.pointer("/spec/vmConfig/env").and_then(Value::as_array) {
        merge(&mut config, &json!({"vm_config": {"environment_variables": environment_variables(environment)}}));
    }
    let filter = json!({
        "name": format!("extenstions.istio.io/wasmplugin/{name}"),
        "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm", "config": config},
    });
    let insertion = json!({"applyTo": "HTTP_FILTER", "patch": {"operation": "INSERT_FIRST", "value": filter}});
    patch::apply(&insertion, listener).map(drop)
}

fn environment_variables(environment: &[Value]) -> Value {
    let mut variables = json!({});
    for variable in environment {
        let name = text(variable, "/name");
        merge(
            &mut variables,
            &match text(variable, "/valueFrom") {
                "HOST" => json!({"host_env_keys": [name]}),
                _ => json!({"key_values": {name: text(variable, "/value")}}),
            },
        );
    }
    variables
}

/// A plugin's file; an image or an archive would be fetched by Istio's agent, which then names its own copy.
fn file(url: &str) -> &str {
    url.strip_prefix("file://").unwrap_or("meshwhy.wasm")
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener() -> Value {
        json!({"filter_chains": [{"filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {"access_log": [1], "http_filters": [{"name": "router"}]},
        }]}]})
    }

    #[test]
    fn a_merge_appends_and_respects_the_context() {
        let document = json!({"kind": "EnvoyFilter", "spec": {"configPatches": [{
            "applyTo": "NETWORK_FILTER",
            "match": {"context": "SIDECAR_INBOUND", "listener": {"filterChain": {"filter": {"name": "envoy.filters.network.http_connection_manager"}}}},
            "patch": {"operation": "MERGE", "value": {"typed_config": {"access_log": [2]}}},
        }]}});
        let access_log = |context| {
            let mut listener = listener();
            apply(std::slice::from_ref(&document), context, &mut listener).unwrap();
            listener.pointer("/filter_chains/0/filters/0/typed_config/access_log").cloned()
        };
        assert_eq!(access_log(ListenerContext::SidecarInbound), Some(json!([1, 2])));
        assert_eq!(access_log(ListenerContext::SidecarOutbound), Some(json!([1])));
    }

    #[test]
    fn a_patch_of_an_unknown_form_is_an_error() {
        let document = json!({"kind": "EnvoyFilter", "spec": {"configPatches": [{"applyTo": "CLUSTER", "patch": {"operation": "ADD", "value": {}}}]}});
        assert!(apply(&[document], ListenerContext::Gateway, &mut listener()).is_err());
    }

    #[test]
    fn a_wasm_plugin_becomes_the_first_filter() {
        let document = json!({"kind": "WasmPlugin", "metadata": {"namespace": "demo", "name": "meshwhy"}, "spec": {"failStrategy": "FAIL_OPEN"}});
        let mut listener = listener();
        apply(&[document], ListenerContext::Gateway, &mut listener).unwrap();
        let first = listener.pointer("/filter_chains/0/filters/0/typed_config/http_filters/0/typed_config/config").unwrap();
        assert_eq!((text(first, "/name"), text(first, "/failure_policy")), ("demo.meshwhy", "FAIL_OPEN"));
    }
}
