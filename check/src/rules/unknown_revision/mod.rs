//! A label names a revision that no control plane has.

use std::collections::BTreeSet;

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{ResourceKind, Webhook};
use crate::rules::declare_rule;
use crate::vocabulary::labels::{INJECTION, REVISION};

declare_rule! {
    code: "MWC731",
    slug: "unknown-revision",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &[],
    kinds: [Namespace, Pod, Deployment, StatefulSet, DaemonSet, Job, CronJob],
    message: "no control plane has the revision {revision}; there is: {known}",
    message_zh: "没有 revision 为 {revision} 的控制面，现有：{known}",
    confirm: &[
Confirm { id: "list", steps: &[Command("istioctl tag list"), Command("kubectl get mutatingwebhookconfigurations --show-labels")] },
    ],
    fixes: &[
Fix { id: "revision", applicability: Review, steps: &[Command("istioctl tag set prod --revision canary"), Note("Or write the revision of a control plane that is there, then restart the pods.", "或者改成现有控制面的 revision，再重启 Pod。")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/docs/setup/upgrade/canary/",
"https://istio.io/latest/docs/reference/config/labels/",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let control_planes: Vec<_> =
        mesh.workloads().iter().filter(|workload| workload.labels().get("app") == Some("istiod")).collect();
    let Some(first) = control_planes.first() else { return };
    let mut known: BTreeSet<&str> = control_planes.iter().filter_map(|workload| workload.labels().get(REVISION)).collect();
    if known.is_empty() {
        return;
    }
    let tags = mesh.of(ResourceKind::MutatingWebhookConfiguration).filter_map(|config| config.labels().get("istio.io/tag"));
    known.extend(tags.chain(Webhook::injectors(mesh).flat_map(|webhook| webhook.revisions())));
    let names = known.iter().copied().collect::<Vec<_>>().join(", ");
    let namespaces = mesh.of(ResourceKind::Namespace).map(|namespace| (namespace, namespace.labels()));
    let workloads = mesh.workloads().iter().map(|workload| (workload.resource, workload.labels()));
    for (resource, labels) in namespaces.chain(workloads) {
        let Some(label) = labels.node(REVISION) else { continue };
        let Some(revision) = label.text().filter(|revision| !known.contains(revision)) else { continue };
        // The tag `default` is made by the installation, and the first label is the one that counts.
        let is_unused = matches!(labels.get(INJECTION), Some("enabled" | "disabled"));
        if matches!(revision, "" | "default") || is_unused {
            continue;
        }
        let finding = Finding::new(&resource, label).with("revision", revision).with("known", names.clone()).likely();
        findings.add(finding.beside(&first.resource, first.labels().node(REVISION).unwrap_or(first.pod)));
    }
}
