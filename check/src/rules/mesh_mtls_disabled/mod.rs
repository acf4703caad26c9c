//! Mutual TLS is switched off for the whole mesh.

use crate::finding::{Finding, Findings};
use crate::mesh::{Mesh, ROOT_NAMESPACE};
use crate::model::MtlsMode;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC407",
    slug: "mesh-mtls-disabled",
    since: "0.1.0",
    severity: Warning,
    persona: Security,
    explains: [],
    equivalent: &[],
    kinds: [PeerAuthentication],
    message: "no workload of the mesh accepts mTLS any more, unless a policy of its own says so",
    message_zh: "整个网格的工作负载都不再接受 mTLS，除非它自己的策略另有规定",
    confirm: &[
        Confirm {
            id: "policies",
            steps: &[
                Command("kubectl get peerauthentication --all-namespaces"),
                Note(
                    "The one of the root namespace says DISABLE; those of namespaces and workloads come before it.",
                    "root namespace 里那条是 DISABLE；namespace 级和工作负载级的策略优先于它。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "permissive",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Resource,
                "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata:\n  name: default\n  namespace: istio-system\nspec:\n  mtls:\n    mode: PERMISSIVE\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/security/peer_authentication/",
        "https://istio.io/latest/docs/tasks/security/authentication/mtls-migration/",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for policy in mesh.peer_authentications_of(ROOT_NAMESPACE).iter().filter(|policy| policy.0.selector().is_none()) {
        if let Some((MtlsMode::Disable, node)) = policy.mode() {
            findings.add(Finding::new(&policy.0, node));
        }
    }
}
