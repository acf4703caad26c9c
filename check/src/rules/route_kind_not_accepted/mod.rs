//! No listener that a route names takes routes of its kind.

use crate::finding::{Finding, Findings};
use crate::gateway_api::attachments;
use crate::mesh::Mesh;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC513",
    slug: "route-kind-not-accepted",
    since: "0.1.0",
    severity: Error,
    explains: [no_route, no_filter_chain],
    equivalent: &[],
    kinds: [HTTPRoute, GRPCRoute, TLSRoute, TCPRoute, UDPRoute],
    message: "no listener of Gateway {gateway} takes a {kind}: they are {protocols}",
    message_zh: "Gateway {gateway} 的 listener 都不接受 {kind}：它们是 {protocols}",
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
            id: "agree",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# Gateway: HTTPRoute and GRPCRoute for HTTP and HTTPS, TLSRoute for TLS, TCPRoute for TCP\nspec:\n  listeners:\n    - name: tls\n      port: 443\n      protocol: TLS\n      tls:\n        mode: Passthrough\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://gateway-api.sigs.k8s.io/guides/tls/",
        "https://gateway-api.sigs.k8s.io/concepts/api-overview/#route-resources",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for attachment in attachments(mesh).filter(|attachment| attachment.of_kind().next().is_none()) {
        let protocols: Vec<_> = attachment.named().filter_map(|listener| listener.0.get("protocol")?.text()).collect();
        let Some(first) = attachment.named().next() else { continue };
        findings.add(
            Finding::new(&attachment.route, attachment.reference.get("name").unwrap_or(attachment.reference))
                .with("gateway", format!("{}/{}", attachment.gateway.namespace, attachment.gateway.name))
                .with("kind", attachment.route.kind.as_str())
                .with("protocols", protocols.join(", "))
                .beside(&attachment.gateway, first.0.get("protocol").filter(|node| node.text().is_some()).unwrap_or(first.0)),
        );
    }
}
