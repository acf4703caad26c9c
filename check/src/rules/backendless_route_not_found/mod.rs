//! An HTTPRoute's rule has no backend, and 1.30 answers otherwise.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{Resource, ResourceKind};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC913",
    slug: "backendless-route-not-found",
    since: "0.1.0",
    severity: Warning,
    upgrade: 30,
    explains: [direct_response],
    equivalent: &[],
    kinds: [HTTPRoute],
    message: "a rule without backendRefs answers 404 with Istio 1.30, 500 before and after",
    message_zh: "没有 backendRefs 的规则在 Istio 1.30 返回 404，之前和之后都是 500",
    confirm: DIRECT_RESPONSE,
    fixes: BACKEND_REFERENCE,
    sources: &[
        "https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule",
        "https://github.com/istio/istio/issues/59356",
    ],
}

/// The rules of HTTPRoutes that send requests nowhere and answer nothing themselves.
pub(super) fn backendless<'a>(mesh: &Mesh<'a>) -> impl Iterator<Item = (Resource<'a>, Node<'a>)> {
    let answers = |filter: Node<'_>| filter.str_at(&["type"]) != Some("RequestHeaderModifier");
    mesh.of(ResourceKind::HTTPRoute).flat_map(move |route| {
        let rules = route.spec().list("rules");
        let open = rules.filter(move |rule| rule.is_mapping() && rule.list("backendRefs").next().is_none());
        open.filter(move |rule| !rule.list("filters").any(answers)).map(move |rule| (route, rule))
    })
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for (route, rule) in backendless(mesh) {
        findings.add(Finding::new(&route, rule));
    }
}
