//! A patch puts an HTTP filter behind the router, which must be the last.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{ConfigPatch, EnvoyFilter};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC764",
    slug: "filter-after-router",
    since: "0.1.0",
    severity: Error,
    explains: [config_rejected],
    equivalent: &[],
    kinds: [EnvoyFilter],
    each: EnvoyFilter,
    message: "{operation} puts the filter behind the router, and Envoy rejects the listener",
    message_zh: "{operation} 会把 filter 放到 router 后面，Envoy 会拒绝这个 listener",
    confirm: &[
        Confirm {
            id: "rejected",
            steps: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy | grep \"terminal filter\""),
                Note("The router must be the last filter, says Envoy.", "Envoy 提示 router 必须是最后一个 filter。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "before",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "match:\n  listener:\n    filterChain:\n      filter:\n        name: envoy.filters.network.http_connection_manager\n        subFilter:\n          name: envoy.filters.http.router\npatch:\n  operation: INSERT_BEFORE\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/networking/envoy-filter/#EnvoyFilter-ConfigPatch-Operation",
        "https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/http/http_filters",
        "Istio pilot/pkg/networking/core/envoyfilter/listener_patch.go, 1.30",
    ],
}

fn check<'a>(_: &Mesh<'a>, filter: EnvoyFilter<'a>, findings: &mut Findings<'a>) {
    for patch in filter.patches().filter(|patch| patch.apply_to() == Some("HTTP_FILTER")) {
        let Some(operation) = patch.operation().filter(|_| is_last(patch) && !is_terminal(patch)) else { continue };
        findings.add(Finding::new(&filter.0, operation).with("operation", operation.text().unwrap_or_default()));
    }
}

fn is_last(patch: ConfigPatch<'_>) -> bool {
    let anchor = patch.anchor().and_then(|anchor| anchor.text());
    match patch.operation_name() {
        Some("ADD") => true,
        Some("INSERT_AFTER") => anchor.is_none_or(|anchor| anchor == "envoy.filters.http.router"),
        _ => false,
    }
}

/// Whether it may take the router's place, after a patch that removes that one.
fn is_terminal(patch: ConfigPatch<'_>) -> bool {
    patch.value_name().is_some_and(|name| name.ends_with(".router"))
}
