//! A namespace has several Sidecars without a selector.

use crate::finding::Findings;
use crate::mesh::Mesh;
use crate::model::ResourceKind;
use crate::rules::declare_rule;
use crate::scope::default_conflicts;

declare_rule! {
    code: "MWC614",
    slug: "several-sidecars-without-selector",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &["IST0111"],
    kinds: [Sidecar],
    message: "{others} hold for the whole namespace {namespace}",
    message_zh: "{others} 都对整个 namespace {namespace} 生效",
    confirm: OLDEST_SIDECAR,
    fixes: ONE_SIDECAR,
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0111/",
        "https://istio.io/latest/docs/reference/config/networking/sidecar/",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for conflict in default_conflicts(mesh, ResourceKind::Sidecar) {
        findings.add(conflict.finding(mesh));
    }
}
