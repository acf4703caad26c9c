//! A Gateway names a Secret that its pods' namespace does not have.

use foldhash::HashSet;

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::gateways::secret_namespace;
use crate::mesh::Mesh;
use crate::model::{Gateway, ResourceKind};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC504",
    slug: "missing-gateway-credential",
    since: "0.1.0",
    severity: Error,
    explains: [tls_secret_missing],
    equivalent: &["IST0101"],
    kinds: [Gateway],
    message: "namespace {namespace}, where the gateway's pods run, has no Secret {secret}",
    message_zh: "网关 Pod 所在的 namespace {namespace} 里没有 Secret {secret}",
    confirm: &[
        Confirm {
            id: "secrets",
            steps: &[
                Command("istioctl proxy-config secret {pod}.{namespace}"),
                Note("The Secret is listed as WARMING, or not at all.", "这个 Secret 显示为 WARMING，或者根本没有。"),
                Command("kubectl -n {namespace} get secrets"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "create",
            applicability: Review,
            steps: &[Command("kubectl -n {namespace} create secret tls example-credential --cert=tls.crt --key=tls.key")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0101/",
        "https://istio.io/latest/docs/tasks/traffic-management/ingress/secure-ingress/",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let mut known = None;
    for gateway in mesh.of(ResourceKind::Gateway).map(Gateway) {
        for server in gateway.servers().filter(|server| !server.passes_tls_through()) {
            for node in server.credential_names() {
                let Some(name) = node.text().filter(|name| !name.contains("://") && !name.contains('/')) else { continue };
                let Some(namespace) = secret_namespace(mesh, &gateway) else {
                    findings.unknown(&gateway.0, node, "pods of the gateway");
                    continue;
                };
                if mesh.find(ResourceKind::Secret, namespace, name).is_some() {
                    continue;
                }
                let Known { namespaces, made } = known.get_or_insert_with(|| Known::new(mesh));
                if namespaces.contains(namespace) && !made.contains(name) {
                    findings.add(Finding::new(&gateway.0, node).with("namespace", namespace).with("secret", name).likely());
                } else {
                    findings.unknown(&gateway.0, node, format!("Secret {name} in {namespace}"));
                }
            }
        }
    }
}

/// Where Secrets with certificates are in the files, and what makes others.
struct Known<'a> {
    namespaces: HashSet<&'a str>,
    made: HashSet<&'a str>,
}

impl<'a> Known<'a> {
    fn new(mesh: &Mesh<'a>) -> Self {
        let is_certificate = |data: Node<'_>| ["tls.crt", "tls.key", "cert", "key"].iter().any(|key| data.get(key).is_some());
        let secrets = mesh
            .of(ResourceKind::Secret)
            .filter(|secret| ["data", "stringData"].iter().any(|data| secret.root.get(data).is_some_and(is_certificate)));
        let names: [&[&str]; 4] =
            [&["spec", "secretName"], &["spec", "target", "name"], &["spec", "destination", "name"], &["metadata", "name"]];
        let is_maker = |root: &Node<'a>| {
            let kind = root.get("kind").and_then(Node::text).unwrap_or_default();
            kind == "Certificate" || kind.ends_with("Secret") && kind != "Secret"
        };
        let makers = mesh.documents().map(|document| document.root()).filter(is_maker);
        let made = makers.flat_map(|root| names.into_iter().filter_map(move |name| root.str_at(name)));
        Self { namespaces: secrets.map(|secret| secret.namespace).collect(), made: made.collect() }
    }
}
