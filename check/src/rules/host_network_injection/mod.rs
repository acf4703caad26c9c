//! A pod on the network of the host asks for a proxy, and gets none.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::Workload;
use crate::rules::declare_rule;
use crate::vocabulary::labels::INJECT;

declare_rule! {
    code: "MWC727",
    slug: "host-network-injection",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &[],
    kinds: [Pod, Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob],
    each: Workload,
    message: "{name} asks for a proxy, and is on the network of the host",
    message_zh: "{name} 要求注入代理，但用了 hostNetwork",
    confirm: &[
Confirm { id: "containers", steps: &[Command("kubectl -n {namespace} get pod {pod} -o jsonpath='{.spec.containers[*].name} {.spec.initContainers[*].name}'"), Note("istio-proxy is in neither list.", "两个列表里都没有 istio-proxy。")] },
    ],
    fixes: &[
Fix { id: "choose", applicability: Manual, steps: &[Note("Leave `hostNetwork` out where the pod does not need it; else set the label to \"false\".", "不需要 hostNetwork 就去掉；需要的话把 label 改成 \"false\"。")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/docs/ops/common-problems/injection/#the-result-of-sidecar-injection-was-not-what-i-expected",
"Istio pkg/kube/inject/inject.go, 1.30",
    ],
}

fn check<'a>(_: &Mesh<'a>, workload: Workload<'a>, findings: &mut Findings<'a>) {
    let Some(network) = workload.pod.at(&["spec", "hostNetwork"]).filter(|network| network.as_bool() == Some(true)) else {
        return;
    };
    let asked = workload.labels().node(INJECT).or_else(|| workload.annotations().node(INJECT));
    // A proxy that waits for its image has a rule of its own.
    let is_given = workload.proxy().is_some();
    let Some(asked) = asked.filter(|asked| asked.text() == Some("true") && !is_given) else { return };
    let finding = Finding::new(&workload.resource, asked).with("name", workload.resource.name);
    findings.add(finding.beside(&workload.resource, network));
}
