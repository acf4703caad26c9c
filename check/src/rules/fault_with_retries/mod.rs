//! A route with a fault has retries or a timeout, which faults do not meet.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::VirtualService;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC213",
    slug: "fault-with-retries",
    since: "0.1.0",
    severity: Warning,
    explains: [fault_injected],
    equivalent: &[],
    kinds: [VirtualService],
    each: VirtualService,
    message: "this route's fault comes before its {what}, which do not see it",
    message_zh: "这条路由的 fault 先于 {what} 执行，{what} 对它不起作用",
    confirm: &[
        Confirm {
            id: "log",
            steps: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy"),
                Note("One line for each request with the flag FI or DI and no upstream host: it was never tried again.", "每个请求只有一行，flag 是 FI 或 DI，没有 upstream host：根本没有重试。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "server",
            applicability: Manual,
            steps: &[
                Note(
                    "Put the fault where the request arrives: on the VirtualService of a later hop, or with an EnvoyFilter into the server's inbound chain.",
                    "把 fault 放到请求到达的一侧：写在下一跳的 VirtualService 上，或者用 EnvoyFilter 加到服务端的入站链里。",
                ),
                Patch(
                    PatchKind::Resource,
                    "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata:\n  name: {service}-fault\n  namespace: {service_namespace}\nspec:\n  workloadSelector:\n    labels:\n      app: {service}\n  configPatches:\n    - applyTo: HTTP_FILTER\n      match:\n        context: SIDECAR_INBOUND\n        listener:\n          filterChain:\n            filter:\n              name: envoy.filters.network.http_connection_manager\n      patch:\n        operation: INSERT_FIRST\n        value:\n          name: envoy.filters.http.fault\n          typed_config:\n            \"@type\": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault\n            abort:\n              http_status: 500\n              percentage:\n                numerator: 50\n                denominator: HUNDRED\n",
                ),
            ],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/common-problems/network-issues/#virtual-service-with-fault-injection-and-retrytimeout-policies-not-working-as-expected",
        "https://istio.io/latest/docs/concepts/traffic-management/#fault-injection",
    ],
}

fn check<'a>(_: &Mesh<'a>, service: VirtualService<'a>, findings: &mut Findings<'a>) {
    for route in service.http() {
        let Some((fault, _)) = route.entry("fault").filter(|(_, fault)| !fault.is_empty()) else { continue };
        let retries =
            route.get("retries").filter(|retries| retries.get("attempts").and_then(|count| count.as_integer()) != Some(0));
        let timeout = route.get("timeout").filter(|timeout| !matches!(timeout.text(), Some("0s" | "0")));
        let (what, node) = match (retries, timeout) {
            (Some(node), None) => ("retries", node),
            (Some(node), Some(_)) => ("retries, timeout", node),
            (None, Some(node)) => ("timeout", node),
            (None, None) => continue,
        };
        findings.add(Finding::new(&service.0, fault).with("what", what).beside(&service.0, node));
    }
}
