//! Two Telemetries select one workload.

use crate::finding::Findings;
use crate::mesh::Mesh;
use crate::model::ResourceKind;
use crate::rules::declare_rule;
use crate::scope::selector_conflicts;

declare_rule! {
    code: "MWC801",
    slug: "telemetry-selector-conflict",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &["IST0159"],
    kinds: [Telemetry],
    message: "{others} select the same workload {workload}",
    message_zh: "{others} 选中了同一个工作负载 {workload}",
    confirm: OLDEST_TELEMETRY,
    fixes: ONE_TELEMETRY,
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0159/",
        "https://istio.io/latest/docs/reference/config/telemetry/",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for conflict in selector_conflicts(mesh, ResourceKind::Telemetry) {
        findings.add(conflict.finding(mesh));
    }
}
