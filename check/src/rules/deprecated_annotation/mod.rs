//! An annotation is deprecated.

use crate::edit::Edit;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{Metadata, ResourceKind};
use crate::rules::declare_rule;
use crate::vocabulary::annotations::{self, Maturity};
use crate::vocabulary::labels;

declare_rule! {
    code: "MWC707",
    slug: "deprecated-annotation",
    since: "0.1.0",
    severity: Info,
    explains: [],
    equivalent: &["IST0135"],
    kinds: [],
    each: Metadata,
    message: "{annotation} is deprecated",
    message_zh: "{annotation} 已弃用",
    confirm: &[
Confirm { id: "labels", steps: &[Command("kubectl -n {namespace} get pod {pod} --show-labels"), Note("The label is not there.", "没有对应的 label。")] },
    ],
    fixes: &[
Fix { id: "label", applicability: Review, steps: &[Patch(PatchKind::Fragment, "# pod template\nmetadata:\n  labels:\n    sidecar.istio.io/inject: \"false\"\n")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/docs/reference/config/analysis/ist0135/",
"https://istio.io/latest/docs/reference/config/annotations/",
    ],
}

/// The one that became a label of the same name.
const INJECT: &str = labels::INJECT;

fn check<'a>(_: &Mesh<'a>, metadata: Metadata<'a>, findings: &mut Findings<'a>) {
    for (key, value) in metadata.annotations().iter() {
        let Some(annotation) = key.text().and_then(annotations::find) else { continue };
        let is_labelled = annotation.name == INJECT && metadata.labels().node(INJECT).is_some();
        if annotation.maturity != Maturity::Deprecated || is_labelled {
            continue;
        }
        let mut finding = Finding::new(&metadata.resource, key).with("annotation", annotation.name);
        let is_movable =
            annotation.name == INJECT && metadata.kind == ResourceKind::Pod && matches!(value.text(), Some("true" | "false"));
        if let (true, Some(labels), Some(word)) =
            (is_movable, metadata.labels().0.filter(|labels| labels.is_mapping()), value.text())
        {
            let is_alone = metadata.annotations().iter().count() == 1;
            let whole = metadata.node.entry("annotations").filter(|_| is_alone);
            let (key, value) = whole.unwrap_or((key, value));
            let text = format!("\"{word}\"");
            finding = finding.cured_by(Edit::remove_entry(key, value)).cured_by(Edit::add_entry(labels, INJECT, &text));
        }
        findings.add(finding);
    }
}
