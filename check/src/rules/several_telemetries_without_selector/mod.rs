//! A namespace has several Telemetries without a selector.

use crate::finding::Findings;
use crate::mesh::Mesh;
use crate::model::Kind;
use crate::rules::declare_rule;
use crate::scope::default_conflicts;

declare_rule! {
    code: "MWC802",
    slug: "several-telemetries-without-selector",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &["IST0160"],
    kinds: [Telemetry],
    message: "{others} hold for the whole namespace {namespace}",
    message_zh: "{others} 都对整个 namespace {namespace} 生效",
    confirm: &[
        Confirm {
            id: "age",
            steps: &[
                Command("kubectl -n {namespace} get telemetries.telemetry.istio.io --sort-by=.metadata.creationTimestamp"),
                Note("More than one holds for the same pods; the first in the list wins.", "有不止一个对同样的 Pod 生效；列表里最前面的那个起作用。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "merge",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# one Telemetry for these pods, with the parts of all of them\nspec:\n  metrics:\n    - providers:\n        - name: prometheus\n  accessLogging:\n    - providers:\n        - name: envoy\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0160/",
        "https://istio.io/latest/docs/reference/config/telemetry/",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for conflict in default_conflicts(mesh, Kind::Telemetry) {
        findings.add(conflict.finding(mesh));
    }
}
