//! A PeerAuthentication for a whole namespace has modes for single ports.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::Resource;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC408",
    slug: "port-level-mtls-without-selector",
    since: "0.1.0",
    severity: Error,
    explains: [admission_refused],
    equivalent: &["IST0106"],
    kinds: [PeerAuthentication],
    each: Resource,
    message: "portLevelMtls needs a selector: without one Istio refuses the policy",
    message_zh: "portLevelMtls 需要 selector，没有 selector 的策略会被 Istio 拒绝",
    confirm: &[
        Confirm {
            id: "dry-run",
            steps: &[
                Command("kubectl apply --dry-run=server -f policy.yaml"),
                Note(
                    "The webhook says: mesh/namespace peer authentication cannot have port level mTLS.",
                    "webhook 返回：mesh/namespace peer authentication cannot have port level mTLS。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "select",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# PeerAuthentication; the port is that of the container\nspec:\n  selector:\n    matchLabels:\n      app: {service}\n  portLevelMtls:\n    {port}:\n      mode: PERMISSIVE\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/security/peer_authentication/",
        "Istio pkg/config/validation/validation.go, 1.30",
    ],
}

fn check<'a>(_: &Mesh<'a>, policy: Resource<'a>, findings: &mut Findings<'a>) {
    if policy.selector().is_some() {
        return;
    }
    let ports = policy.spec().entry("portLevelMtls").filter(|(_, ports)| !ports.is_empty());
    if let Some((key, _)) = ports {
        findings.add(Finding::new(&policy, key));
    }
}
