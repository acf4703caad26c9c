//! NetworkPolicies let a pod with a proxy reach everything that they name, and istiod is not among it.

use foldhash::HashSet;

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::Resource;
use crate::rules::declare_rule;
use crate::rules::network_policy_blocks_service::{allows, policies_by_workload};

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
    let policies = policies_by_workload(mesh, restricts_egress);
    let mut seen = HashSet::default();
    for workload in mesh.workloads() {
        let own = policies.get(&workload.resource.place()).map(Vec::as_slice).unwrap_or_default();
        let Some(policy) = own.first().filter(|_| mesh.has_proxy(workload) == Some(true)) else { continue };
        // Whom a rule is for is not looked at.
        let may_reach = own.iter().flat_map(|policy| policy.spec().list("egress")).any(|rule| allows(rule, ISTIOD));
        if !may_reach && seen.insert(policy.place()) {
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
