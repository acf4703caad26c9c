//! No NetworkPolicy of a workload lets anybody reach a port that a Service publishes.

use std::collections::HashMap;

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{Kind, Resource, Workload, selects};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC323",
    slug: "network-policy-blocks-service",
    since: "0.1.0",
    severity: Warning,
    explains: [upstream_connection_timeout],
    equivalent: &[],
    kinds: [NetworkPolicy],
    message: "NetworkPolicies let nobody reach port {port} of {workload}, to which {service} sends",
    message_zh: "{service} 会转发到 {workload} 的端口 {port}，但 NetworkPolicy 没有放行任何来源",
    confirm: &[
        Confirm {
            id: "policies",
            steps: &[
                Command("kubectl -n {namespace} get networkpolicies -o yaml"),
                Note(
                    "No ingress rule of the policies that select the pod has the port, or is without ports.",
                    "选中这个 Pod 的策略里，没有一条 ingress 规则包含这个端口，也没有不限端口的规则。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "allow-port",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "# NetworkPolicy: the container's port, not the Service's\nspec:\n  ingress:\n    - ports:\n        - port: 9080\n",
                ),
                Note(
                    "In ambient mode requests arrive on port 15008: allow that, too.",
                    "ambient 模式下请求是从 15008 端口进来的，也要放行。",
                ),
            ],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://kubernetes.io/docs/concepts/services-networking/network-policies/",
        "https://istio.io/latest/docs/ambient/usage/networkpolicy/",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let mut policies: HashMap<&str, Vec<Resource<'a>>> = HashMap::new();
    for policy in mesh.of(Kind::NetworkPolicy).filter(|policy| restricts_ingress(*policy)) {
        policies.entry(policy.namespace).or_default().push(policy);
    }
    for (workload, services) in mesh.services_by_workload() {
        let all = policies.get(workload.resource.namespace).map(Vec::as_slice).unwrap_or_default();
        if all.iter().any(|policy| policy.spec().at(&["podSelector", "matchExpressions"]).is_some()) {
            continue;
        }
        let own: Vec<_> = all.iter().filter(|policy| holds_for(**policy, &workload)).collect();
        let rules: Vec<_> = own.iter().flat_map(|policy| policy.spec().list("ingress")).collect();
        // One without any rule shuts the pods off on purpose.
        let Some(policy) = own.first().filter(|_| !rules.is_empty()) else { continue };
        for service in services {
            for port in service.ports() {
                let (Some(number), true) = (port.target(), port.0.get("protocol").is_none_or(|it| it.text() == Some("TCP")))
                else {
                    continue;
                };
                if !rules.iter().any(|rule| allows(*rule, number)) {
                    let place = policy.spec().entry("ingress").map_or_else(|| policy.name_node(), |(key, _)| key);
                    let finding = Finding::new(policy, place).with("port", number.to_string());
                    let finding = finding.with("workload", workload.resource.name).with("service", service.0.name);
                    findings.add(finding.beside(&service.0, port.0.get("targetPort").unwrap_or(port.0)).likely());
                }
            }
        }
    }
}

fn restricts_ingress(policy: Resource<'_>) -> bool {
    let mut types = policy.spec().list("policyTypes").peekable();
    types.peek().is_none() || types.any(|kind| kind.text() == Some("Ingress"))
}

fn holds_for(policy: Resource<'_>, workload: &Workload<'_>) -> bool {
    policy.spec().at(&["podSelector", "matchLabels"]).is_none_or(|labels| selects(labels, workload.labels()))
}

/// Whether a rule has the port. A name counts for any.
fn allows(rule: Node<'_>, number: i64) -> bool {
    let mut ports = rule.list("ports").peekable();
    ports.peek().is_none()
        || ports.any(|port| match port.get("port").map(Node::as_integer) {
            Some(Some(first)) => (first..=port.get("endPort").and_then(Node::as_integer).unwrap_or(first)).contains(&number),
            _ => true,
        })
}
