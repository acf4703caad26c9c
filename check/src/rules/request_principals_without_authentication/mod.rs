//! A policy asks for a token's contents where nothing validates tokens.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{AuthorizationPolicy, ResourceKind};
use crate::rules::declare_rule;
use crate::scope::Counterparts;

declare_rule! {
    code: "MWC608",
    slug: "request-principals-without-authentication",
    since: "0.1.0",
    severity: Error,
    explains: [rbac_denied],
    equivalent: &[],
    kinds: [RequestAuthentication],
    message: "{field} never matches: no RequestAuthentication holds for the same workload",
    message_zh: "{field} 永远匹配不上：没有 RequestAuthentication 对同一个工作负载生效",
    confirm: &[
        Confirm {
            id: "authentications",
            steps: &[
                Command("kubectl -n {policy_namespace} get requestauthentication -o yaml"),
                Note("None of them has a selector or targetRefs for this workload.", "没有一个的 selector 或 targetRefs 指向这个工作负载。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "authenticate",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Resource,
                "apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata:\n  name: {workload}\n  namespace: {namespace}\nspec:\n  selector:\n    matchLabels:\n      app: {workload}\n  jwtRules:\n    - issuer: https://issuer.example.com\n      jwksUri: https://issuer.example.com/.well-known/jwks.json\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/concepts/security/#request-authentication",
        "https://istio.io/latest/docs/reference/config/security/conditions/",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let authentications = Counterparts::of(mesh.of(ResourceKind::RequestAuthentication));
    for policy in mesh.of(ResourceKind::AuthorizationPolicy).map(AuthorizationPolicy) {
        let mut asked = policy.rules().flat_map(|rule| rule.conditions()).filter(|condition| condition.is_of_token()).peekable();
        let Some(first) = asked.peek().copied() else { continue };
        let mut near = authentications.near(mesh, &policy.0).peekable();
        if near.peek().is_none() {
            findings.unknown(&policy.0, first.node, format!("RequestAuthentication in {}", policy.0.namespace));
            continue;
        }
        if authentications.meet(mesh, &policy.0) {
            continue;
        }
        for condition in asked {
            let finding = Finding::new(&policy.0, condition.node).with("field", condition.name).likely();
            findings.add(near.clone().take(3).fold(finding, |finding, found| finding.beside(&found, found.spec())));
        }
    }
}
