//! Outlier detection meets endpoints that are not ready, which 1.31 begins to send.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC917",
    slug: "unhealthy-endpoints-sent",
    since: "0.1.0",
    severity: Info,
    upgrade: 31,
    explains: [no_healthy_endpoints],
    equivalent: &[],
    kinds: [DestinationRule],
    message: "outlierDetection without minHealthPercent: from Istio 1.31 on proxies know the endpoints that are not ready",
    message_zh: "outlierDetection 没写 minHealthPercent：从 Istio 1.31 起代理也会收到未就绪的 endpoint",
    confirm: &[
        Confirm {
            id: "endpoints",
            steps: &[
                Command("istioctl proxy-config endpoints {pod}.{namespace} | grep {host}"),
                Note("Endpoints with the status UNHEALTHY are in the list.", "列表里有 UNHEALTHY 的 endpoint。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "keep",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# Helm values of istiod, for the time of the upgrade\npilot:\n  env:\n    PILOT_AUTO_SEND_UNHEALTHY_ENDPOINTS: \"false\"\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &["https://github.com/istio/istio/pull/60690"],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let kept = mesh.istiod_env("PILOT_AUTO_SEND_UNHEALTHY_ENDPOINTS");
    if kept.is_some_and(|(_, value)| value.text() == Some("false")) {
        return;
    }
    for rule in mesh.destination_rules() {
        let Some((key, detection)) = rule.policy().and_then(|policy| policy.0.entry("outlierDetection")) else { continue };
        if detection.get("minHealthPercent").is_none() {
            findings.add(Finding::new(&rule.0, key).likely());
        }
    }
}
