//! A WasmPlugin is for a Service, which makes waypoints of older releases crash.

use crate::finding::{Finding, Findings};
use crate::mesh::{Mesh, ROOT_NAMESPACE};
use crate::model::ResourceKind;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC774",
    slug: "wasm-service-target",
    since: "0.1.0",
    severity: Error,
    explains: [wasm_load_failed],
    equivalent: &[],
    kinds: [WasmPlugin],
    message: "the waypoint of Service {service} may crash at each start with this WasmPlugin, up to Istio 1.30",
    message_zh: "在 Istio 1.30 及以前，Service {service} 的 waypoint 可能因为这个 WasmPlugin 每次启动都崩溃",
    confirm: &[
        Confirm {
            id: "restarts",
            steps: &[
                Command("kubectl -n {namespace} get pods -l gateway.networking.k8s.io/gateway-name"),
                Note("The waypoint restarts again and again.", "waypoint 反复重启。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "gateway",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# WasmPlugin\nspec:\n  targetRefs:\n    - group: gateway.networking.k8s.io\n      kind: Gateway\n      name: waypoint\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ambient/usage/extend-waypoint-wasm/",
        "Istio release note wasmplugin-cross-namespace-waypoint, 1.31",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let said = mesh.settings.upgrade.map(|(_, to)| to).or(mesh.settings.istio_minor);
    if said.is_some_and(|minor| minor > 30) {
        return;
    }
    for plugin in mesh.of(ResourceKind::WasmPlugin).filter(|plugin| plugin.namespace != ROOT_NAMESPACE) {
        let spec = plugin.spec();
        for target in spec.list("targetRefs").chain(spec.get("targetRef")) {
            let Some(kind) = target.get("kind").filter(|kind| kind.text() == Some("Service")) else { continue };
            let service = target.get("name").and_then(|name| name.text()).unwrap_or_default();
            findings.add(Finding::new(&plugin, kind).with("service", service).likely());
        }
    }
}
