//! A limit lets one request at a time through.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{DestinationRule, TrafficPolicy};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC319",
    slug: "connection-pool-of-one",
    since: "0.1.0",
    severity: Info,
    persona: Pedantic,
    explains: [circuit_breaker_overflow],
    equivalent: &[],
    kinds: [DestinationRule],
    each: DestinationRule,
    message: "{field}: 1 makes each client's proxy refuse what comes at the same time",
    message_zh: "{field}: 1 会让每个客户端代理拒绝并发的请求",
    confirm: &[
        Confirm {
            id: "overflow",
            steps: &[
                Command("istioctl proxy-config clusters {pod}.{namespace} --fqdn {host} -o json | grep -A12 circuitBreakers"),
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy | grep ' UO '"),
                Note(
                    "Requests with the flag UO were refused by the client's proxy.",
                    "带 flag UO 的请求就是被客户端代理拒绝的。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "measured",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# DestinationRule: what one client's proxy may have at a time\nspec:\n  trafficPolicy:\n    connectionPool:\n      tcp:\n        maxConnections: 100\n      http:\n        http1MaxPendingRequests: 100\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/tasks/traffic-management/circuit-breaking/",
        "https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/circuit_breaking",
    ],
}

/// What counts things at a time.
const LIMITS: [[&str; 2]; 3] = [["tcp", "maxConnections"], ["http", "http1MaxPendingRequests"], ["http", "http2MaxRequests"]];

fn check<'a>(_: &Mesh<'a>, rule: DestinationRule<'a>, findings: &mut Findings<'a>) {
    for policy in rule.policies().flat_map(|policy| std::iter::once(policy).chain(policy.ports())) {
        if let Some((field, value)) = limit_of_one(policy) {
            findings.add(Finding::new(&rule.0, value).with("field", field));
        }
    }
}

fn limit_of_one(policy: TrafficPolicy<'_>) -> Option<(&'static str, Node<'_>)> {
    let pool = policy.0.get("connectionPool")?;
    LIMITS
        .iter()
        .filter_map(|[part, field]| Some((*field, pool.at(&[part, field])?)))
        .find(|(_, value)| value.as_integer() == Some(1))
}
