//! A type URL that Envoy does not have, beside one that it has.

mod known;

use crate::edit::Edit;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::EnvoyFilter;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC759",
    slug: "unknown-type-url",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &["IST0106"],
    kinds: [EnvoyFilter],
    each: EnvoyFilter,
    message: "Envoy has no type {name}; it has {right}",
    message_zh: "Envoy 没有类型 {name}，有 {right}",
    confirm: &[
        Confirm {
            id: "validate",
            steps: &[
                Command("istioctl validate -f envoyfilter.yaml"),
                Note("It says that the referenced type is unknown.", "会提示 referenced type unknown。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "spell",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Envoy,
                "\"@type\": type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/config",
        "https://istio.io/latest/docs/reference/config/analysis/ist0106/",
    ],
}

const PREFIX: &str = "type.googleapis.com/";

fn check<'a>(_: &Mesh<'a>, filter: EnvoyFilter<'a>, findings: &mut Findings<'a>) {
    let nodes = filter.patches().filter_map(|patch| patch.value()).flat_map(|value| value.descendants());
    for node in nodes {
        let Some(name) = node.text().and_then(|text| text.strip_prefix(PREFIX)) else { continue };
        let Some(right) = known::near(name) else { continue };
        let quote = if node.is_plain() { "" } else { "\"" };
        let edit = Edit::replace(node, format!("{quote}{PREFIX}{right}{quote}"));
        findings.add(Finding::new(&filter.0, node).with("name", name).with("right", right).cured_by(edit));
    }
}
