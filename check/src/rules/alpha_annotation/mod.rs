//! An annotation is alpha: it may change or go with any release.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{Metadata, ResourceKind, Workload};
use crate::rules::declare_rule;
use crate::vocabulary::annotations;

declare_rule! {
    code: "MWC708",
    slug: "alpha-annotation",
    since: "0.1.0",
    severity: Info,
    persona: Pedantic,
    explains: [],
    equivalent: &["IST0136"],
    kinds: [],
    each: Metadata,
    message: "{annotation} is alpha",
    message_zh: "{annotation} 处于 alpha 阶段",
    confirm: &[
Confirm { id: "notes", steps: &[Command("istioctl x precheck"), Note("Read the notes of the release that you go to.", "看目标版本的 release notes。")] },
    ],
    fixes: &[
Fix { id: "watch", applicability: Manual, steps: &[Note("Where the API has a field for the same thing, prefer it; else look for the annotation in the notes before each upgrade.", "API 里有对应字段就用字段；没有的话，每次升级前查一下 release notes。")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/docs/reference/config/analysis/ist0136/",
"https://istio.io/latest/docs/reference/config/annotations/",
"https://istio.io/latest/docs/releases/feature-stages/",
    ],
}

/// What the CNI plugin writes on a pod.
const WRITTEN_BY_CNI: [&str; 4] = [
    "sidecar.istio.io/interceptionMode",
    "traffic.sidecar.istio.io/includeInboundPorts",
    "traffic.sidecar.istio.io/excludeInboundPorts",
    "traffic.sidecar.istio.io/includeOutboundIPRanges",
];

fn check<'a>(_: &Mesh<'a>, metadata: Metadata<'a>, findings: &mut Findings<'a>) {
    let is_redirected_by_cni = metadata.resource.kind == ResourceKind::Pod
        && !Workload::of(metadata.resource)
            .is_some_and(|pod| pod.init_containers().any(|container| container.name() == Some("istio-init")));
    for (key, _) in metadata.annotations().iter() {
        let Some(annotation) = key.text().and_then(annotations::find) else { continue };
        let is_by_cni = is_redirected_by_cni && WRITTEN_BY_CNI.contains(&annotation.name);
        if annotation.is_alpha() && !annotation.is_written_by_istio() && !is_by_cni {
            findings.add(Finding::new(&metadata.resource, key).with("annotation", annotation.name));
        }
    }
}
