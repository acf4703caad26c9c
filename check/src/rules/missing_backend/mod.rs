//! A route of the Gateway API names a Service or port that is not there.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::{Lookup, Mesh, Target};
use crate::model::Resource;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC220",
    slug: "missing-backend",
    since: "0.1.0",
    severity: Error,
    explains: [no_cluster],
    equivalent: &["KIA1402"],
    kinds: [HTTPRoute, GRPCRoute, TLSRoute, TCPRoute],
    each: Resource,
    message: "there is no Service {service} in the namespace {namespace}, or it has not the port {port}",
    message_zh: "namespace {namespace} 里没有 Service {service}，或者它没有端口 {port}",
    confirm: &[
        Confirm {
            id: "status",
            steps: &[
                Command("kubectl -n {namespace} get httproutes -o yaml"),
                Note(
                    "In status.parents, the condition ResolvedRefs is False with the reason BackendNotFound.",
                    "status.parents 里 ResolvedRefs 为 False，原因是 BackendNotFound。",
                ),
            ],
        },
        Confirm { id: "service", steps: &[Command("kubectl -n {service_namespace} get service {service}")] },
    ],
    fixes: &[
        Fix {
            id: "backend",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# HTTPRoute\nspec:\n  rules:\n    - backendRefs:\n        - name: {service}\n          namespace: {service_namespace}\n          port: {port}\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://gateway-api.sigs.k8s.io/reference/spec/#httpbackendref",
        "https://istio.io/latest/docs/tasks/traffic-management/ingress/gateway-api/",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, route: Resource<'a>, findings: &mut Findings<'a>) {
    for backend in route.spec().list("rules").flat_map(|rule| rule.list("backendRefs")) {
        check_backend(mesh, &route, backend, findings);
    }
}

fn check_backend<'a>(mesh: &Mesh<'a>, route: &Resource<'a>, backend: Node<'a>, findings: &mut Findings<'a>) {
    let is_service = backend.get("kind").and_then(Node::text).is_none_or(|kind| kind == "Service")
        && backend.get("group").and_then(Node::text).is_none_or(str::is_empty);
    let Some((node, name)) = backend.get("name").and_then(|node| Some((node, node.text()?))).filter(|_| is_service) else {
        return;
    };
    let namespace = backend.get("namespace").and_then(Node::text).unwrap_or(route.namespace);
    let port = backend.get("port");
    let number = port.and_then(Node::as_integer);
    let written = number.map_or_else(|| "–".to_owned(), |port| port.to_string());
    let finding =
        |node| Finding::new(route, node).with("service", name).with("namespace", namespace).with("port", written.clone());
    match mesh.host(&format!("{name}.{namespace}.svc.cluster.local"), namespace) {
        Lookup::Missing if mesh.expects_services(route, namespace) => findings.add(finding(node).likely()),
        Lookup::Missing | Lookup::Elsewhere => findings.unknown(route, node, format!("Service {namespace}/{name}")),
        Lookup::Found(targets) => {
            let has_port =
                |target: &Target<'a>| target.ports().is_empty() || number.is_none_or(|port| target.ports().contains(&port));
            if let (Some(port), Some(target)) = (port, targets.first().filter(|_| !targets.iter().any(has_port))) {
                let resource = target.resource();
                findings.add(finding(port).beside(&resource, resource.spec().get("ports").unwrap_or(resource.root)));
            }
        }
    }
}
