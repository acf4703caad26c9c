//! A namespace has several labels that each ask for another data plane.

use crate::finding::{Finding, Findings};
use crate::mesh::{Mesh, ROOT_NAMESPACE};
use crate::model::Resource;
use crate::rules::declare_rule;
use crate::vocabulary::labels::{DATAPLANE_MODE, INJECTION, REVISION};

declare_rule! {
    code: "MWC703",
    slug: "several-injection-labels",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &["IST0123"],
    kinds: [Namespace],
    each: Resource,
    message: "namespace {name} has {labels}",
    message_zh: "namespace {name} 同时有 {labels}",
    confirm: &[
Confirm { id: "labels", steps: &[Command("kubectl get namespace {namespace} --show-labels"), Command("istioctl proxy-status"), Note("The pods of the namespace are connected to another istiod than the revision names.", "这个 namespace 的 Pod 连的不是 revision 指定的那个 istiod。")] },
    ],
    fixes: &[
Fix { id: "keep-one", applicability: Review, steps: &[Command("kubectl label namespace {namespace} istio-injection-"), Note("Keep the label of the data plane that is meant, take the others away, and restart the pods.", "只保留想要的那个 label，去掉其余的，然后重启 Pod。")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/docs/reference/config/analysis/ist0123/",
"https://istio.io/latest/docs/setup/upgrade/canary/",
    ],
}

fn check<'a>(_: &Mesh<'a>, namespace: Resource<'a>, findings: &mut Findings<'a>) {
    if namespace.name == ROOT_NAMESPACE {
        return;
    }
    let labels = namespace.labels();
    if labels.get(INJECTION).is_some_and(|value| value != "enabled") {
        return;
    }
    let found: Vec<_> =
        [INJECTION, REVISION, DATAPLANE_MODE].into_iter().filter_map(|key| Some((key, labels.node(key)?))).collect();
    let ([first, ..], [.., last]) = (found.as_slice(), found.as_slice()) else { return };
    if first.0 == last.0 {
        return;
    }
    let names: Vec<_> = found.iter().map(|(key, value)| format!("{key}={}", value.text().unwrap_or_default())).collect();
    let finding = Finding::new(&namespace, last.1).with("name", namespace.name).with("labels", names.join(", "));
    findings.add(finding.beside(&namespace, first.1));
}
