//! A label is one letter or two away from one that Istio reads.

use crate::edit::Edit;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::Metadata;
use crate::rules::declare_rule;
use crate::vocabulary::labels;

declare_rule! {
    code: "MWC709",
    slug: "misspelt-label",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &[],
    kinds: [],
    each: Metadata,
    message: "label {label} has no meaning to Istio; {meant} has",
    message_zh: "Istio 不认识 label {label}，应该是 {meant}",
    confirm: &[
Confirm { id: "pods", steps: &[Command("kubectl -n {namespace} get pods"), Note("The pods have one container less than with a proxy.", "Pod 里比注入后少一个容器。")] },
    ],
    fixes: &[
Fix { id: "spell", applicability: Review, steps: &[Patch(PatchKind::Fragment, "# Namespace\nmetadata:\n  labels:\n    istio-injection: enabled\n")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/docs/reference/config/labels/",
"https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/",
    ],
}

fn check<'a>(_: &Mesh<'a>, metadata: Metadata<'a>, findings: &mut Findings<'a>) {
    for (key, _) in metadata.labels().iter() {
        let Some((name, meant)) = key.text().and_then(|name| Some((name, labels::meant(name)?))) else { continue };
        let finding = Finding::new(&metadata.resource, key).with("label", name).with("meant", meant);
        findings.add(finding.cured_by(Edit::replace(key, meant)));
    }
}
