//! Manifests beside the dumps of the proxies that had them, and had others not.

use meshwhy_check::mesh::{Mesh, Settings};
use meshwhy_check::source::{Source, parse_all};
use meshwhy_core::Lang;
use meshwhy_proxy::ConfigDump;
use meshwhy_proxy::doctor::compare;
use meshwhy_proxy::matching::Truth;

const SERVER: &str = include_str!("data/server-sidecar-inbound.json");

fn compared(dump: &str, manifests: &str) -> Vec<(Truth, String)> {
    let sources = [Source { name: "manifests.yaml".into(), text: manifests.into() }];
    let (parsed, settings) = (parse_all(&sources), Settings::default());
    let mesh = Mesh::new(&parsed, None, &settings);
    let lines = compare(&ConfigDump::read(dump.as_bytes()), &mesh, Lang::En);
    assert!(lines.iter().all(|line| line.good == Truth::Yes || line.action.is_some()), "{lines:?}");
    lines.into_iter().map(|line| (line.good, line.what)).collect()
}

/// An EnvoyFilter with one patch for the manager's filters of the sidecar's inbound listeners, and how it was judged; `None` for silence.
fn landing(spec: &str, patch: &str) -> Option<Truth> {
    let manifest = format!(
        "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {{name: a, namespace: shop}}\nspec:\n  {spec}\n  configPatches: [{{{patch}}}]\n"
    );
    let lines = compared(SERVER, &manifest);
    assert!(lines.len() < 2, "{lines:?}");
    lines.first().map(|(good, _)| *good)
}

const MANAGER: &str = "listener: {filterChain: {filter: {name: envoy.filters.network.http_connection_manager";

fn inserted(name: &str, context: &str, more: &str) -> String {
    format!(
        "applyTo: HTTP_FILTER, match: {{context: {context}{more}, {MANAGER}}}}}}}}}, patch: {{operation: INSERT_FIRST, value: {{name: {name}}}}}"
    )
}

#[test]
fn an_inserted_filter_is_there_or_not() {
    let here = "workloadSelector: {labels: {app: orders}}";
    let there = inserted("envoy.filters.http.fault", "SIDECAR_INBOUND", "");
    assert_eq!(landing(here, &there), Some(Truth::Yes));
    let missing = inserted("mine", "SIDECAR_INBOUND", "");
    assert_eq!(landing(here, &missing), Some(Truth::No));
    // What is not for this proxy is not looked at.
    assert_eq!(landing("workloadSelector: {labels: {app: other}}", &missing), None);
    assert_eq!(landing(here, &inserted("mine", "GATEWAY", "")), None);
    assert_eq!(landing("targetRefs: [{kind: Gateway, name: a}]", &missing), None);
    assert_eq!(landing(here, &inserted("mine", "SIDECAR_INBOUND", r", proxy: {proxyVersion: '^1\.2[0-8]'}")), None);
    assert_eq!(landing(here, &inserted("mine", "SIDECAR_INBOUND", r", proxy: {proxyVersion: '^1\.29'}")), Some(Truth::No));
    assert_eq!(landing(here, &inserted("mine", "SIDECAR_INBOUND", ", proxy: {metadata: {A: b}}")), Some(Truth::Unknown));
    // Istio's old name of the manager matches nothing.
    let old = missing.replace("envoy.filters.network.http_connection_manager", "envoy.http_connection_manager");
    assert_eq!(landing(here, &old), Some(Truth::Unknown));
}

#[test]
fn a_merged_field_is_there_or_not() {
    let merge = |fields: &str| {
        format!(
            "applyTo: NETWORK_FILTER, match: {{context: SIDECAR_INBOUND, {MANAGER}}}}}}}}}, patch: {{operation: MERGE, value: {{typed_config: {{{fields}}}}}}}"
        )
    };
    assert_eq!(landing("", &merge("normalize_path: true")), Some(Truth::Yes));
    assert_eq!(landing("", &merge("normalizePath: true, '@type': x")), Some(Truth::Yes));
    assert_eq!(landing("", &merge("max_request_headers_kb: 96")), Some(Truth::No));
    assert_eq!(landing("", &merge("common_http_protocol_options: {max_headers_count: 200}")), Some(Truth::No));
    assert_eq!(landing("", &merge("access_log: [{name: a}]")), Some(Truth::Unknown));
}

#[test]
fn an_added_cluster_is_there_or_not() {
    let add =
        |name: &str| format!("applyTo: CLUSTER, match: {{context: ANY}}, patch: {{operation: ADD, value: {{name: {name}}}}}");
    assert_eq!(landing("", &add("\"inbound|8301||\"")), Some(Truth::Yes));
    assert_eq!(landing("", &add("mine")), Some(Truth::No));
}
