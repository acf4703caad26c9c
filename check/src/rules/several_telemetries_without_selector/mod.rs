//! A namespace has several Telemetries without a selector.

use crate::finding::Findings;
use crate::mesh::Mesh;
use crate::model::ResourceKind;
use crate::rules::declare_rule;
use crate::scope::default_conflicts;

declare_rule! {
    code: "MWC802",
    slug: "several-telemetries-without-selector",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &["IST0160"],
    kinds: [Telemetry],
    message: "{others} hold for the whole namespace {namespace}",
    message_zh: "{others} 都对整个 namespace {namespace} 生效",
    confirm: OLDEST_TELEMETRY,
    fixes: ONE_TELEMETRY,
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0160/",
        "https://istio.io/latest/docs/reference/config/telemetry/",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for conflict in default_conflicts(mesh, ResourceKind::Telemetry) {
        findings.add(conflict.finding(mesh));
    }
}
