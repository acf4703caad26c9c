//! A workload reads istiod's debug endpoints, which 1.29 gives only to those who authenticate.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC925",
    slug: "debug-endpoint-unauthenticated",
    since: "0.1.0",
    severity: Warning,
    upgrade: 29,
    explains: [],
    equivalent: &[],
    kinds: [],
    message: "from Istio 1.29 on {address} answers 401 without a token",
    message_zh: "从 Istio 1.29 起，不带 token 访问 {address} 返回 401",
    confirm: &[
        Confirm {
            id: "log",
            steps: &[Command("kubectl -n {namespace} logs {pod}"), Note("Requests to istiod answer 401 or 403.", "访问 istiod 的请求返回 401 或 403。")],
        },
    ],
    fixes: &[
        Fix {
            id: "istioctl",
            applicability: Review,
            steps: &[Command("istioctl x internal-debug syncz"), Command("istioctl proxy-status")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &["https://istio.io/latest/news/releases/1.29.x/announcing-1.29/upgrade-notes/"],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    if mesh.istiod_env("ENABLE_DEBUG_ENDPOINT_AUTH").is_some_and(|(_, value)| value.text() == Some("false")) {
        return;
    }
    for workload in mesh.workloads() {
        for container in workload.containers() {
            let env = container.0.list("env").filter_map(|entry| entry.get("value"));
            let words = container.0.list("command").chain(container.0.list("args")).chain(env);
            let reads = |text: &str| text.contains("istiod") && (text.contains(":15014/debug") || text.contains(":8080/debug"));
            for word in words.filter(|word| word.text().is_some_and(reads)) {
                findings.add(Finding::new(&workload.resource, word).with("address", "istiod/debug").likely());
            }
        }
    }
}
