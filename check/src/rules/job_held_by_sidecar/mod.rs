//! A job never ends, because its sidecar goes on running.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::ResourceKind;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC723",
    slug: "job-held-by-sidecar",
    since: "0.1.0",
    severity: Error,
    explains: [job_held_by_sidecar],
    equivalent: &[],
    kinds: [Job, CronJob],
    message: "the sidecar of {name} goes on running when the job is done",
    message_zh: "{name} 的任务结束后 sidecar 仍在运行",
    confirm: &[
Confirm { id: "pods", steps: &[Command("kubectl -n {namespace} get pods"), Note("The pod is NotReady with 1/2 containers, long after the work was done.", "任务早已做完，Pod 仍是 NotReady，1/2 个容器在运行。")] },
    ],
    fixes: &[
Fix { id: "native", applicability: Review, steps: &[Patch(PatchKind::Fragment, "# pod template\nmetadata:\n  annotations:\n    sidecar.istio.io/nativeSidecar: \"true\"\n"), Note("Before Kubernetes 1.29, let the job call `curl -X POST localhost:15020/quitquitquit` as its last command, or leave the proxy out with `sidecar.istio.io/inject: \"false\"`.", "Kubernetes 1.29 之前，让任务最后执行 `curl -X POST localhost:15020/quitquitquit`，或者用 `sidecar.istio.io/inject: \"false\"` 不注入代理。")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/blog/2023/native-sidecars/",
"https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#jobs-with-sidecar-containers",
    ],
}

/// The first release with native sidecars by default.
const FIRST_NATIVE_MINOR: u32 = 27;

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let is_old = mesh.settings.istio_minor.is_some_and(|minor| minor < FIRST_NATIVE_MINOR);
    for workload in
        mesh.workloads().iter().filter(|workload| matches!(workload.resource.kind, ResourceKind::Job | ResourceKind::CronJob))
    {
        let annotation = workload.annotations().node("sidecar.istio.io/nativeSidecar");
        let is_classic = annotation.map_or(is_old, |annotation| annotation.text() == Some("false"));
        if !is_classic || mesh.is_injected(workload) != Some(true) || workload.containers().any(|container| quits(container.0)) {
            continue;
        }
        let place = annotation.or_else(|| workload.pod.get("metadata")).unwrap_or_else(|| workload.resource.name_node());
        let finding = Finding::new(&workload.resource, place).with("name", workload.resource.name);
        // A control plane may be set to native sidecars before they became the default.
        findings.add(if annotation.is_none() { finding.likely() } else { finding });
    }
}

/// Whether a container ends the proxy itself, as far as its command shows.
fn quits(container: Node<'_>) -> bool {
    let place = container.place();
    let text = container.document().text().get(place.start as usize..place.end as usize).unwrap_or_default();
    ["quitquitquit", "scuttle", "ISTIO_QUIT_API"].iter().any(|word| text.contains(word))
}
