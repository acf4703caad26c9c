//! Metrics of the proxies expire by a setting that 1.28 does not have any more.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC923",
    slug: "metric-rotation-gone",
    since: "0.1.0",
    severity: Warning,
    upgrade: 28,
    explains: [],
    equivalent: &[],
    kinds: [],
    message: "{name} is gone with Istio 1.28: metrics of hosts that went away stay",
    message_zh: "Istio 1.28 去掉了 {name}：已消失的 host 的指标不再过期",
    confirm: &[
        Confirm {
            id: "count",
            steps: &[Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- pilot-agent request GET stats/prometheus | grep -c istio_requests_total")],
        },
    ],
    fixes: &[
        Fix {
            id: "eviction",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# pod template\nmetadata:\n  annotations:\n    sidecar.istio.io/statsEvictionInterval: 24h\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/news/releases/1.28.x/announcing-1.28/upgrade-notes/",
        "Istio release note remove-metric-rotation, 1.28",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for name in ["METRIC_ROTATION_INTERVAL", "METRIC_GRACEFUL_DELETION_INTERVAL"] {
        let of_mesh = mesh.mesh_setting(&["defaultConfig", "proxyMetadata", name]);
        for (resource, value) in mesh.istiod_env(name).into_iter().chain(of_mesh) {
            findings.add(Finding::within(resource.as_ref(), value).with("name", name));
        }
    }
}
