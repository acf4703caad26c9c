//! A patch removes what cannot be removed.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::EnvoyFilter;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC754",
    slug: "remove-cannot-apply",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &["IST0154"],
    kinds: [EnvoyFilter],
    each: EnvoyFilter,
    message: "REMOVE is not supported for {target}",
    message_zh: "{target} 不支持 REMOVE",
    confirm: &[
        Confirm {
            id: "routes",
            steps: &[
                Command("istioctl proxy-config routes {pod}.{namespace} -o yaml"),
                Note("What the patch was to remove is still there.", "要删除的内容还在。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "owner",
            applicability: Manual,
            steps: &[
                Note(
                    "Change the VirtualService, Gateway or Service that the route comes from, or remove the whole virtual host.",
                    "去改生成这条路由的 VirtualService、Gateway 或 Service，或者删除整个 virtual host。",
                ),
            ],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0154/",
        "https://istio.io/latest/docs/reference/config/networking/envoy-filter/#EnvoyFilter-Patch-Operation",
    ],
}

fn check<'a>(_: &Mesh<'a>, filter: EnvoyFilter<'a>, findings: &mut Findings<'a>) {
    for patch in filter.patches() {
        let (Some(operation), Some(target)) = (patch.operation(), patch.apply_to()) else { continue };
        if operation.text() == Some("REMOVE") && matches!(target, "ROUTE_CONFIGURATION" | "HTTP_ROUTE") {
            findings.add(Finding::new(&filter.0, operation).with("target", target));
        }
    }
}
