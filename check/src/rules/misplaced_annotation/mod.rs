//! An annotation stands on a kind of resource on which Istio does not look for it.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{Metadata, Resource, ResourceKind, Workload};
use crate::rules::declare_rule;
use crate::vocabulary::annotations;

declare_rule! {
    code: "MWC705",
    slug: "misplaced-annotation",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &["IST0107"],
    // Other kinds hand their annotations on to something else.
    kinds: [CronJob, DaemonSet, Deployment, Ingress, Job, Namespace, Pod, Service, StatefulSet],
    each: Resource,
    message: "{annotation} has no effect on a {kind}, only on: {kinds}",
    message_zh: "{annotation} 写在 {kind} 上不生效，应写在：{kinds}",
    confirm: &[
Confirm { id: "pod", steps: &[Command("kubectl -n {namespace} get pod {pod} -o jsonpath='{.metadata.annotations}'"), Note("The annotation is not on the pod.", "Pod 上没有这个 annotation。")] },
    ],
    fixes: &[
Fix { id: "move", applicability: Review, steps: &[Patch(PatchKind::Fragment, "# Deployment\nspec:\n  template:\n    metadata:\n      annotations:\n        sidecar.istio.io/proxyCPU: 200m\n")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/docs/reference/config/analysis/ist0107/",
"https://istio.io/latest/docs/reference/config/annotations/",
    ],
}

fn check<'a>(_: &Mesh<'a>, resource: Resource<'a>, findings: &mut Findings<'a>) {
    // istiod copies the annotations of a Gateway to what it makes of it.
    if resource.labels().get("gateway.istio.io/managed").is_some() {
        return;
    }
    let template = Workload::of(resource).map(|workload| workload.annotations());
    for metadata in Metadata::all(resource) {
        for (key, _) in metadata.annotations().iter() {
            let Some(annotation) = key.text().and_then(annotations::find) else { continue };
            let is_ignored = annotation.is_written_by_istio() || annotation.is_for(metadata.kind);
            let is_repeated = metadata.kind != ResourceKind::Pod
                && annotation.is_for(ResourceKind::Pod)
                && template.is_some_and(|template| template.node(annotation.name).is_some());
            if is_ignored || is_repeated {
                continue;
            }
            let kinds: Vec<_> = annotation.kinds.iter().map(|kind| kind.name()).collect();
            let finding = Finding::new(&resource, key).with("annotation", annotation.name);
            findings.add(finding.with("kind", metadata.kind.name()).with("kinds", kinds.join(", ")));
        }
    }
}
