//! A patch adds to what cannot be added to.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::EnvoyFilter;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC753",
    slug: "addition-cannot-apply",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &["IST0153"],
    kinds: [EnvoyFilter],
    each: EnvoyFilter,
    message: "ADD is not applied to {target}",
    message_zh: "ADD 对 {target} 不生效",
    confirm: &[
        Confirm {
            id: "routes",
            steps: &[
                Command("istioctl proxy-config routes {pod}.{namespace} -o yaml"),
                Note("What the patch was to add is not there.", "里面没有 patch 要添加的内容。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "other",
            applicability: Manual,
            steps: &[
                Note(
                    "For a route use INSERT_FIRST, INSERT_BEFORE or INSERT_AFTER, or better a VirtualService. For a route configuration use MERGE.",
                    "要加 route，用 INSERT_FIRST、INSERT_BEFORE 或 INSERT_AFTER，最好直接写 VirtualService；改 route configuration 用 MERGE。",
                ),
            ],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0153/",
        "https://istio.io/latest/docs/reference/config/networking/envoy-filter/#EnvoyFilter-Patch-Operation",
    ],
}

fn check<'a>(_: &Mesh<'a>, filter: EnvoyFilter<'a>, findings: &mut Findings<'a>) {
    for patch in filter.patches() {
        let (Some(operation), Some(target)) = (patch.operation(), patch.apply_to()) else { continue };
        if operation.text() == Some("ADD") && matches!(target, "ROUTE_CONFIGURATION" | "HTTP_ROUTE") {
            findings.add(Finding::new(&filter.0, operation).with("target", target));
        }
    }
}
