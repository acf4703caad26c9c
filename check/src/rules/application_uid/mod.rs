//! A container of the application runs as the user of the proxy, 1337.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{PROXY_CONTAINER, Workload};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC712",
    slug: "application-uid",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &["IST0144"],
    kinds: [Pod, Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob],
    each: Workload,
    message: "{what} runs as user 1337, whose traffic is not redirected into the proxy",
    message_zh: "{what} 以用户 1337 运行，流量不会经过代理",
    confirm: &[
Confirm { id: "user", steps: &[Command("kubectl -n {namespace} exec {pod} -- id -u"), Note("It prints 1337.", "输出 1337。")] },
    ],
    fixes: &[
Fix { id: "other", applicability: Review, steps: &[Patch(PatchKind::Fragment, "# pod template\nspec:\n  securityContext:\n    runAsUser: 1000\n")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/docs/reference/config/analysis/ist0144/",
"https://istio.io/latest/docs/ops/deployment/application-requirements/",
    ],
}

/// The proxy's user.
const PROXY_USER: i64 = 1337;

fn check<'a>(mesh: &Mesh<'a>, workload: Workload<'a>, findings: &mut Findings<'a>) {
    let has_proxy = mesh.has_proxy(&workload);
    if has_proxy == Some(false) || is_control_plane(&workload) {
        return;
    }
    let applications = || workload.containers().filter(|container| container.name() != Some(PROXY_CONTAINER));
    let of_pod = user(workload.pod.get("spec")).filter(|_| applications().any(|container| user(Some(container.0)).is_none()));
    let of_containers = applications().filter_map(|container| Some((container.name()?, user(Some(container.0))?)));
    for (name, node) in of_pod.map(|node| ("pod", node)).into_iter().chain(of_containers) {
        if node.as_integer() != Some(PROXY_USER) {
            continue;
        }
        let finding = Finding::new(&workload.resource, node).with("what", name);
        findings.add(if has_proxy.is_none() { finding.likely() } else { finding });
    }
}

/// The user of a pod's spec or of a container.
fn user(of: Option<Node<'_>>) -> Option<Node<'_>> {
    of?.at(&["securityContext", "runAsUser"])
}

/// Istio's own pods have the user, and no sidecar.
fn is_control_plane(workload: &Workload<'_>) -> bool {
    [workload.labels(), workload.resource.labels()].iter().any(|labels| {
        labels.get("istio").is_some() || labels.get("release") == Some("istio") || labels.get("app") == Some("istiod")
    })
}
