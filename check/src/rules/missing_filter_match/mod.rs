//! A patch is relative to a filter and names none.

use crate::edit::Edit;
use crate::finding::{Finding, Findings, Severity};
use crate::mesh::Mesh;
use crate::model::{ConfigPatch, EnvoyFilter};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC760",
    slug: "missing-filter-match",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &[],
    kinds: [EnvoyFilter],
    each: EnvoyFilter,
    message: "{operation} on {target} does not say which filter it is relative to",
    message_zh: "{target} 的 {operation} 没写参照哪个 filter",
    confirm: &[
        Confirm {
            id: "chain",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o yaml"),
                Note("An inserted filter is the first; nothing is replaced or removed.", "插入的 filter 在最前面；替换和删除都没有发生。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "name",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# match of the patch\nlistener:\n  filterChain:\n    filter:\n      name: envoy.filters.network.http_connection_manager\n      subFilter:\n        name: envoy.filters.http.router\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/networking/envoy-filter/#EnvoyFilter-ConfigPatch-Operation",
        "Istio pilot/pkg/networking/core/envoyfilter/listener_patch.go, 1.30",
    ],
}

fn check<'a>(_: &Mesh<'a>, filter: EnvoyFilter<'a>, findings: &mut Findings<'a>) {
    for patch in filter.patches() {
        let (Some(operation), Some(target)) = (patch.operation(), patch.apply_to()) else { continue };
        let Some(name) = operation.text().filter(|_| lacks_filter(patch)) else { continue };
        let finding = Finding::new(&filter.0, operation).with("operation", name).with("target", target);
        match name {
            "INSERT_BEFORE" => {
                let edit = Edit::replace(operation, "INSERT_FIRST");
                findings.add(finding.of_severity(Severity::Info).cured_by(edit));
            }
            "REPLACE" | "REMOVE" => findings.add(finding),
            _ => {}
        }
    }
}

fn lacks_filter(patch: ConfigPatch<'_>) -> bool {
    // A waypoint's filters are named below `match.waypoint`.
    if patch.0.at(&["match", "waypoint"]).is_some_and(|waypoint| !waypoint.is_empty()) {
        return false;
    }
    match patch.apply_to() {
        Some("HTTP_FILTER") => patch.sub_filter().is_none(),
        Some("NETWORK_FILTER") => patch.filter().is_none_or(|filter| filter.is_empty()),
        Some("LISTENER_FILTER") => patch.anchor().is_none(),
        _ => false,
    }
}
