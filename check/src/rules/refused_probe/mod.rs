//! Probes of the kubelet are refused, since they have no certificate.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{Container, MtlsMode, Workload};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC726",
    slug: "refused-probe",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &[],
    kinds: [PeerAuthentication],
    each: Workload,
    message: "the {probe} of {container} arrives as plaintext where only mTLS is taken",
    message_zh: "{container} 的 {probe} 是明文，而这里只接受 mTLS",
    confirm: &[
Confirm { id: "events", steps: &[Command("kubectl -n {namespace} get events --field-selector reason=Unhealthy"), Note("Probes fail with `connection reset by peer` or `EOF`.", "探针失败，报 `connection reset by peer` 或 `EOF`。")] },
    ],
    fixes: &[
Fix { id: "rewrite", applicability: Review, steps: &[Patch(PatchKind::Fragment, "# pod template\nmetadata:\n  annotations:\n    sidecar.istio.io/rewriteAppHTTPProbers: \"true\"\n")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/docs/ops/configuration/mesh/app-health-check/",
"https://istio.io/latest/docs/reference/config/annotations/",
    ],
}

/// What turns the rewriting off.
const ANNOTATION: &str = "sidecar.istio.io/rewriteAppHTTPProbers";
/// The probes of a container.
const PROBES: [&str; 3] = ["startupProbe", "readinessProbe", "livenessProbe"];

fn check<'a>(mesh: &Mesh<'a>, workload: Workload<'a>, findings: &mut Findings<'a>) {
    let Some(value) = workload.annotations().node(ANNOTATION).filter(|value| value.text() == Some("false")) else { return };
    if mesh.has_proxy(&workload) != Some(true) {
        return;
    }
    let refused = workload.containers().find_map(|container| {
        PROBES.into_iter().find_map(|name| {
            let port = port(container.0.get(name)?, container)?;
            let policy = mesh.peer_authentication(&workload, port)?;
            let (mode, node) = policy.mode_of_port(port)?;
            let is_refused = mode == MtlsMode::Strict && !is_excluded(&workload, port);
            is_refused.then_some((container.name().unwrap_or_default(), name, policy, node))
        })
    });
    let Some((container, probe, policy, mode)) = refused else { return };
    let finding = Finding::new(&workload.resource, value).with("probe", probe).with("container", container);
    findings.add(finding.beside(&policy.0, mode));
}

/// The port that a probe goes to.
fn port(probe: Node<'_>, container: Container<'_>) -> Option<i64> {
    let handler = probe.get("httpGet").or_else(|| probe.get("grpc"))?;
    let port = handler.get("port")?;
    port.as_integer().or_else(|| {
        let named = container.0.list("ports").find(|known| known.get("name").and_then(Node::text) == port.text())?;
        named.get("containerPort")?.as_integer()
    })
}

/// Whether a port is not redirected into the proxy.
fn is_excluded(workload: &Workload<'_>, port: i64) -> bool {
    let annotations = workload.annotations();
    let ports = annotations.get("traffic.sidecar.istio.io/excludeInboundPorts").into_iter().flat_map(|ports| ports.split(','));
    let is_listed = ports.filter_map(|port| port.trim().parse::<i64>().ok()).any(|excluded| excluded == port);
    is_listed || annotations.get("traffic.sidecar.istio.io/includeInboundPorts").is_some_and(|ports| ports != "*")
}
