//! A listener takes its certificate from another namespace, which has not permitted that.

use foldhash::HashMap;

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::gateway_api::listeners;
use crate::mesh::Mesh;
use crate::model::{Resource, ResourceKind};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC516",
    slug: "certificate-ref-not-permitted",
    since: "0.1.0",
    severity: Error,
    explains: [tls_secret_missing],
    equivalent: &[],
    kinds: [KubernetesGateway, ListenerSet],
    message: "no ReferenceGrant in namespace {namespace} permits {kind} {gateway} to read Secret {secret}",
    message_zh: "namespace {namespace} 里没有 ReferenceGrant 允许 {kind} {gateway} 读取 Secret {secret}",
    confirm: &[
        Confirm {
            id: "status",
            steps: &[
                Command("kubectl -n {namespace} get gateways.gateway.networking.k8s.io -o yaml"),
                Note(
                    "The listener's ResolvedRefs is False with the reason RefNotPermitted.",
                    "listener 的 ResolvedRefs 是 False，reason 是 RefNotPermitted。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "grant",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Resource,
                "apiVersion: gateway.networking.k8s.io/v1beta1\nkind: ReferenceGrant\nmetadata:\n  name: gateways-read-certificates\n  namespace: {service_namespace}\nspec:\n  from:\n    - group: gateway.networking.k8s.io\n      kind: Gateway\n      namespace: {namespace}\n  to:\n    - group: \"\"\n      kind: Secret\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://gateway-api.sigs.k8s.io/api-types/referencegrant/",
        "https://gateway-api.sigs.k8s.io/guides/tls/#cross-namespace-certificate-references",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let mut grants: HashMap<&str, Vec<Resource<'a>>> = HashMap::default();
    for grant in mesh.of(ResourceKind::ReferenceGrant) {
        grants.entry(grant.namespace).or_default().push(grant);
    }
    for gateway in mesh.of(ResourceKind::KubernetesGateway).chain(mesh.of(ResourceKind::ListenerSet)) {
        let references =
            listeners(&gateway).filter_map(|listener| listener.0.get("tls")).flat_map(|tls| tls.list("certificateRefs"));
        for reference in references {
            let text = |key: &str| reference.get(key).and_then(Node::text);
            let Some((node, namespace)) = reference.get("namespace").and_then(|node| Some((node, node.text()?))) else {
                continue;
            };
            let (Some(name), true) = (text("name"), text("kind").is_none_or(|kind| kind == "Secret")) else { continue };
            let of_namespace = grants.get(namespace).map(Vec::as_slice).unwrap_or_default();
            if namespace == gateway.namespace || of_namespace.iter().any(|grant| permits(grant, &gateway, name)) {
                continue;
            }
            if of_namespace.is_empty() && mesh.find(ResourceKind::Secret, namespace, name).is_none() {
                findings.unknown(&gateway, node, format!("ReferenceGrants of {namespace}"));
                continue;
            }
            findings.add(
                Finding::new(&gateway, node)
                    .with("namespace", namespace)
                    .with("kind", gateway.kind.name())
                    .with("gateway", format!("{}/{}", gateway.namespace, gateway.name))
                    .with("secret", name)
                    .likely(),
            );
        }
    }
}

/// Whether a grant lets a Gateway read a Secret.
fn permits(grant: &Resource<'_>, gateway: &Resource<'_>, secret: &str) -> bool {
    let is = |node: Node<'_>, key: &str, value: &str| node.get(key).and_then(Node::text) == Some(value);
    let from =
        grant.spec().list("from").any(|from| is(from, "kind", gateway.kind.name()) && is(from, "namespace", gateway.namespace));
    let mut to = grant.spec().list("to");
    from && to
        .any(|to| is(to, "kind", "Secret") && to.get("name").is_none_or(|name| name.is_empty() || name.text() == Some(secret)))
}
