//! A label for injection stands where the webhook does not look for it.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{Metadata, Resource, ResourceKind, Workload};
use crate::rules::declare_rule;
use crate::vocabulary::labels;

declare_rule! {
    code: "MWC710",
    slug: "misplaced-label",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &[],
    kinds: [Namespace, Pod, Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob],
    each: Resource,
    message: "label {label} has no effect on a {kind}, only on a {wanted}",
    message_zh: "label {label} 写在 {kind} 上不生效，只在 {wanted} 上生效",
    confirm: &[
Confirm { id: "pod", steps: &[Command("kubectl -n {namespace} get pods --show-labels")] },
    ],
    fixes: &[
Fix { id: "move", applicability: Review, steps: &[Patch(PatchKind::Fragment, "# Deployment\nspec:\n  template:\n    metadata:\n      labels:\n        sidecar.istio.io/inject: \"false\"\n")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/#controlling-the-injection-policy",
"https://istio.io/latest/docs/reference/config/labels/",
    ],
}

fn check<'a>(_: &Mesh<'a>, resource: Resource<'a>, findings: &mut Findings<'a>) {
    let template = Workload::of(resource).map(|workload| workload.labels());
    for metadata in Metadata::all(resource) {
        for (key, _) in metadata.labels().iter() {
            let Some((name, kinds)) = key.text().and_then(|name| Some((name, labels::kinds_of_injection(name)?))) else {
                continue;
            };
            let is_repeated =
                metadata.kind != ResourceKind::Pod && template.is_some_and(|template| template.node(name).is_some());
            if kinds.contains(&metadata.kind) || is_repeated {
                continue;
            }
            let wanted = kinds.first().map_or("", |kind| kind.name());
            let finding = Finding::new(&resource, key).with("label", name).with("kind", metadata.kind.name());
            findings.add(finding.with("wanted", wanted));
        }
    }
}
