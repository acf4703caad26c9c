//! No access log is written anywhere.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::ResourceKind;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC807",
    slug: "no-access-log",
    since: "0.1.0",
    severity: Info,
    explains: [],
    equivalent: &[],
    kinds: [],
    message: "no accessLogFile, no default provider and no Telemetry: proxies write no access log",
    message_zh: "没有 accessLogFile，没有默认 provider，也没有 Telemetry：代理不会写访问日志",
    confirm: &[
        Confirm {
            id: "log",
            steps: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy --tail=20"),
                Note("Requests leave no line.", "有请求进来，但日志里没有记录。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "telemetry",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Resource,
                "apiVersion: telemetry.istio.io/v1\nkind: Telemetry\nmetadata:\n  name: mesh-default\n  namespace: istio-system\nspec:\n  accessLogging:\n    - providers:\n        - name: envoy\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/tasks/observability/logs/access-log/",
        "https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#MeshConfig",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let Some(config) = mesh.mesh_config else { return };
    let says = |node: Option<Node<'_>>| node.is_some_and(|node| !node.is_empty());
    let is_on = says(config.get("accessLogFile"))
        || says(config.at(&["defaultProviders", "accessLogging"]))
        || config.get("enableEnvoyAccessLogService").and_then(Node::as_bool) == Some(true)
        || mesh.of(ResourceKind::Telemetry).any(|telemetry| says(telemetry.spec().get("accessLogging")));
    if !is_on {
        findings.add(Finding::at(config.place()).likely());
    }
}
