//! An annotation in the domain of Istio is none that Istio reads.

use crate::edit::Edit;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::Metadata;
use crate::rules::declare_rule;
use crate::vocabulary::{annotations, labels};

declare_rule! {
    code: "MWC704",
    slug: "unknown-annotation",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &["IST0108"],
    kinds: [],
    each: Metadata,
    message: "Istio has no annotation {annotation}{nearest}",
    message_zh: "Istio 没有 {annotation} 这个 annotation{nearest}",
    confirm: &[
Confirm { id: "list", steps: &[Note("Look the key up in the list of resource annotations of your release; it is not there.", "到所用版本的 resource annotations 文档里查这个 key，查不到。")] },
    ],
    fixes: &[
Fix { id: "spell", applicability: Review, steps: &[Note("Write the key as the list has it; where nothing is near, take the annotation out.", "按清单里的写法改；没有相近的就删掉。")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/docs/reference/config/analysis/ist0108/",
"https://istio.io/latest/docs/reference/config/annotations/",
    ],
}

fn check<'a>(_: &Mesh<'a>, metadata: Metadata<'a>, findings: &mut Findings<'a>) {
    for (key, _) in metadata.annotations().iter() {
        let Some(name) = key.text().filter(|name| annotations::is_istio(name) && annotations::find(name).is_none()) else {
            continue;
        };
        let finding = Finding::new(&metadata.resource, key).with("annotation", name);
        findings.add(match annotations::meant(name) {
            Some(meant) => finding.with("nearest", format!(" ({meant}?)")).cured_by(Edit::replace(key, meant)),
            None if labels::is_known(name) => finding.with("nearest", " (metadata.labels?)"),
            None => finding.with("nearest", ""),
        });
    }
}
