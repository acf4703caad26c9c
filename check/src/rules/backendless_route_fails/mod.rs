//! An HTTPRoute's rule has no backend, and 1.31 answers otherwise than 1.30.

use super::backendless_route_not_found::backendless;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC914",
    slug: "backendless-route-fails",
    since: "0.1.0",
    severity: Warning,
    upgrade: 31,
    explains: [direct_response],
    equivalent: &[],
    kinds: [HTTPRoute],
    message: "a rule without backendRefs answers 500 from Istio 1.31 on, 404 with 1.30",
    message_zh: "没有 backendRefs 的规则从 Istio 1.31 起返回 500，1.30 返回 404",
    confirm: DIRECT_RESPONSE,
    fixes: BACKEND_REFERENCE,
    sources: &[
        "https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule",
        "https://github.com/istio/istio/issues/60787",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    // Whoever comes from before 1.30 had 500 all along.
    if mesh.settings.upgrade.is_some_and(|(from, _)| from < 30) {
        return;
    }
    for (route, rule) in backendless(mesh) {
        findings.add(Finding::new(&route, rule));
    }
}
