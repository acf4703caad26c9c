//! A patch replaces what cannot be replaced.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::EnvoyFilter;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC752",
    slug: "replace-cannot-apply",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &["IST0152"],
    kinds: [EnvoyFilter],
    each: EnvoyFilter,
    message: "REPLACE is not applied to {target}",
    message_zh: "REPLACE 对 {target} 不生效",
    confirm: &[
        Confirm {
            id: "clusters",
            steps: &[
                Command("istioctl proxy-config all {pod}.{namespace} -o json"),
                Note("What the patch was to put in is not there.", "里面没有 patch 要写入的内容。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "merge",
            applicability: Review,
            steps: &[Patch(PatchKind::Fragment, "# element of the EnvoyFilter's configPatches\npatch:\n  operation: MERGE\n")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0152/",
        "https://istio.io/latest/docs/reference/config/networking/envoy-filter/#EnvoyFilter-Patch-Operation",
    ],
}

fn check<'a>(_: &Mesh<'a>, filter: EnvoyFilter<'a>, findings: &mut Findings<'a>) {
    for patch in filter.patches() {
        let (Some(operation), Some(target)) = (patch.operation(), patch.apply_to()) else { continue };
        let can = matches!(target, "NETWORK_FILTER" | "HTTP_FILTER" | "VIRTUAL_HOST" | "LISTENER_FILTER");
        if operation.text() == Some("REPLACE") && !can {
            findings.add(Finding::new(&filter.0, operation).with("target", target));
        }
    }
}
