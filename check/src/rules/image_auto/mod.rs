//! A proxy container has the image `auto`, and nothing will replace it.

use foldhash::HashSet;

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::ResourceKind;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC713",
    slug: "image-auto",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &["IST0146", "IST0147"],
    kinds: [Pod, Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob],
    message: "nothing puts an image in place of auto for {name}",
    message_zh: "没有注入，{name} 的镜像 auto 不会被替换",
    confirm: &[
Confirm { id: "pods", steps: &[Command("kubectl -n {namespace} get pods"), Note("The status is ImagePullBackOff, ErrImagePull or InvalidImageName.", "状态是 ImagePullBackOff、ErrImagePull 或 InvalidImageName。")] },
    ],
    fixes: &[
Fix { id: "label", applicability: Review, steps: &[Patch(PatchKind::Fragment, "# pod template\nmetadata:\n  labels:\n    sidecar.istio.io/inject: \"true\"\n")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/docs/reference/config/analysis/ist0146/",
"https://istio.io/latest/docs/reference/config/analysis/ist0147/",
"https://istio.io/latest/docs/setup/additional-setup/gateway/#deploying-a-gateway",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    // A file with the webhooks holds a control plane as a whole: namespaces that are not there have no labels.
    let webhooks = mesh.of(ResourceKind::MutatingWebhookConfiguration).filter(|config| config.name.starts_with("istio"));
    let files: HashSet<u32> = webhooks.map(|config| config.place().file).collect();
    for workload in mesh.workloads() {
        let Some(image) = workload.proxy().and_then(|proxy| proxy.0.get("image")).filter(|image| image.text() == Some("auto"))
        else {
            continue;
        };
        let finding = Finding::new(&workload.resource, image).with("name", workload.resource.name);
        match mesh.is_injected(workload) {
            Some(true) => {}
            Some(false) => findings.add(finding),
            None if files.contains(&image.place().file) => findings.add(finding.likely()),
            None => findings.unknown(&workload.resource, image, format!("Namespace {}", workload.resource.namespace)),
        }
    }
}
