//! No listener that a route names takes routes of its namespace.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::gateway_api::attachments;
use crate::mesh::Mesh;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC514",
    slug: "route-namespace-not-allowed",
    since: "0.1.0",
    severity: Error,
    explains: [no_route],
    equivalent: &[],
    kinds: [HTTPRoute, GRPCRoute, TLSRoute, TCPRoute, UDPRoute],
    message: "Gateway {gateway} takes no routes of namespace {namespace}: its listeners allow {from}",
    message_zh: "Gateway {gateway} 不接受 namespace {namespace} 的路由：它的 listener 只允许 {from}",
    confirm: &[
        Confirm {
            id: "status",
            steps: &[
                Command("kubectl -n {namespace} get httproutes,grpcroutes,tlsroutes,tcproutes -o yaml"),
                Note(
                    "status.parents has Accepted with status False and reason NotAllowedByListeners for this parent.",
                    "status.parents 里这个 parent 的 Accepted 是 False，reason 是 NotAllowedByListeners。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "allow",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# Gateway\nspec:\n  listeners:\n    - name: http\n      allowedRoutes:\n        namespaces:\n          from: Selector\n          selector:\n            matchLabels:\n              kubernetes.io/metadata.name: {namespace}\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://gateway-api.sigs.k8s.io/guides/multiple-ns/",
        "https://gateway-api.sigs.k8s.io/reference/spec/#allowedroutes",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for attachment in attachments(mesh) {
        let Some(first) = attachment.of_kind().next() else { continue };
        if attachment.of_namespace(mesh).next().is_some() {
            continue;
        }
        let from = first.0.at(&["allowedRoutes", "namespaces", "from"]);
        let place = attachment.reference.get("namespace").or_else(|| attachment.reference.get("name"));
        findings.add(
            Finding::new(&attachment.route, place.unwrap_or(attachment.reference))
                .with("gateway", format!("{}/{}", attachment.gateway.namespace, attachment.gateway.name))
                .with("namespace", attachment.route.namespace)
                .with("from", from.and_then(Node::text).unwrap_or("Same"))
                .beside(&attachment.gateway, from.unwrap_or(first.0)),
        );
    }
}
