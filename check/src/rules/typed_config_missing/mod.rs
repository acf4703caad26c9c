//! A filter is put in by its name alone.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::EnvoyFilter;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC761",
    slug: "typed-config-missing",
    since: "0.1.0",
    severity: Error,
    explains: [config_rejected],
    equivalent: &["IST0133"],
    kinds: [EnvoyFilter],
    each: EnvoyFilter,
    message: "the filter {name} has no typed_config: Envoy does not find filters by name",
    message_zh: "filter {name} 没有 typed_config，Envoy 不按名字找 filter",
    confirm: &[
        Confirm {
            id: "rejected",
            steps: &[
                Command("istioctl proxy-status"),
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy | grep -i rejected"),
                Note("The listener is rejected: no registered implementation was found.", "listener 被拒绝：没有找到已注册的实现。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "type",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Envoy,
                "name: envoy.filters.http.grpc_web\ntyped_config:\n  \"@type\": type.googleapis.com/envoy.extensions.filters.http.grpc_web.v3.GrpcWeb\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0133/",
        "https://www.envoyproxy.io/docs/envoy/latest/version_history/v1.22/v1.22.0",
    ],
}

fn check<'a>(_: &Mesh<'a>, filter: EnvoyFilter<'a>, findings: &mut Findings<'a>) {
    for patch in filter.patches() {
        let puts_in =
            matches!(patch.operation_name(), Some("ADD" | "INSERT_FIRST" | "INSERT_BEFORE" | "INSERT_AFTER" | "REPLACE"));
        let is_filter = matches!(patch.apply_to(), Some("HTTP_FILTER" | "NETWORK_FILTER" | "LISTENER_FILTER"));
        let (true, true, Some(value)) = (puts_in, is_filter, patch.value()) else { continue };
        let typed = ["typed_config", "typedConfig", "config_discovery", "configDiscovery"];
        let is_typed = typed.iter().any(|key| value.get(key).is_some());
        if value.is_mapping() && !is_typed {
            let place = value.get("name").unwrap_or(value);
            findings.add(Finding::new(&filter.0, place).with("name", patch.value_name().unwrap_or("-")));
        }
    }
}
