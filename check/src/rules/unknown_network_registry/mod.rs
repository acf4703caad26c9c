//! A network of the mesh is made of a registry that nobody knows.

use foldhash::HashSet;

use crate::document::Node;
use crate::finding::{Finding, Findings, Undecided};
use crate::mesh::Mesh;
use crate::model::{ResourceKind, ResourceName};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC901",
    slug: "unknown-network-registry",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &["IST0126"],
    kinds: [],
    message: "network {network} takes its endpoints from registry {registry}, and no cluster is called so",
    message_zh: "网络 {network} 的 endpoint 来自 registry {registry}，但没有叫这个名字的集群",
    confirm: &[
        Confirm {
            id: "clusters",
            steps: &[
                Command("istioctl remote-clusters"),
                Note("No cluster of this name is in the list.", "列表里没有这个名字的集群。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "name",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# Helm values of istiod\nglobal:\n  meshNetworks:\n    network1:\n      endpoints:\n        - fromRegistry: cluster1\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0126/",
        "https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#Network-NetworkEndpoints",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let is_remote = |label: Option<&str>| label == Some("true");
    let secrets = || mesh.of(ResourceKind::Secret).filter(|secret| is_remote(secret.labels().get("istio/multiCluster")));
    let data = ["data", "stringData"];
    let keys = secrets().flat_map(|secret| data.into_iter().filter_map(move |key| secret.root.get(key)));
    let mut known: HashSet<&str> = keys.flat_map(|data| data.entries().filter_map(|(key, _)| key.text())).collect();
    known.extend(["Kubernetes", "Mock", "External"]);
    let global = |operator: &crate::model::Resource<'a>| operator.spec().at(&["values", "global"]);
    known.extend(
        mesh.of(ResourceKind::IstioOperator).filter_map(|operator| global(&operator)?.str_at(&["multiCluster", "clusterName"])),
    );
    let has_secrets = secrets().next().is_some();
    let mut look = |resource: ResourceName<'a>, networks: Node<'a>| {
        for (name, network) in networks.entries() {
            for node in network.list("endpoints").filter_map(|endpoint| endpoint.get("fromRegistry")) {
                let Some(registry) = node.text().filter(|registry| !known.contains(registry)) else { continue };
                let finding = Finding { resource: Some(resource), ..Finding::at(node.place()) };
                if has_secrets {
                    findings.add(finding.with("registry", registry).with("network", name.text().unwrap_or_default()));
                } else {
                    let missing = format!("remote secret of cluster {registry}").into();
                    findings.unknown.push(Undecided { resource, place: node.place(), missing });
                }
            }
        }
    };
    for operator in mesh.of(ResourceKind::IstioOperator) {
        if let Some(networks) = global(&operator).and_then(|global| global.get("meshNetworks")) {
            look(operator.id(), networks);
        }
    }
    let name = ResourceName { kind: ResourceKind::MeshNetworks, namespace: mesh.root_namespace(), name: "meshnetworks" };
    mesh.bare().iter().filter_map(|root| root.get("networks")).for_each(|networks| look(name, networks));
}
