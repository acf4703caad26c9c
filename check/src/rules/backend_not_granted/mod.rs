//! A route of the Gateway API uses a Service of a namespace that grants it nothing.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{Resource, ResourceKind};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC221",
    slug: "backend-not-granted",
    since: "0.1.0",
    severity: Error,
    explains: [no_cluster],
    equivalent: &[],
    kinds: [HTTPRoute, GRPCRoute, TLSRoute, TCPRoute],
    each: Resource,
    message: "no ReferenceGrant in {namespace} lets a {kind} of {from} use the Service {service}",
    message_zh: "{namespace} 里没有 ReferenceGrant 允许 {from} 的 {kind} 使用 Service {service}",
    confirm: &[
        Confirm {
            id: "status",
            steps: &[
                Command("kubectl -n {namespace} get httproutes -o yaml"),
                Note(
                    "In status.parents, the condition ResolvedRefs is False with the reason RefNotPermitted.",
                    "status.parents 里 ResolvedRefs 为 False，原因是 RefNotPermitted。",
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
                "apiVersion: gateway.networking.k8s.io/v1beta1\nkind: ReferenceGrant\nmetadata:\n  name: routes-of-{namespace}\n  namespace: {service_namespace}\nspec:\n  from:\n    - group: gateway.networking.k8s.io\n      kind: HTTPRoute\n      namespace: {namespace}\n  to:\n    - group: \"\"\n      kind: Service\n      name: {service}\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &["https://gateway-api.sigs.k8s.io/api-types/referencegrant/", "https://gateway-api.sigs.k8s.io/reference/spec/#httpbackendref"],
}

fn check<'a>(mesh: &Mesh<'a>, route: Resource<'a>, findings: &mut Findings<'a>) {
    for backend in route.spec().list("rules").flat_map(|rule| rule.list("backendRefs")) {
        let is_service = backend.get("kind").and_then(Node::text).is_none_or(|kind| kind == "Service")
            && backend.get("group").and_then(Node::text).is_none_or(str::is_empty);
        let there = backend.get("namespace").and_then(|node| Some((node, node.text()?)));
        let (Some((node, namespace)), Some(name), true) = (there, backend.get("name").and_then(Node::text), is_service) else {
            continue;
        };
        if namespace == route.namespace || !route.has_namespace() {
            continue;
        }
        let grants = |grant: Resource<'a>| grants(grant, &route, name);
        if mesh.in_namespace(ResourceKind::ReferenceGrant, namespace).any(grants) {
            continue;
        }
        match mesh.service(namespace, name) {
            Some(service) => findings.add(
                Finding::new(&route, node)
                    .with("namespace", namespace)
                    .with("kind", route.kind.name())
                    .with("from", route.namespace)
                    .with("service", name)
                    .beside(&service.0, service.0.name_node())
                    .likely(),
            ),
            None => findings.unknown(&route, node, format!("ReferenceGrant in {namespace}")),
        }
    }
}

/// Whether a ReferenceGrant lets a route use the Service of this name.
fn grants(grant: Resource<'_>, route: &Resource<'_>, name: &str) -> bool {
    let text = |node: Node<'_>, key: &str| node.get(key).and_then(Node::text).map(str::to_owned).unwrap_or_default();
    let is_from = |from: Node<'_>| {
        text(from, "group") == route.kind.group()
            && text(from, "kind") == route.kind.name()
            && text(from, "namespace") == route.namespace
    };
    let is_to = |to: Node<'_>| {
        let named = text(to, "name");
        text(to, "group").is_empty() && text(to, "kind") == "Service" && (named.is_empty() || named == name)
    };
    grant.spec().list("from").any(is_from) && grant.spec().list("to").any(is_to)
}
