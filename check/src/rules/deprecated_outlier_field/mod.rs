//! Outlier detection counts with a field that istiod no longer reads.

use crate::edit::Edit;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::DestinationRule;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC312",
    slug: "deprecated-outlier-field",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &["IST0133"],
    kinds: [DestinationRule],
    each: DestinationRule,
    message: "consecutiveErrors: {count} is not read; 5 errors with a status of 5xx eject an endpoint",
    message_zh: "consecutiveErrors: {count} 不会被读取，实际是连续 5 个 5xx 才摘除 endpoint",
    confirm: &[
        Confirm {
            id: "cluster",
            steps: &[
                Command("istioctl proxy-config clusters {pod}.{namespace} --fqdn {host} -o json | grep -A8 outlierDetection"),
                Note(
                    "There is an outlierDetection, and the number is not in it.",
                    "有 outlierDetection，但里面没有这个数字。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "rename",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "# DestinationRule\nspec:\n  trafficPolicy:\n    outlierDetection:\n      consecutive5xxErrors: 7\n",
                ),
                Note(
                    "consecutive5xxErrors counts all answers with 5xx; consecutiveGatewayErrors only 502, 503 and 504, as the old field did. 0 turns either off.",
                    "consecutive5xxErrors 统计所有 5xx；consecutiveGatewayErrors 只统计 502、503、504，和旧字段的含义一样。设为 0 表示关闭。",
                ),
            ],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/networking/destination-rule/#OutlierDetection",
        "Istio pilot/pkg/networking/core/cluster_traffic_policy.go, 1.30",
    ],
}

fn check<'a>(_: &Mesh<'a>, rule: DestinationRule<'a>, findings: &mut Findings<'a>) {
    for policy in rule.policies().flat_map(|policy| std::iter::once(policy).chain(policy.ports())) {
        let Some((_, detection)) = policy.outlier_detection() else { continue };
        let Some((key, value)) = detection.entry("consecutiveErrors") else { continue };
        let count = value.text().unwrap_or_default();
        let finding = Finding::new(&rule.0, key).with("count", count);
        let is_said_twice = detection.get("consecutive5xxErrors").is_some();
        let edit = if is_said_twice { Edit::remove_entry(key, value) } else { Edit::replace(key, "consecutive5xxErrors") };
        findings.add(finding.cured_by(edit));
    }
}
