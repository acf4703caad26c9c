//! A JSON access log leaves out empty values, which Envoy 1.40 begins to do for real.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::EnvoyFilter;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC933",
    slug: "empty-log-keys-dropped",
    since: "0.1.0",
    severity: Info,
    upgrade: 32,
    explains: [],
    equivalent: &[],
    kinds: [EnvoyFilter],
    each: EnvoyFilter,
    message: "from Istio 1.32 on the log has no key for what is empty",
    message_zh: "从 Istio 1.32 起，值为空的字段不再出现在日志里",
    confirm: &[
        Confirm {
            id: "log",
            steps: &[Command("kubectl -n {namespace} logs {pod} -c istio-proxy --tail=20")],
        },
    ],
    fixes: &[
        Fix {
            id: "keep",
            applicability: Review,
            steps: &[Patch(PatchKind::Envoy, "log_format:\n  omit_empty_values: false\n")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &["https://www.envoyproxy.io/docs/envoy/latest/version_history/v1.40/v1.40.0"],
}

fn check<'a>(_: &Mesh<'a>, filter: EnvoyFilter<'a>, findings: &mut Findings<'a>) {
    let values = filter.patches().filter_map(|patch| patch.value()).flat_map(|value| value.descendants());
    for format in values.filter(|node| node.get("json_format").or_else(|| node.get("jsonFormat")).is_some()) {
        let omit = format.get("omit_empty_values").or_else(|| format.get("omitEmptyValues"));
        if let Some(node) = omit.filter(|omit| omit.as_bool() == Some(true)) {
            findings.add(Finding::new(&filter.0, node));
        }
    }
}
