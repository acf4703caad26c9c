//! A Lua filter has its code in the field of old.

use crate::finding::{Finding, Findings, Severity};
use crate::mesh::Mesh;
use crate::model::EnvoyFilter;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC763",
    slug: "lua-inline-code",
    since: "0.1.0",
    severity: Info,
    explains: [],
    equivalent: &[],
    kinds: [EnvoyFilter],
    each: EnvoyFilter,
    message: "{field} is deprecated: the code belongs into default_source_code",
    message_zh: "{field} 已弃用，代码应写在 default_source_code",
    confirm: &[
        Confirm {
            id: "deprecated",
            steps: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy | grep -i deprecated"),
                Note("Envoy warns of the field.", "Envoy 会对这个字段给出 warning。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "move",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Envoy,
                "\"@type\": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua\ndefault_source_code:\n  inline_string: |\n    function envoy_on_request(handle)\n      handle:headers():add(\"x-shop\", \"books\")\n    end\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &["https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/lua/v3/lua.proto"],
}

const LUA: &str = "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua";

fn check<'a>(_: &Mesh<'a>, filter: EnvoyFilter<'a>, findings: &mut Findings<'a>) {
    let configs = filter.patches().filter_map(|patch| {
        let value = patch.value()?;
        value.get("typed_config").or_else(|| value.get("typedConfig"))
    });
    for config in configs.filter(|config| config.str_at(&["@type"]) == Some(LUA)) {
        let Some((key, _)) = config.entry("inlineCode").or_else(|| config.entry("inline_code")) else { continue };
        let has_both = config.get("default_source_code").or_else(|| config.get("defaultSourceCode")).is_some();
        let finding = Finding::new(&filter.0, key).with("field", key.text().unwrap_or_default());
        // Envoy rejects a filter that has both.
        findings.add(if has_both { finding.of_severity(Severity::Error) } else { finding });
    }
}
