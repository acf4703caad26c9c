//! A CUSTOM policy names a provider that the mesh configuration does not have.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{AuthorizationPolicy, PolicyAction};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC611",
    slug: "custom-provider-unknown",
    since: "0.1.0",
    severity: Error,
    explains: [ext_authz_misconfigured, rbac_denied],
    equivalent: &[],
    kinds: [AuthorizationPolicy],
    each: AuthorizationPolicy,
    message: "meshConfig.extensionProviders has no authorization service {provider}",
    message_zh: "meshConfig.extensionProviders 里没有名为 {provider} 的鉴权服务",
    confirm: &[
        Confirm {
            id: "providers",
            steps: &[
                Command("kubectl -n istio-system get configmap istio -o jsonpath='{.data.mesh}'"),
                Note(
                    "No extension provider of that name has envoyExtAuthzHttp or envoyExtAuthzGrpc.",
                    "没有这个名字的 extension provider 带 envoyExtAuthzHttp 或 envoyExtAuthzGrpc。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "declare",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "meshConfig:\n  extensionProviders:\n    - name: ext-authz\n      envoyExtAuthzGrpc:\n        service: {host}\n        port: 9000\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/tasks/security/authorization/authz-custom/",
        "Istio pilot/pkg/security/authz/builder/builder.go, 1.30",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, policy: AuthorizationPolicy<'a>, findings: &mut Findings<'a>) {
    let node = policy.0.spec().at(&["provider", "name"]).filter(|_| policy.action() == Some(PolicyAction::Custom));
    let Some((node, name)) = node.and_then(|node| Some((node, node.text()?))) else { return };
    if !mesh.has_sole_config() {
        findings.unknown(&policy.0, node, format!("extension provider {name} of the mesh configuration"));
    } else if !mesh.extension_provider(name).is_some_and(authorizes) {
        findings.add(Finding::new(&policy.0, node).with("provider", name));
    }
}

fn authorizes(provider: Node<'_>) -> bool {
    ["envoyExtAuthzHttp", "envoyExtAuthzGrpc"].iter().any(|kind| provider.get(kind).is_some())
}
