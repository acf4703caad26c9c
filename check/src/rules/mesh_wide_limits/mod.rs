//! The mesh configuration sets limits for all hosts, which 1.31 begins to apply.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC919",
    slug: "mesh-wide-limits",
    since: "0.1.0",
    severity: Warning,
    upgrade: 31,
    explains: [circuit_breaker_overflow, no_healthy_endpoints],
    equivalent: &[],
    kinds: [],
    message: "from Istio 1.31 on defaultTrafficPolicy limits and ejects for every host, without any DestinationRule",
    message_zh: "从 Istio 1.31 起 defaultTrafficPolicy 对所有 host 限流和驱逐，不需要 DestinationRule",
    confirm: &[
        Confirm {
            id: "cluster",
            steps: &[Command("istioctl proxy-config clusters {pod}.{namespace} --fqdn {host} -o yaml")],
        },
    ],
    fixes: &[
        Fix {
            id: "own",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# DestinationRule of a host that needs more\nspec:\n  host: {host}\n  trafficPolicy:\n    connectionPool:\n      http:\n        http2MaxRequests: 4096\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#MeshConfig",
        "Istio release note mesh-default-traffic-policy, 1.31",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    if let Some((resource, node)) = mesh.mesh_setting(&["defaultTrafficPolicy"])
        && !node.is_empty()
    {
        findings.add(Finding::within(resource.as_ref(), node));
    }
}
