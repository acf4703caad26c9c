//! Tokens are validated, and nothing asks for one.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{AuthorizationPolicy, PolicyAction, Resource, ResourceKind};
use crate::rules::declare_rule;
use crate::scope::Counterparts;

declare_rule! {
    code: "MWC609",
    slug: "authentication-without-requirement",
    since: "0.1.0",
    severity: Info,
    persona: Security,
    explains: [],
    equivalent: &[],
    kinds: [RequestAuthentication],
    message: "{authentication} refuses bad tokens, and lets requests without a token pass",
    message_zh: "{authentication} 会拒绝无效的 token，但不带 token 的请求照样放行",
    confirm: &[
        Confirm {
            id: "anonymous",
            steps: &[
                Command("kubectl -n {namespace} get authorizationpolicy -o yaml"),
                Note(
                    "None of them names requestPrincipals, notRequestPrincipals or request.auth.*.",
                    "没有一个用到 requestPrincipals、notRequestPrincipals 或 request.auth.*。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "require",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Resource,
                "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata:\n  name: require-token\n  namespace: {namespace}\nspec:\n  # the selector or targetRefs of the RequestAuthentication\n  action: DENY\n  rules:\n    - from:\n        - source:\n            notRequestPrincipals: [\"*\"]\n      to:\n        - operation:\n            ports: [\"{port}\"]\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/concepts/security/#request-authentication",
        "https://istio.io/latest/docs/tasks/security/authentication/authn-policy/#require-a-valid-token",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let requiring: Vec<_> = mesh.of(ResourceKind::AuthorizationPolicy).filter(requires_token).collect();
    let counterparts = Counterparts::of(requiring.iter().copied());
    let mut by_claim = None;
    for authentication in mesh.of(ResourceKind::RequestAuthentication) {
        let Some(rules) = authentication.spec().get("jwtRules").filter(|rules| !rules.is_empty()) else { continue };
        let spans_mesh = authentication.namespace == mesh.root_namespace();
        let is_required = counterparts.meet(mesh, &authentication) || spans_mesh && !requiring.is_empty();
        if !is_required && !*by_claim.get_or_insert_with(|| routes_by_claim(mesh)) {
            findings.add(Finding::new(&authentication, rules).with("authentication", authentication.name).likely());
        }
    }
}

/// Whether a policy looks at tokens; one that calls an authorization service may do so as well.
fn requires_token(policy: &Resource<'_>) -> bool {
    let policy = AuthorizationPolicy(*policy);
    policy.action() == Some(PolicyAction::Custom)
        || policy.rules().flat_map(|rule| rule.conditions()).any(|condition| condition.is_of_token())
}

/// Whether a route matches on claims, so that requests without a token find no route.
fn routes_by_claim(mesh: &Mesh<'_>) -> bool {
    let routes = mesh.of(ResourceKind::VirtualService).flat_map(|service| service.spec().list("http"));
    let headers = routes.flat_map(|route| route.list("match")).filter_map(|matched| matched.get("headers"));
    let mut names = headers.flat_map(Node::entries).filter_map(|(name, _)| name.text());
    names.any(|name| name.starts_with("@request.auth"))
}
