//! The mesh does not choose mutual TLS by itself.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC902",
    slug: "auto-mtls-off",
    since: "0.1.0",
    severity: Warning,
    explains: [connection_closed_by_proxy, tls_to_plaintext_port],
    equivalent: &[],
    kinds: [],
    message: "enableAutoMtls is false: clients send plaintext wherever no DestinationRule says ISTIO_MUTUAL",
    message_zh: "enableAutoMtls 为 false：没有 DestinationRule 写 ISTIO_MUTUAL 的地方，客户端都发明文",
    confirm: &[
        Confirm {
            id: "mesh",
            steps: &[Command("kubectl -n istio-system get configmap istio -o yaml | grep -i automtls")],
        },
    ],
    fixes: &[
        Fix {
            id: "on",
            applicability: Review,
            steps: &[Patch(PatchKind::Fragment, "# mesh configuration\nenableAutoMtls: true\n")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#MeshConfig",
        "https://istio.io/latest/docs/tasks/security/authentication/authn-policy/#auto-mutual-tls",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    if let Some((resource, node)) = mesh.mesh_setting(&["enableAutoMtls"])
        && node.as_bool() == Some(false)
    {
        findings.add(Finding::within(resource.as_ref(), node));
    }
}
