//! A limit of headers is outside of what Envoy accepts.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::EnvoyFilter;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC762",
    slug: "header-limit-out-of-range",
    since: "0.1.0",
    severity: Error,
    explains: [config_rejected],
    equivalent: &[],
    kinds: [EnvoyFilter],
    each: EnvoyFilter,
    message: "{field} must be from 1 to {most}, not {value}",
    message_zh: "{field} 要在 1 到 {most} 之间，现在是 {value}",
    confirm: &[
        Confirm {
            id: "rejected",
            steps: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy | grep -i rejected"),
                Note("The listener is rejected, with the name of the field.", "listener 被拒绝，日志里有这个字段名。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "range",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Envoy,
                "\"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager\nmax_request_headers_kb: 96\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto",
    ],
}

/// Field in both spellings, and the greatest value that Envoy accepts.
const LIMITS: [(&str, &str, i64); 3] = [
    ("max_request_headers_kb", "maxRequestHeadersKb", 8192),
    ("max_response_headers_kb", "maxResponseHeadersKb", 8192),
    ("max_headers_count", "maxHeadersCount", 4_294_967_295),
];

fn check<'a>(_: &Mesh<'a>, filter: EnvoyFilter<'a>, findings: &mut Findings<'a>) {
    let values = filter.patches().filter_map(|patch| patch.value()).flat_map(|value| value.descendants());
    for (key, value) in values.flat_map(|node| node.entries()) {
        let Some(name) = key.text() else { continue };
        let Some((field, _, most)) = LIMITS.iter().find(|(snake, camel, _)| *snake == name || *camel == name) else {
            continue;
        };
        if value.as_integer().is_some_and(|number| number < 1 || number > *most) {
            let finding = Finding::new(&filter.0, value).with("field", *field).with("most", most.to_string());
            findings.add(finding.with("value", value.text().unwrap_or_default()));
        }
    }
}
