//! A policy denies by HTTP attributes where only ztunnel enforces it.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::Resource;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC930",
    slug: "http-deny-at-ztunnel",
    since: "0.1.0",
    severity: Error,
    upgrade: 32,
    explains: [],
    equivalent: &[],
    kinds: [AuthorizationPolicy],
    each: Resource,
    message: "from Istio 1.32 on ztunnel does not enforce this DENY: it knows no {attribute}",
    message_zh: "从 Istio 1.32 起 ztunnel 不执行这条 DENY：它看不到 {attribute}",
    confirm: &[
        Confirm {
            id: "status",
            steps: &[
                Command("kubectl -n {namespace} get authorizationpolicies -o yaml"),
                Note("The status says that ztunnel does not support the rule.", "status 里写明 ztunnel 不支持这条规则。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "waypoint",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# AuthorizationPolicy for a waypoint\nspec:\n  targetRefs:\n    - group: \"\"\n      kind: Service\n      name: {service}\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ambient/usage/l4-policy/",
        "https://github.com/istio/istio/issues/61126",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, policy: Resource<'a>, findings: &mut Findings<'a>) {
    let spec = policy.spec();
    let is_targeted = spec.get("targetRefs").or_else(|| spec.get("targetRef")).is_some();
    if spec.str_at(&["action"]) != Some("DENY") || is_targeted || mesh.is_ambient(policy.namespace) != Some(true) {
        return;
    }
    for (rule, attribute) in spec.list("rules").filter_map(only_http) {
        findings.add(Finding::new(&policy, rule).with("attribute", attribute));
    }
}

/// A rule whose attributes are all of HTTP, with one of them.
fn only_http(rule: Node<'_>) -> Option<(Node<'_>, &str)> {
    let operations = || rule.list("to").filter_map(|to| to.get("operation")).flat_map(Node::entries);
    let sources = || rule.list("from").filter_map(|from| from.get("source")).flat_map(Node::entries);
    let keys = || operations().chain(sources()).filter_map(|(key, _)| key.text());
    let http = ["hosts", "notHosts", "methods", "notMethods", "paths", "notPaths", "requestPrincipals", "notRequestPrincipals"];
    let is_http = |key: &str| http.contains(&key);
    let all = keys().all(is_http) && rule.list("when").next().is_none();
    keys().next().filter(|_| all).map(|attribute| (rule, attribute))
}
