//! NetworkPolicies let a pod with a proxy reach everything that they name, and istiod is not among it.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{Kind, Resource, Workload};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC322",
    slug: "network-policy-blocks-istiod",
    since: "0.1.0",
    severity: Error,
    explains: [xds_unreachable, proxy_not_ready],
    equivalent: &[],
    kinds: [NetworkPolicy],
    message: "the proxies of {workload} may not reach istiod on port 15012",
    message_zh: "{workload} 的代理无法访问 istiod 的 15012 端口",
    confirm: &[
        Confirm {
            id: "policies",
            steps: &[
                Command("kubectl -n {namespace} get networkpolicies -o wide"),
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy | grep -iE 'xds|istiod|connection'"),
                Note(
                    "The proxy says that it cannot connect to istiod.istio-system.svc:15012, and does not become ready.",
                    "代理日志说连不上 istiod.istio-system.svc:15012，并且一直不就绪。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "allow-istiod",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Resource,
                "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: allow-istiod\n  namespace: {namespace}\nspec:\n  podSelector: {}\n  policyTypes: [Egress]\n  egress:\n    - to:\n        - namespaceSelector:\n            matchLabels:\n              kubernetes.io/metadata.name: istio-system\n      ports:\n        - port: 15012\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/deployment/application-requirements/#ports-used-by-istio",
        "https://kubernetes.io/docs/concepts/services-networking/network-policies/",
    ],
}

/// Where istiod answers proxies.
const ISTIOD: i64 = 15012;

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let policies: Vec<_> = mesh.of(Kind::NetworkPolicy).filter(|policy| restricts_egress(*policy)).collect();
    for policy in &policies {
        let Some(workload) = selected(mesh, *policy).into_iter().find(|workload| mesh.has_proxy(workload) == Some(true)) else {
            continue;
        };
        let others: Vec<_> = policies.iter().filter(|other| other.namespace == policy.namespace).collect();
        let of_workload = others.iter().filter(|other| selects(***other, &workload)).copied();
        let is_first = of_workload.clone().next() == Some(policy);
        if is_first && !of_workload.clone().flat_map(|policy| policy.spec().list("egress")).any(may_reach_istiod) {
            let place = policy.spec().entry("egress").map_or_else(|| policy.name_node(), |(key, _)| key);
            let finding = Finding::new(policy, place).with("workload", workload.resource.name);
            findings.add(finding.beside(&workload.resource, workload.resource.name_node()).likely());
        }
    }
}

fn restricts_egress(policy: Resource<'_>) -> bool {
    let mut types = policy.spec().list("policyTypes").peekable();
    match types.peek() {
        None => policy.spec().get("egress").is_some(),
        Some(_) => types.any(|kind| kind.text() == Some("Egress")),
    }
}

/// Whether a policy holds for the pods; `false` for selectors that are more than labels.
fn selects(policy: Resource<'_>, workload: &Workload<'_>) -> bool {
    let labels = policy.spec().at(&["podSelector", "matchLabels"]);
    !has_expressions(policy) && labels.is_none_or(|labels| crate::model::selects(labels, workload.labels()))
}

fn has_expressions(policy: Resource<'_>) -> bool {
    policy.spec().at(&["podSelector", "matchExpressions"]).is_some()
}

fn selected<'a>(mesh: &Mesh<'a>, policy: Resource<'a>) -> Vec<Workload<'a>> {
    match policy.spec().get("podSelector") {
        Some(selector) if !has_expressions(policy) => {
            mesh.selected(policy.namespace, selector.get("matchLabels").unwrap_or(selector))
        }
        _ => Vec::new(),
    }
}

/// Whether a rule could let it through: whom a rule is for is not looked at.
fn may_reach_istiod(rule: Node<'_>) -> bool {
    let mut ports = rule.list("ports").peekable();
    ports.peek().is_none()
        || ports.any(|port| match port.get("port").map(|port| (port.as_integer(), port.get("endPort"))) {
            Some((Some(first), _)) => {
                let last = port.get("endPort").and_then(Node::as_integer).unwrap_or(first);
                (first..=last).contains(&ISTIOD)
            }
            _ => true,
        })
}
