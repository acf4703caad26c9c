//! An EnvoyFilter has a selector that selects everything.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::Resource;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC767",
    slug: "selector-without-labels",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &["IST0133"],
    kinds: [EnvoyFilter],
    each: Resource,
    message: "a workloadSelector without labels selects every proxy of namespace {namespace}",
    message_zh: "workloadSelector 没有 labels，会选中 namespace {namespace} 里的所有代理",
    confirm: &[
        Confirm {
            id: "proxies",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o yaml"),
                Note("Another workload of the namespace has the patch too.", "同一个 namespace 里别的工作负载也有这个 patch。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "labels",
            applicability: Review,
            steps: &[Patch(PatchKind::Fragment, "# EnvoyFilter\nspec:\n  workloadSelector:\n    labels:\n      app: {workload}\n")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/networking/sidecar/#WorkloadSelector",
        "Istio pkg/config/validation/envoyfilter/envoyfilter.go, 1.30",
    ],
}

fn check<'a>(_: &Mesh<'a>, filter: Resource<'a>, findings: &mut Findings<'a>) {
    let Some((key, selector)) = filter.spec().entry("workloadSelector") else { return };
    if selector.is_mapping() && selector.get("labels").is_none_or(|labels| labels.is_empty()) {
        findings.add(Finding::new(&filter, key).with("namespace", filter.namespace));
    }
}
