//! Pods of the mesh lack the label that names them in metrics.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{PROXY_CONTAINER, ResourceKind, Workload};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC321",
    slug: "missing-app-label",
    since: "0.1.0",
    severity: Info,
    persona: Pedantic,
    explains: [],
    equivalent: &[],
    kinds: [Pod, Deployment, StatefulSet, DaemonSet, ReplicaSet],
    each: Workload,
    message: "the pods of {workload} have no label that names the application",
    message_zh: "{workload} 的 Pod 没有标识应用的 label",
    confirm: &[
        Confirm {
            id: "metrics",
            steps: &[
                Command("kubectl -n {namespace} get pods --show-labels"),
                Note(
                    "In the metrics of Istio `destination_app` is `unknown` for these pods.",
                    "在 Istio 指标里，这些 Pod 的 `destination_app` 是 `unknown`。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "labels",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# Deployment: on the pods; not in the selector, which cannot be changed\nspec:\n  template:\n    metadata:\n      labels:\n        app: reviews\n        version: v1\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/deployment/application-requirements/#pod-requirements",
        "https://istio.io/latest/docs/reference/config/metrics/",
    ],
}

/// Labels that say which application it is.
const APP: [&str; 3] = ["app", "app.kubernetes.io/name", "service.istio.io/canonical-name"];

fn check<'a>(mesh: &Mesh<'a>, workload: Workload<'a>, findings: &mut Findings<'a>) {
    let is_job = matches!(workload.resource.kind, ResourceKind::Job | ResourceKind::CronJob);
    if is_job || workload.resource.is_of_istio() || mesh.has_proxy(&workload) != Some(true) {
        return;
    }
    let labels = workload.labels();
    let is_gateway = workload.containers().all(|container| container.name() == Some(PROXY_CONTAINER));
    if is_gateway || APP.iter().any(|name| labels.get(name).is_some()) {
        return;
    }
    let place = labels.0.unwrap_or_else(|| workload.resource.name_node());
    findings.add(Finding::new(&workload.resource, place).with("workload", workload.resource.name));
}
