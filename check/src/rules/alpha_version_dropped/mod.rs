//! A manifest is of an alpha version that 1.28 does not read any more.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::Resource;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC924",
    slug: "alpha-version-dropped",
    since: "0.1.0",
    severity: Warning,
    upgrade: 28,
    explains: [],
    equivalent: &[],
    kinds: [BackendTLSPolicy],
    each: Resource,
    message: "from Istio 1.28 on BackendTLSPolicy is read as v1, not {version}",
    message_zh: "从 Istio 1.28 起 BackendTLSPolicy 读的是 v1，不是 {version}",
    confirm: &[
        Confirm {
            id: "served",
            steps: &[Command("kubectl get crd backendtlspolicies.gateway.networking.k8s.io -o jsonpath='{.spec.versions[*].name}'")],
        },
    ],
    fixes: &[
        Fix {
            id: "stable",
            applicability: Review,
            steps: &[Patch(PatchKind::Fragment, "apiVersion: gateway.networking.k8s.io/v1\nkind: BackendTLSPolicy\n")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/news/releases/1.28.x/announcing-1.28/change-notes/",
        "https://gateway-api.sigs.k8s.io/api-types/backendtlspolicy/",
    ],
}

fn check<'a>(_: &Mesh<'a>, policy: Resource<'a>, findings: &mut Findings<'a>) {
    let Some(node) = policy.root.get("apiVersion") else { return };
    let version = policy.api_version.rsplit('/').next().unwrap_or_default();
    if version.starts_with("v1alpha") {
        findings.add(Finding::new(&policy, node).with("version", version).likely());
    }
}
