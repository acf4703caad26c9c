//! A type URL or the name of a filter begins with a capital letter.

use crate::edit::Edit;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::EnvoyFilter;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC758",
    slug: "capital-type-url",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &["IST0106"],
    kinds: [EnvoyFilter],
    each: EnvoyFilter,
    message: "{name} does not exist: it is written {right}",
    message_zh: "{name} 不存在，正确写法是 {right}",
    confirm: &[
        Confirm {
            id: "apply",
            steps: &[
                Command("istioctl validate -f envoyfilter.yaml"),
                Note("It says that the type is unknown.", "会提示 type unknown。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "case",
            applicability: Safe,
            steps: &[Patch(
                PatchKind::Envoy,
                "\"@type\": type.googleapis.com/envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0106/",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/header_casing",
    ],
}

fn check<'a>(_: &Mesh<'a>, filter: EnvoyFilter<'a>, findings: &mut Findings<'a>) {
    for node in filter.patches().flat_map(|patch| patch.0.descendants()) {
        let Some(name) = node.text() else { continue };
        let Some(right) = lowered(name) else { continue };
        let edit = if node.is_plain() { right.clone() } else { format!("\"{right}\"") };
        findings.add(Finding::new(&filter.0, node).with("name", name).with("right", right).cured_by(Edit::replace(node, edit)));
    }
}

/// The same name with Envoy's package in lower case; `None` for one that is so, and for what is no such name.
fn lowered(name: &str) -> Option<String> {
    let (prefix, path) = match name.strip_prefix("type.googleapis.com/") {
        Some(path) => ("type.googleapis.com/", path),
        None => ("", name),
    };
    let rest = path.strip_prefix("Envoy.").or_else(|| path.strip_prefix("ENVOY."))?;
    let is_known = ["extensions.", "filters.", "config.", "transport_sockets.", "http."];
    is_known.iter().any(|root| rest.starts_with(root)).then(|| format!("{prefix}envoy.{rest}"))
}
