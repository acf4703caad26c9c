//! A proxy asks for the settings of an edge, which 1.31 begins to apply.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::ResourceKind;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC935",
    slug: "edge-limits-applied",
    since: "0.1.0",
    severity: Warning,
    upgrade: 31,
    explains: [request_timeout, protocol_error_downstream],
    equivalent: &[],
    kinds: [],
    message: "from Istio 1.31 on connectionSettings EDGE refuses and limits requests that passed before",
    message_zh: "从 Istio 1.31 起 connectionSettings EDGE 生效，以前能通过的请求会被拒绝或限制",
    confirm: &[
        Confirm {
            id: "listener",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o yaml"),
                Note("request_timeout is 300s, and headers with underscores are rejected.", "request_timeout 是 300s，带下划线的 header 会被拒绝。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "some",
            applicability: Manual,
            steps: &[
                Note(
                    "Send long uploads, headers with underscores and paths with %2F through a test gateway first, or set only the fields that you need.",
                    "先用测试网关跑一遍长时间上传、带下划线的 header 和含 %2F 的路径，或者只设置需要的字段。",
                ),
            ],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/best_practices/edge",
        "Istio release note connection-settings, 1.31",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let of_mesh = mesh.mesh_setting(&["defaultConfig", "connectionSettings"]);
    let of_proxies =
        mesh.of(ResourceKind::ProxyConfig).filter_map(|config| Some((Some(config), config.spec().get("connectionSettings")?)));
    for (resource, settings) in of_mesh.into_iter().chain(of_proxies) {
        let edge = settings.descendants().find(|node| node.text() == Some("EDGE"));
        findings.found.extend(edge.map(|edge| Finding::within(resource.as_ref(), edge)));
    }
}
