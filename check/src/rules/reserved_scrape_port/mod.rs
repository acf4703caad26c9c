//! The application's metrics are said to be at a port of the proxy.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::Workload;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC809",
    slug: "reserved-scrape-port",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &[],
    kinds: [Pod, Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob],
    each: Workload,
    message: "port {port} is the proxy's own, and the application's metrics are not there",
    message_zh: "{port} 是代理自己的端口，应用的指标不在这里",
    confirm: &[
        Confirm {
            id: "metrics",
            steps: &[
                Command("kubectl -n {namespace} exec {pod} -c istio-proxy -- pilot-agent request GET stats/prometheus"),
                Note("Envoy's own metrics are there, the application's are not.", "只有 Envoy 自己的指标，没有应用的指标。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "port",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# pod template: the port where the application itself serves metrics\nmetadata:\n  annotations:\n    prometheus.io/scrape: \"true\"\n    prometheus.io/port: \"8080\"\n    prometheus.io/path: /metrics\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/integrations/prometheus/#option-1-metrics-merging",
        "https://istio.io/latest/docs/ops/deployment/application-requirements/#ports-used-by-istio",
        "Istio pkg/kube/inject/webhook.go, 1.30",
    ],
}

/// Ports of Envoy and of the agent, without 15020: that is what the webhook itself writes.
const RESERVED: [i64; 8] = [15000, 15001, 15004, 15006, 15008, 15021, 15053, 15090];

fn check<'a>(mesh: &Mesh<'a>, workload: Workload<'a>, findings: &mut Findings<'a>) {
    let annotations = workload.annotations();
    let is_merged = annotations.get("prometheus.io/scrape") == Some("true")
        && annotations.get("prometheus.istio.io/merge-metrics") != Some("false");
    let Some(node) = annotations.node("prometheus.io/port").filter(|_| is_merged) else { return };
    let port = Node::text(node).and_then(|port| port.parse().ok());
    let Some(port) = port.filter(|port| RESERVED.contains(port)) else { return };
    // A proxy that is written down is a gateway, or was injected before.
    if workload.proxy().is_none() && mesh.has_proxy(&workload) == Some(true) {
        findings.add(Finding::new(&workload.resource, node).with("port", port.to_string()));
    }
}
