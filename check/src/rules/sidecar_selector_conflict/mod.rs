//! Two Sidecars select one workload.

use crate::finding::Findings;
use crate::mesh::Mesh;
use crate::model::ResourceKind;
use crate::rules::declare_rule;
use crate::scope::selector_conflicts;

declare_rule! {
    code: "MWC613",
    slug: "sidecar-selector-conflict",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &["IST0110"],
    kinds: [Sidecar],
    message: "{others} select the same workload {workload}",
    message_zh: "{others} 选中了同一个工作负载 {workload}",
    confirm: OLDEST_SIDECAR,
    fixes: ONE_SIDECAR,
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0110/",
        "https://istio.io/latest/docs/reference/config/networking/sidecar/",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for conflict in selector_conflicts(mesh, ResourceKind::Sidecar) {
        findings.add(conflict.finding(mesh));
    }
}
