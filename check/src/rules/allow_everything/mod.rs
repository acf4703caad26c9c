//! A rule of an ALLOW policy has no condition.

use crate::document::Node;
use crate::finding::{Finding, Findings, Severity};
use crate::mesh::Mesh;
use crate::model::{AuthorizationPolicy, PolicyAction, PolicyRule};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC606",
    slug: "allow-everything",
    since: "0.1.0",
    severity: Warning,
    persona: Security,
    explains: [],
    equivalent: &[],
    kinds: [AuthorizationPolicy],
    each: AuthorizationPolicy,
    message: "this rule of {policy} matches every request",
    message_zh: "{policy} 的这条规则会匹配所有请求",
    confirm: &[
        Confirm {
            id: "authz",
            steps: &[
                Command("kubectl -n {policy_namespace} get authorizationpolicy {policy} -o yaml"),
                Note("The rule has no from, to or when, or only * in them.", "这条规则没有 from、to、when，或者里面只有 *。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "narrow",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# AuthorizationPolicy {policy}\nspec:\n  rules:\n    - from:\n        - source:\n            principals: [\"cluster.local/ns/{namespace}/sa/{workload}\"]\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/concepts/security/#allow-nothing-deny-all-and-allow-all-policy",
        "https://istio.io/latest/docs/reference/config/security/authorization-policy/#Rule",
        "Istio pilot/pkg/security/authz/model/model.go, 1.30",
    ],
}

fn check<'a>(_: &Mesh<'a>, policy: AuthorizationPolicy<'a>, findings: &mut Findings<'a>) {
    if policy.action() != Some(PolicyAction::Allow) || policy.is_dry_run() {
        return;
    }
    for rule in policy.rules().filter(|rule| rule.0.is_mapping() && matches_everything(*rule)) {
        let finding = Finding::new(&policy.0, rule.0).with("policy", policy.0.name);
        // Something is written that Istio does not read: the rule was meant to be narrower.
        let has_lost_conditions = rule.0.entries().any(|(key, _)| !matches!(key.text(), Some("from" | "to" | "when")));
        findings.add(if has_lost_conditions { finding.of_severity(Severity::Error) } else { finding });
    }
}

fn matches_everything(rule: PolicyRule<'_>) -> bool {
    let says = |key: &str| rule.0.get(key).is_some_and(|list| !list.is_empty());
    let is_open = |key: &str, inner: &str, allows_all: fn(Node<'_>) -> bool| {
        !says(key) || rule.0.list(key).any(|item| item.get(inner).is_some_and(allows_all))
    };
    !says("when") && is_open("from", "source", is_any_source) && is_open("to", "operation", is_any_operation)
}

/// Whether a source holds for every address. `*` among principals or namespaces does not: it asks for mutual TLS.
fn is_any_source(source: Node<'_>) -> bool {
    let holds_for_all = |(key, values): (Node<'_>, Node<'_>)| {
        matches!(key.text(), Some("ipBlocks" | "remoteIpBlocks")) && values.items().any(|value| value.text() == Some("0.0.0.0/0"))
    };
    !source.is_empty() && source.entries().all(holds_for_all)
}

fn is_any_operation(operation: Node<'_>) -> bool {
    let holds_for_all = |(key, values): (Node<'_>, Node<'_>)| match key.text() {
        Some("methods" | "hosts") => values.items().any(|value| value.text() == Some("*")),
        Some("paths") => values.items().any(|value| matches!(value.text(), Some("*" | "/*"))),
        _ => false,
    };
    !operation.is_empty() && operation.entries().all(holds_for_all)
}
