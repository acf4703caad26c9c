//! Several PeerAuthentications hold for the same pods.

use crate::finding::Findings;
use crate::mesh::Mesh;
use crate::model::ResourceKind;
use crate::rules::declare_rule;
use crate::scope::{default_conflicts, selector_conflicts};

declare_rule! {
    code: "MWC615",
    slug: "several-peer-authentications",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &[],
    kinds: [PeerAuthentication],
    message: "{others} hold for the same pods of {namespace}",
    message_zh: "{others} 对 {namespace} 里同样的 Pod 生效",
    confirm: &[
        Confirm {
            id: "age",
            steps: &[
                Command("kubectl -n {namespace} get peerauthentications --sort-by=.metadata.creationTimestamp"),
                Note("More than one holds for the same pods; the first in the list wins.", "有不止一个对同样的 Pod 生效；列表里最前面的那个起作用。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "merge",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# the one PeerAuthentication of the namespace\nmetadata:\n  name: default\nspec:\n  mtls:\n    mode: STRICT\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/security/peer_authentication/",
        "Istio pilot/pkg/model/authentication.go, 1.30",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let conflicts = default_conflicts(mesh, ResourceKind::PeerAuthentication);
    for conflict in conflicts.into_iter().chain(selector_conflicts(mesh, ResourceKind::PeerAuthentication)) {
        findings.add(conflict.finding(mesh));
    }
}
