//! The application may start before its proxy, and its first requests fail.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC721",
    slug: "start-order",
    since: "0.1.0",
    severity: Info,
    explains: [proxy_not_started],
    equivalent: &[],
    kinds: [Pod, Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob],
    message: "{name} may start before its proxy listens",
    message_zh: "{name} 可能在代理就绪前启动",
    confirm: &[
Confirm { id: "restarts", steps: &[Command("kubectl -n {namespace} get pods"), Command("kubectl -n {namespace} logs {pod} --previous"), Note("Containers were restarted once or twice, with `connection refused` in the log.", "容器重启过一两次，日志里有 `connection refused`。")] },
    ],
    fixes: &[
Fix { id: "hold", applicability: Review, steps: &[Patch(PatchKind::Fragment, "# pod template\nmetadata:\n  annotations:\n    proxy.istio.io/config: |\n      holdApplicationUntilProxyStarts: true\n")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/docs/ops/common-problems/injection/#pod-or-containers-start-with-network-issues-if-istio-proxy-is-not-ready",
"https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#ProxyConfig",
"Istio pkg/kube/inject/inject.go, 1.30",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let defaults = mesh.mesh_config.and_then(|config| config.get("defaultConfig"));
    if defaults.and_then(|defaults| defaults.get(HOLD)).and_then(Node::as_bool) == Some(true) {
        return;
    }
    for workload in mesh.workloads() {
        let Some(classic) = workload.annotations().node("sidecar.istio.io/nativeSidecar") else { continue };
        let is_held = workload.annotations().get("proxy.istio.io/config").is_some_and(|config| config.contains(HOLD));
        // A proxy that is written down has its place in the order already; so has the only container of a gateway.
        let is_given = workload.proxy().is_some();
        if classic.text() == Some("false") && !is_held && !is_given && mesh.is_injected(workload) == Some(true) {
            findings.add(Finding::new(&workload.resource, classic).with("name", workload.resource.name).likely());
        }
    }
}

/// The field that makes the application wait.
const HOLD: &str = "holdApplicationUntilProxyStarts";
