//! The filter of an access log keeps server errors only, and drops failures that have another status.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::Resource;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC806",
    slug: "access-log-hides-failures",
    since: "0.1.0",
    severity: Info,
    explains: [],
    equivalent: &[],
    kinds: [Telemetry],
    each: Resource,
    message: "the filter {filter} also drops failures with another status, such as 0 or a gRPC status",
    message_zh: "过滤条件 {filter} 会把其他状态的失败也丢掉，比如状态码 0 或 gRPC 状态",
    confirm: &[
        Confirm {
            id: "log",
            steps: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy --tail=100"),
                Note("A request that the client gave up (0 DC) leaves no line.", "客户端主动断开的请求（0 DC）在日志里没有记录。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "widen",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# Telemetry\nspec:\n  accessLogging:\n    - providers:\n        - name: envoy\n      filter:\n        expression: \"response.code >= 400 || response.code == 0 || response.grpc_status > 0 || !has(response.code)\"\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/tasks/observability/logs/telemetry-api/",
        "https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes",
    ],
}

/// What an expression mentions that keeps failures without an HTTP error status.
const KEEPS_OTHERS: [&str; 7] =
    ["response.flags", "grpc_status", "response.code_details", "==0", "<", "has(", "connection.termination_details"];

fn check<'a>(_: &Mesh<'a>, telemetry: Resource<'a>, findings: &mut Findings<'a>) {
    let filters = telemetry.spec().list("accessLogging").filter_map(|entry| entry.at(&["filter", "expression"]));
    for node in filters {
        if let Some(filter) = node.text().filter(|filter| hides_failures(filter)) {
            findings.add(Finding::new(&telemetry, node).with("filter", filter));
        }
    }
}

/// Whether only a lower bound for the status lets a line through.
fn hides_failures(filter: &str) -> bool {
    let dense: String = filter.chars().filter(|character| !character.is_whitespace()).collect();
    let bounds = dense.match_indices("response.code>").filter_map(|(at, matched)| {
        let rest = dense.get(at + matched.len()..)?.trim_start_matches('=');
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u32>().ok()
    });
    bounds.min().is_some_and(|bound| bound >= 399) && !KEEPS_OTHERS.iter().any(|kept| dense.contains(kept))
}
