//! Requests with the method QUERY are routed, and Envoy 1.40 asks them for a content type.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{Route, VirtualService};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC932",
    slug: "query-without-content-type",
    since: "0.1.0",
    severity: Info,
    upgrade: 32,
    explains: [protocol_error_downstream],
    equivalent: &[],
    kinds: [VirtualService],
    each: VirtualService,
    message: "from Istio 1.32 on QUERY without a content-type gets 400",
    message_zh: "从 Istio 1.32 起，不带 content-type 的 QUERY 请求返回 400",
    confirm: &[
        Confirm {
            id: "log",
            steps: &[Command("kubectl -n {namespace} logs {pod} -c istio-proxy | grep query_missing_content_type")],
        },
    ],
    fixes: &[
        Fix {
            id: "client",
            applicability: Manual,
            steps: &[Note("Let the clients send a content-type with QUERY.", "让客户端在 QUERY 请求里带上 content-type。")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &["https://www.envoyproxy.io/docs/envoy/latest/version_history/v1.40/v1.40.0"],
}

fn check<'a>(_: &Mesh<'a>, service: VirtualService<'a>, findings: &mut Findings<'a>) {
    for matched in service.routes().flat_map(Route::matches) {
        let Some(method) = matched.at(&["method", "exact"]).filter(|method| method.text() == Some("QUERY")) else { continue };
        findings.add(Finding::new(&service.0, method).likely());
    }
}
