//! The proxy drains for longer than the pod is given to stop.

use std::time::Duration;

use crate::document::{self, Document, Node};
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{Workload, duration};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC722",
    slug: "drain",
    since: "0.1.0",
    severity: Warning,
    explains: [upstream_closed_connection],
    equivalent: &[],
    kinds: [Pod, Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob],
    each: Workload,
    message: "the proxy drains for {drain}, and the pod is killed after {grace} s",
    message_zh: "代理要排空 {drain}，而 Pod {grace} 秒后就会被强制终止",
    confirm: &[
Confirm { id: "events", steps: &[Command("kubectl -n {namespace} get pod {pod} -o jsonpath='{.spec.terminationGracePeriodSeconds}'"), Note("Requests fail in the moment in which pods are replaced.", "请求失败集中在 Pod 替换的那一刻。")] },
    ],
    fixes: &[
Fix { id: "grace", applicability: Review, steps: &[Patch(PatchKind::Fragment, "# pod template\nspec:\n  terminationGracePeriodSeconds: 60\n")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#ProxyConfig",
"https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination",
    ],
}

/// The grace period where none is written.
const DEFAULT_GRACE: i64 = 30;

fn check<'a>(_: &Mesh<'a>, workload: Workload<'a>, findings: &mut Findings<'a>) {
    let Some(annotation) = workload.annotations().node("proxy.istio.io/config") else { return };
    let Some(text) = annotation.text().filter(|text| !text.contains("EXIT_ON_ZERO_ACTIVE_CONNECTIONS")) else { return };
    let config = document::parse(0, text);
    let root = config.documents.first().map(Document::root);
    let Some(drain) = root.and_then(|root| root.get("terminationDrainDuration")).and_then(Node::text) else { return };
    let grace = workload.pod.at(&["spec", "terminationGracePeriodSeconds"]);
    let seconds = grace.and_then(Node::as_integer).unwrap_or(DEFAULT_GRACE);
    // Zero is for those who want their pods gone at once.
    if seconds == 0 || duration(drain).is_none_or(|drain| drain < Duration::from_secs(seconds.unsigned_abs())) {
        return;
    }
    let finding = Finding::new(&workload.resource, grace.unwrap_or(annotation)).with("drain", drain.to_owned());
    findings.add(finding.with("grace", seconds.to_string()).beside(&workload.resource, annotation));
}
