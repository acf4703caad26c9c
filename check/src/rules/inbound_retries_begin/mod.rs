//! The mesh repeats requests at the server's proxy, which 1.32 begins to do.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC936",
    slug: "inbound-retries-begin",
    since: "0.1.0",
    severity: Warning,
    upgrade: 32,
    explains: [retry_exhausted],
    equivalent: &[],
    kinds: [],
    message: "from Istio 1.32 on {setting} takes effect for the whole mesh",
    message_zh: "从 Istio 1.32 起 {setting} 对整个 mesh 生效",
    confirm: &[
        Confirm {
            id: "config",
            steps: &[Command("istioctl proxy-config all {pod}.{namespace} -o json")],
        },
    ],
    fixes: &[
        Fix {
            id: "later",
            applicability: Review,
            steps: &[
                Note(
                    "Take the setting out for the upgrade, and bring it in on its own afterwards.",
                    "升级时先去掉这个设置，升级之后再单独加上。",
                ),
            ],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &["https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#MeshConfig", "https://github.com/istio/istio/issues/60828"],
}

/// Settings that releases before 1.32 do not know.
const SETTINGS: [&str; 3] =
    ["defaultInboundHttpRetryPolicy", "outlierDetectionHttpErrorCodes", "globalDownstreamConnectionLimit"];

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for setting in SETTINGS {
        let anywhere = mesh.mesh_setting(&[setting]).into_iter().chain(mesh.mesh_setting(&["defaultConfig", setting]));
        for (resource, node) in anywhere {
            findings.add(Finding::within(resource.as_ref(), node).with("setting", setting));
        }
    }
}
