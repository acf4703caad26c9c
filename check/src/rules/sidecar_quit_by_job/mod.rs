//! A job ends its sidecar by itself, which native sidecars do not need.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::Workload;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC922",
    slug: "sidecar-quit-by-job",
    since: "0.1.0",
    severity: Info,
    upgrade: 27,
    explains: [job_held_by_sidecar],
    equivalent: &[],
    kinds: [Job, CronJob],
    message: "quitquitquit ends the sidecar; from Istio 1.27 on that is native, and ends with the job",
    message_zh: "quitquitquit 用来结束 sidecar；从 Istio 1.27 起是 native sidecar，会随 Job 自动结束",
    confirm: &[
        Confirm {
            id: "init",
            steps: &[
                Command("kubectl -n {namespace} get pod {pod} -o jsonpath='{.spec.initContainers[*].name}'"),
                Note("istio-proxy is among the init containers.", "istio-proxy 在 init container 里。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "drop",
            applicability: Manual,
            steps: &[
                Note(
                    "Remove the call once all nodes run Kubernetes 1.33 or newer and the pods have native sidecars.",
                    "等所有节点都是 Kubernetes 1.33 及以上、Pod 都用上 native sidecar 之后，去掉这个调用。",
                ),
            ],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/news/releases/1.27.x/announcing-1.27/upgrade-notes/",
        "https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    if mesh.istiod_env("ENABLE_NATIVE_SIDECARS").is_some_and(|(_, value)| value.text() == Some("false")) {
        return;
    }
    let is_job = |workload: &&Workload<'a>| matches!(workload.resource.kind.as_str(), "Job" | "CronJob");
    for workload in mesh.workloads().iter().filter(is_job) {
        let words = workload.containers().flat_map(|container| container.0.list("command").chain(container.0.list("args")));
        let calls = words.filter(|word| word.text().is_some_and(|text| text.contains("quitquitquit")));
        for word in calls {
            findings.add(Finding::new(&workload.resource, word).likely());
        }
    }
}
