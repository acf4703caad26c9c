//! Manifests beside the dumps of the proxies that had them, and had others not.

use meshwhy_check::mesh::{Mesh, Settings};
use meshwhy_check::source::{Source, parse_all};
use meshwhy_core::Lang;
use meshwhy_proxy::ConfigDump;
use meshwhy_proxy::doctor::compare;
use meshwhy_proxy::matching::Truth;

const CLIENT: &str = include_str!("data/client-sidecar-outbound.json");
const CLIENT_MANIFESTS: &str = include_str!("data/manifests/client-sidecar-outbound.yaml");
const GATEWAY: &str = include_str!("data/gateway-tls.json");
const GATEWAY_MANIFESTS: &str = include_str!("data/manifests/gateway-tls.yaml");
const SERVER_MANIFESTS: &str = include_str!("data/manifests/server-sidecar-inbound.yaml");
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
    let mut lines = compared(SERVER, &manifest);
    lines.retain(|(_, what)| what.starts_with("EnvoyFilter"));
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
    // The client has no inbound listeners.
    let inbound = format!(
        "kind: EnvoyFilter\napiVersion: networking.istio.io/v1alpha3\nmetadata: {{name: a, namespace: bookstore}}\nspec: {{configPatches: [{{{missing}}}]}}\n"
    );
    assert!(!compared(CLIENT, &inbound).iter().any(|(_, what)| what.starts_with("EnvoyFilter")));
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

fn all_there(dump: &str, manifests: &str) -> Vec<String> {
    let lines = compared(dump, manifests);
    assert!(lines.iter().all(|(good, _)| *good == Truth::Yes), "{lines:?}");
    lines.into_iter().map(|(_, what)| what).collect()
}

#[test]
fn what_istiod_made_of_these_manifests_is_there() {
    let there = all_there(CLIENT, CLIENT_MANIFESTS);
    assert!(there.contains(&"VirtualService bookstore/catalog: is there".to_owned()), "{there:?}");
    assert!(there.contains(&"DestinationRule bookstore/partner: is there".to_owned()), "{there:?}");
    let there = all_there(GATEWAY, GATEWAY_MANIFESTS);
    assert!(there.contains(&"VirtualService public/shop: is there".to_owned()), "{there:?}");
    let there = all_there(SERVER, SERVER_MANIFESTS);
    assert!(there.contains(&"AuthorizationPolicy shop/deny-admin: is there".to_owned()), "{there:?}");
}

#[test]
fn what_is_late_is_missing_or_different() {
    let of = |dump: &str, manifests: &str, words: &str| {
        let lines = compared(dump, manifests);
        lines.into_iter().find(|(_, what)| what.contains(words)).map(|(good, _)| good)
    };
    let changed = CLIENT_MANIFESTS.replace("timeout: 3s", "timeout: 7s");
    assert_eq!(of(CLIENT, &changed, "route 4 has the timeout 3s in the proxy and 7s in the manifest"), Some(Truth::No));
    let shorter = CLIENT_MANIFESTS
        .replace("    - uri:\n        prefix: /v3\n", "    - uri:\n        prefix: /v3\n    - uri:\n        prefix: /v4\n");
    assert_eq!(of(CLIENT, &shorter, "the proxy has 4 routes of it, the manifest makes 5"), Some(Truth::Unknown));

    let renamed = CLIENT_MANIFESTS.replace("  name: catalog\n", "  name: katalog\n");
    // A Sidecar may hide a VirtualService, and another rule holds for the host.
    let absent = "not in this proxy, perhaps rightly: DestinationRule bookstore/katalog, VirtualService bookstore/katalog";
    assert_eq!(of(CLIENT, &renamed, absent), Some(Truth::Unknown));
    let unknown = "not among the given files: DestinationRule bookstore/catalog, VirtualService bookstore/catalog";
    assert_eq!(of(CLIENT, &renamed, unknown), Some(Truth::Unknown));

    let rule = |more: &str| {
        let rule = "kind: DestinationRule\napiVersion: networking.istio.io/v1\nmetadata: {name: late, namespace: bookstore}";
        format!("{CLIENT_MANIFESTS}\n---\n{rule}\nspec: {{host: prices{more}}}\n")
    };
    let late = "DestinationRule bookstore/late: is for this proxy";
    assert_eq!(of(CLIENT, &rule(""), late), Some(Truth::No));
    assert_eq!(of(CLIENT, &rule(", workloadSelector: {matchLabels: {app: storefront}}"), late), None);
    assert_eq!(of(CLIENT, &rule(", exportTo: [comms]"), "late"), None);

    let policy = |action: &str| {
        let policy = "kind: AuthorizationPolicy\napiVersion: security.istio.io/v1\nmetadata: {name: late, namespace: shop}";
        format!("{policy}\nspec: {{action: {action}, selector: {{matchLabels: {{app: orders}}}}, rules: [{{}}]}}\n")
    };
    assert_eq!(of(SERVER, &policy("DENY"), "AuthorizationPolicy shop/late: is for this proxy"), Some(Truth::No));
    assert_eq!(of(SERVER, &policy("AUDIT"), "shop/late"), None);
    assert_eq!(of(SERVER, &policy("DENY").replace("app: orders", "app: other"), "shop/late"), None);

    let moved = GATEWAY_MANIFESTS.replace("  name: shop\n", "  name: shop-2\n");
    assert_eq!(of(GATEWAY, &moved, "VirtualService public/shop-2"), Some(Truth::No));
}
