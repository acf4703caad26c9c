//! No NetworkPolicy of a workload lets anybody reach a port that a Service publishes.

use foldhash::{HashMap, HashSet};

use crate::document::{Node, Place};
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{Resource, ResourceKind};
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

/// Where requests arrive in ambient mode.
const HBONE: i64 = 15008;

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let policies = policies_by_workload(mesh, restricts_ingress);
    let mut seen = HashSet::default();
    for (workload, services) in mesh.services_by_workload() {
        let own = policies.get(&workload.resource.place()).map(Vec::as_slice).unwrap_or_default();
        let rules: Vec<_> = own.iter().flat_map(|policy| policy.spec().list("ingress")).collect();
        // Those for all pods of a namespace shut them off on purpose, and so does one without any rule.
        let Some(policy) = own.iter().find(|policy| labels(**policy).is_some()).filter(|_| !rules.is_empty()) else { continue };
        if rules.iter().any(|rule| allows(*rule, HBONE)) {
            continue;
        }
        for (service, port) in services.iter().flat_map(|service| service.ports().map(move |port| (service, port))) {
            let is_tcp = port.0.get("protocol").is_none_or(|protocol| protocol.text() == Some("TCP"));
            let Some(number) = port.target().filter(|_| is_tcp) else { continue };
            if !rules.iter().any(|rule| allows(*rule, number)) && seen.insert((policy.place(), number)) {
                let place = policy.spec().entry("ingress").map_or_else(|| policy.name_node(), |(key, _)| key);
                let finding = Finding::new(policy, place).with("port", number.to_string());
                let finding = finding.with("workload", workload.resource.name).with("service", service.0.name);
                findings.add(finding.beside(&service.0, port.0.get("targetPort").unwrap_or(port.0)).likely());
            }
        }
    }
}

fn restricts_ingress(policy: Resource<'_>) -> bool {
    let mut types = policy.spec().list("policyTypes").peekable();
    types.peek().is_none() || types.any(|kind| kind.text() == Some("Ingress"))
}

/// The labels of the pods that a policy is for; `None` for all of them.
pub(crate) fn labels<'a>(policy: Resource<'a>) -> Option<Node<'a>> {
    policy.spec().at(&["podSelector", "matchLabels"]).filter(|labels| !labels.is_empty())
}

/// The policies of some type that hold for a workload, by its place. Those of namespaces in which one selects by expressions are left out.
pub(crate) fn policies_by_workload<'a>(mesh: &Mesh<'a>, is_due: fn(Resource<'_>) -> bool) -> HashMap<Place, Vec<Resource<'a>>> {
    let has_expressions = |policy: &Resource<'_>| policy.spec().at(&["podSelector", "matchExpressions"]).is_some();
    let all = || mesh.of(ResourceKind::NetworkPolicy).filter(|policy| is_due(*policy));
    let unclear: HashSet<&str> = all().filter(has_expressions).map(|policy| policy.namespace).collect();
    let mut general: HashMap<&str, Vec<Resource<'a>>> = HashMap::default();
    let mut found: HashMap<Place, Vec<Resource<'a>>> = HashMap::default();
    for policy in all().filter(|policy| !unclear.contains(policy.namespace)) {
        match labels(policy) {
            None => general.entry(policy.namespace).or_default().push(policy),
            Some(labels) => {
                for workload in mesh.selected(policy.namespace, labels) {
                    found.entry(workload.resource.place()).or_default().push(policy);
                }
            }
        }
    }
    for workload in mesh.workloads() {
        if let Some(policies) = general.get(workload.resource.namespace) {
            found.entry(workload.resource.place()).or_default().extend(policies);
        }
    }
    found
}

/// Whether a rule has the port. A name counts for any.
pub(crate) fn allows(rule: Node<'_>, number: i64) -> bool {
    let mut ports = rule.list("ports").peekable();
    ports.peek().is_none()
        || ports.any(|port| match port.get("port").map(Node::as_integer) {
            Some(Some(first)) => (first..=port.get("endPort").and_then(Node::as_integer).unwrap_or(first)).contains(&number),
            _ => true,
        })
}
