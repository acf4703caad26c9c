//! A retry budget relies on a default that grows a hundredfold.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::DestinationRule;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC912",
    slug: "retry-budget-default",
    since: "0.1.0",
    severity: Warning,
    upgrade: 30,
    explains: [retry_exhausted, circuit_breaker_overflow],
    equivalent: &[],
    kinds: [DestinationRule],
    each: DestinationRule,
    message: "retryBudget without percent: the default goes from 0.2 % to 20 % with Istio 1.30",
    message_zh: "retryBudget 没写 percent：Istio 1.30 把默认值从 0.2% 改成 20%",
    confirm: &[
        Confirm {
            id: "cluster",
            steps: &[
                Command("istioctl proxy-config clusters {pod}.{namespace} --fqdn {host} -o yaml"),
                Note("Look at the budget_percent of the circuit breakers.", "看 circuit breaker 里的 budget_percent。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "percent",
            applicability: Review,
            steps: &[Patch(PatchKind::Fragment, "# trafficPolicy of the DestinationRule\nretryBudget:\n  percent: 20\n")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/networking/destination-rule/#TrafficPolicy-RetryBudget",
        "Istio release note retry-budget-percent, 1.30",
    ],
}

fn check<'a>(_: &Mesh<'a>, rule: DestinationRule<'a>, findings: &mut Findings<'a>) {
    let budgets = rule.policies().filter_map(|policy| policy.0.entry("retryBudget"));
    for (key, budget) in budgets.filter(|(_, budget)| budget.get("percent").is_none()) {
        let place = if budget.is_empty() { key } else { budget };
        findings.add(Finding::new(&rule.0, place));
    }
}
