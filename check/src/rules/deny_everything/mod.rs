//! An AuthorizationPolicy refuses every request, and its name does not say so.

use crate::document::Node;
use crate::finding::{Finding, Findings, Severity};
use crate::mesh::Mesh;
use crate::model::{AuthorizationPolicy, PolicyAction};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC605",
    slug: "deny-everything",
    since: "0.1.0",
    severity: Info,
    persona: Security,
    explains: [rbac_denied],
    equivalent: &[],
    kinds: [AuthorizationPolicy],
    each: AuthorizationPolicy,
    message: "{policy} refuses every request in its scope",
    message_zh: "{policy} 会拒绝范围内的所有请求",
    confirm: &[
        Confirm {
            id: "authz",
            steps: &[
                Command("istioctl x authz check {pod}.{namespace}"),
                Note("The policy is listed with no rule, or as DENY with an empty one.", "列表里这条策略没有规则，或者是带空规则的 DENY。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "rules",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# AuthorizationPolicy {policy}: whom it lets in\nspec:\n  rules:\n    - from:\n        - source:\n            namespaces: [\"{namespace}\"]\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/concepts/security/#allow-nothing-deny-all-and-allow-all-policy",
        "https://istio.io/latest/docs/reference/config/security/authorization-policy/",
        "Istio pilot/pkg/security/authz/builder/builder.go, 1.30",
    ],
}

fn check<'a>(_: &Mesh<'a>, policy: AuthorizationPolicy<'a>, findings: &mut Findings<'a>) {
    let name = policy.0.name.to_ascii_lowercase();
    let says_so =
        ["deny", "nothing", "none", "block", "default", "lock", "reject", "forbid"].iter().any(|word| name.contains(word));
    let Some(node) = refusal(&policy).filter(|_| !says_so && !policy.is_dry_run()) else { return };
    let finding = Finding::new(&policy.0, node).with("policy", policy.0.name);
    findings.add(if name.contains("allow") { finding.of_severity(Severity::Warning) } else { finding });
}

/// What makes a policy refuse everything.
fn refusal<'a>(policy: &AuthorizationPolicy<'a>) -> Option<Node<'a>> {
    let rules = policy.0.spec().get("rules");
    match policy.action()? {
        PolicyAction::Allow if rules.is_none_or(Node::is_empty) => {
            let spec = policy.0.root.get("spec").filter(|spec| !spec.is_empty());
            Some(rules.or(spec).unwrap_or_else(|| policy.0.name_node()))
        }
        PolicyAction::Deny => policy.rules().map(|rule| rule.0).find(|rule| rule.is_mapping() && rule.is_empty()),
        _ => None,
    }
}
