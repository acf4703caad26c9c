//! An alert reads the gauges of what circuit breakers have left, which 1.29 turns off.

use crate::document::Document;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::Resource;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC926",
    slug: "remaining-gauges-off",
    since: "0.1.0",
    severity: Warning,
    upgrade: 29,
    explains: [circuit_breaker_overflow],
    equivalent: &[],
    kinds: [],
    message: "from Istio 1.29 on the gauges remaining_* of circuit breakers are not there",
    message_zh: "从 Istio 1.29 起，circuit breaker 的 remaining_* 指标默认没有了",
    confirm: &[
        Confirm {
            id: "stats",
            steps: &[Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- pilot-agent request GET stats | grep remaining")],
        },
    ],
    fixes: &[
        Fix {
            id: "track",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# Helm values of istiod\npilot:\n  env:\n    DISABLE_TRACK_REMAINING_CB_METRICS: \"false\"\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &["https://istio.io/latest/news/releases/1.29.x/announcing-1.29/upgrade-notes/"],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    if mesh.istiod_env("DISABLE_TRACK_REMAINING_CB_METRICS").is_some_and(|(_, value)| value.text() == Some("false")) {
        return;
    }
    let gauges = ["remaining_cx", "remaining_pending", "remaining_rq", "remaining_retries"];
    let reads = |text: &str| text.contains("circuit_breakers") && gauges.iter().any(|gauge| text.contains(gauge));
    // Rules and dashboards are of kinds of others, and of ConfigMaps.
    for root in mesh.documents().map(Document::root) {
        for node in root.descendants().filter(|node| node.text().is_some_and(reads)) {
            let resource = Resource::read(root, &mesh.settings.namespace);
            findings.add(Finding::within(resource.as_ref(), node).likely());
        }
    }
}
