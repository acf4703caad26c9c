//! A pod asks for ambient mode, and gets a sidecar.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::Workload;
use crate::rules::declare_rule;
use crate::vocabulary::labels::{DATAPLANE_MODE, INJECT, REVISION};

declare_rule! {
    code: "MWC730",
    slug: "ambient-with-sidecar",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &[],
    kinds: [Pod, Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob],
    each: Workload,
    message: "{name} asks for ambient mode, and gets a sidecar",
    message_zh: "{name} 要求 ambient 模式，但会被注入 sidecar",
    confirm: &[
Confirm { id: "status", steps: &[Command("kubectl -n {namespace} get pod {pod} -o jsonpath='{.metadata.annotations}'"), Note("sidecar.istio.io/status is there, ambient.istio.io/redirection is not.", "有 sidecar.istio.io/status，没有 ambient.istio.io/redirection。")] },
    ],
    fixes: &[
Fix { id: "choose", applicability: Review, steps: &[Patch(PatchKind::Fragment, "# pod template\nmetadata:\n  labels:\n    istio.io/dataplane-mode: ambient\n    sidecar.istio.io/inject: \"false\"\n")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/docs/ambient/usage/add-workloads/",
"Istio cni/pkg/util/podutil.go, 1.30",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, workload: Workload<'a>, findings: &mut Findings<'a>) {
    let mode = workload.labels().node(DATAPLANE_MODE).filter(|mode| mode.text() == Some("ambient"));
    let Some(mode) = mode.filter(|_| mesh.is_injected(&workload) == Some(true)) else { return };
    let finding = Finding::new(&workload.resource, mode).with("name", workload.resource.name);
    let own = [INJECT, REVISION].into_iter().find_map(|key| workload.labels().node(key));
    findings.add(match (own, mesh.namespace(workload.resource.namespace)) {
        (Some(own), _) => finding.beside(&workload.resource, own),
        (None, Some(namespace)) => finding.beside(&namespace, namespace.name_node()),
        (None, None) => finding,
    });
}
