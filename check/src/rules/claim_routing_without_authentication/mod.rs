//! A route matches on the claims of a token that nothing at the gateway reads.

use std::collections::BTreeSet;

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::{Mesh, ROOT_NAMESPACE};
use crate::model::{Gateway, Resource, ResourceKind, Workload, selects};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC214",
    slug: "claim-routing-without-authentication",
    since: "0.1.0",
    severity: Error,
    explains: [no_route],
    equivalent: &["IST0149"],
    kinds: [VirtualService],
    message: "no RequestAuthentication covers the pods of the Gateway {gateway}, so {claim} never matches",
    message_zh: "没有 RequestAuthentication 覆盖 Gateway {gateway} 的 Pod，{claim} 永远匹配不上",
    confirm: &[
        Confirm {
            id: "policies",
            steps: &[
                Command("kubectl get requestauthentications --all-namespaces"),
                Note(
                    "None is in the namespace of the gateway's pods, or in the root namespace, with a selector that fits their labels.",
                    "网关 Pod 所在的 namespace 和根 namespace 里，都没有 selector 对得上的 RequestAuthentication。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "authenticate",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Resource,
                "apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata:\n  name: gateway-jwt\n  namespace: istio-ingress\nspec:\n  selector:\n    matchLabels:\n      istio: ingress\n  jwtRules:\n    - issuer: https://issuer.example.com\n      jwksUri: https://issuer.example.com/.well-known/jwks.json\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0149/",
        "https://istio.io/latest/docs/tasks/security/authentication/jwt-route/",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let policies: Vec<_> = mesh.of(ResourceKind::RequestAuthentication).collect();
    for service in mesh.virtual_services() {
        let Some(claim) = service.http().find_map(claim_of) else { continue };
        for (_, (namespace, name)) in service.named_gateways() {
            let Some(gateway) = mesh.find(ResourceKind::Gateway, namespace, name).map(Gateway) else { continue };
            let Some(selector) = gateway.selector() else { continue };
            let pods = mesh.selected_anywhere(selector);
            let is_covered = match pods.is_empty() {
                true => policies.iter().any(|policy| could_cover(policy, selector)),
                false => pods.iter().all(|pod| policies.iter().any(|policy| covers(policy, pod))),
            };
            if !is_covered {
                let finding = Finding::new(&service.0, claim).with("claim", claim.text().unwrap_or_default());
                findings.add(finding.with("gateway", format!("{namespace}/{name}")).beside(&gateway.0, selector).likely());
                break;
            }
        }
    }
}

/// The first key of a route's matches that asks for a claim.
fn claim_of(route: Node<'_>) -> Option<Node<'_>> {
    let asked = |key: &'static str| route.list("match").filter_map(move |matched| matched.get(key));
    let mut keys = asked("headers").chain(asked("withoutHeaders")).flat_map(Node::entries).map(|(key, _)| key);
    let is_claim = |key: &str| key.strip_prefix("@request.auth.claims").is_some_and(|rest| rest.starts_with(['.', '[']));
    keys.find(|key| key.text().is_some_and(is_claim))
}

fn covers(policy: &Resource<'_>, pod: &Workload<'_>) -> bool {
    let is_near = policy.namespace == ROOT_NAMESPACE || policy.namespace == pod.resource.namespace;
    is_near && policy.selector().is_none_or(|selector| selects(selector, pod.labels()))
}

/// Whether a policy could be for pods of which only the Gateway's selector is known.
fn could_cover(policy: &Resource<'_>, selector: Node<'_>) -> bool {
    let asked = |node: Node<'_>| -> BTreeSet<(Option<String>, Option<String>)> {
        node.entries().map(|(key, value)| (key.text().map(str::to_owned), value.text().map(str::to_owned))).collect()
    };
    let own = asked(selector);
    policy.selector().is_none_or(|wanted| asked(wanted).iter().any(|label| own.contains(label)))
}
