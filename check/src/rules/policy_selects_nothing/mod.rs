//! The selector of an AuthorizationPolicy matches no workload.

use crate::finding::Findings;
use crate::mesh::Mesh;
use crate::model::Resource;
use crate::rules::declare_rule;
use crate::scope::report_nothing_selected;

declare_rule! {
    code: "MWC601",
    slug: "policy-selects-nothing",
    since: "0.1.0",
    severity: Warning,
    explains: [rbac_denied],
    equivalent: &["IST0127", "KIA0101"],
    kinds: [AuthorizationPolicy],
    each: Resource,
    message: "no workload in reach of {policy} has the labels {selector}",
    message_zh: "{policy} 能管到的范围里，没有工作负载带有标签 {selector}",
    confirm: &[
        Confirm {
            id: "labels",
            steps: &[
                Command("kubectl -n {policy_namespace} get pods --show-labels"),
                Note("No pod has all labels of the selector.", "没有 Pod 同时带有 selector 里的全部标签。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "match",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# the labels as the pod template has them\nspec:\n  selector:\n    matchLabels:\n      app: reviews\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0127/",
        "https://istio.io/latest/docs/reference/config/type/workload-selector/",
        "Istio pkg/config/analysis/analyzers/authz/authorizationpolicies.go, 1.30",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, policy: Resource<'a>, findings: &mut Findings<'a>) {
    report_nothing_selected(mesh, &policy, findings);
}
