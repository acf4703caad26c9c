//! The limit of a proxy is below its request.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::Workload;
use crate::rules::declare_rule;
use crate::vocabulary::quantity;

declare_rule! {
    code: "MWC720",
    slug: "proxy-resources",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &[],
    kinds: [Pod, Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob],
    each: Workload,
    message: "the limit {limit} is below the request {request}",
    message_zh: "limit {limit} 小于 request {request}",
    confirm: &[
Confirm { id: "events", steps: &[Command("kubectl -n {namespace} get events --field-selector reason=FailedCreate")] },
    ],
    fixes: &[
Fix { id: "raise", applicability: Review, steps: &[Patch(PatchKind::Fragment, "# pod template\nmetadata:\n  annotations:\n    sidecar.istio.io/proxyCPU: 100m\n    sidecar.istio.io/proxyCPULimit: \"2\"\n    sidecar.istio.io/proxyMemory: 128Mi\n    sidecar.istio.io/proxyMemoryLimit: 1Gi\n")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/docs/reference/config/annotations/",
"https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/",
    ],
}

/// Requests, each with its limit.
const PAIRS: [[&str; 2]; 2] = [
    ["sidecar.istio.io/proxyCPU", "sidecar.istio.io/proxyCPULimit"],
    ["sidecar.istio.io/proxyMemory", "sidecar.istio.io/proxyMemoryLimit"],
];

fn check<'a>(_: &Mesh<'a>, workload: Workload<'a>, findings: &mut Findings<'a>) {
    let annotations = workload.annotations();
    for [request, limit] in PAIRS {
        let (Some(request), Some(limit)) = (annotations.node(request), annotations.node(limit)) else { continue };
        let (Some(asked), Some(allowed)) = (request.text(), limit.text()) else { continue };
        let (Some(least), Some(most)) = (quantity(asked), quantity(allowed)) else { continue };
        if most < least {
            let finding = Finding::new(&workload.resource, limit).with("limit", allowed).with("request", asked);
            findings.add(finding.beside(&workload.resource, request));
        }
    }
}
