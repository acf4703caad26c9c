//! A running pod of an injected namespace has no proxy.

use foldhash::HashSet;

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{ResourceKind, Workload};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC702",
    slug: "pod-without-proxy",
    since: "0.1.0",
    severity: Warning,
    explains: [injector_webhook_unreachable],
    equivalent: &["IST0103"],
    kinds: [Pod],
    message: "pod {pod} runs without the proxy that its namespace asks for",
    message_zh: "namespace 要求注入，但 Pod {pod} 没有代理",
    confirm: &[
Confirm { id: "containers", steps: &[Command("kubectl -n {namespace} get pod {pod} -o jsonpath='{.spec.containers[*].name} {.spec.initContainers[*].name}'"), Note("istio-proxy is in neither list.", "两个列表里都没有 istio-proxy。")] },
    ],
    fixes: &[
Fix { id: "restart", applicability: Review, steps: &[Command("kubectl -n {namespace} rollout restart deployment/{workload}"), Note("A pod that nothing controls has to be deleted and applied again.", "没有控制器管理的 Pod 需要删掉后重新 apply。")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/docs/reference/config/analysis/ist0103/",
"https://istio.io/latest/docs/ops/common-problems/injection/",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let is_pod = |workload: &&Workload<'a>| workload.resource.kind == ResourceKind::Pod;
    // Where one pod was written down with its proxy, the others were taken from the cluster, too.
    let recorded: HashSet<&str> =
        mesh.workloads().iter().filter(is_pod).filter(|pod| pod.proxy().is_some()).map(|pod| pod.resource.namespace).collect();
    for pod in mesh.workloads().iter().filter(is_pod) {
        let root = pod.resource.root;
        let is_running = root.at(&["status", "phase"]).is_some() || root.at(&["metadata", "uid"]).is_some();
        if !is_running && !recorded.contains(pod.resource.namespace) {
            continue;
        }
        if pod.proxy().is_some() || mesh.is_injected(pod) != Some(true) {
            continue;
        }
        let place = root.at(&["spec", "containers"]).unwrap_or(root);
        let mut finding = Finding::new(&pod.resource, place).with("pod", pod.resource.name);
        if let Some(namespace) = mesh.namespace(pod.resource.namespace) {
            finding = finding.beside(&namespace, namespace.labels().0.unwrap_or(namespace.root));
        }
        findings.add(finding);
    }
}
