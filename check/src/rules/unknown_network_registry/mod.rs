//! A network of the mesh is made of a registry that nobody knows.

use std::collections::HashSet;

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::Kind;
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
    let secrets = || mesh.of(Kind::Secret).filter(|secret| is_remote(secret.labels().get("istio/multiCluster")));
    let data = ["data", "stringData"];
    let keys = secrets().flat_map(|secret| data.into_iter().filter_map(move |key| secret.root.get(key)));
    let mut known: HashSet<&str> = keys.flat_map(|data| data.entries().filter_map(|(key, _)| key.text())).collect();
    known.extend(["Kubernetes", "Mock", "External"]);
    let global = |operator: &crate::model::Resource<'a>| operator.spec().at(&["values", "global"]);
    known.extend(mesh.of(Kind::IstioOperator).filter_map(|operator| global(&operator)?.str_at(&["multiCluster", "clusterName"])));
    let has_secrets = secrets().next().is_some();
    for operator in mesh.of(Kind::IstioOperator) {
        let networks = global(&operator).and_then(|global| global.get("meshNetworks"));
        for (name, network) in networks.into_iter().flat_map(|networks| networks.entries()) {
            for node in network.list("endpoints").filter_map(|endpoint| endpoint.get("fromRegistry")) {
                let Some(registry) = node.text().filter(|registry| !known.contains(registry)) else { continue };
                if !has_secrets {
                    findings.unknown(&operator, node, format!("remote secret of cluster {registry}"));
                    continue;
                }
                let finding = Finding::new(&operator, node).with("registry", registry);
                findings.add(finding.with("network", name.text().unwrap_or_default()));
            }
        }
    }
}
