//! No host name of a route meets that of a listener.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::gateway_api::attachments;
use crate::mesh::Mesh;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC515",
    slug: "route-hostname-mismatch",
    since: "0.1.0",
    severity: Error,
    explains: [no_route, no_virtual_host],
    equivalent: &[],
    kinds: [HTTPRoute, GRPCRoute, TLSRoute],
    message: "the listeners of Gateway {gateway} take {listeners}, and the route is for {hostnames}",
    message_zh: "Gateway {gateway} 的 listener 接受 {listeners}，而路由的 hostnames 是 {hostnames}",
    confirm: &[
        Confirm {
            id: "status",
            steps: &[
                Command("kubectl -n {namespace} get httproutes,grpcroutes,tlsroutes,tcproutes -o yaml"),
                Note(
                    "status.parents has Accepted with status False and reason NoMatchingListenerHostname for this parent.",
                    "status.parents 里这个 parent 的 Accepted 是 False，reason 是 NoMatchingListenerHostname。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "meet",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# Gateway\nspec:\n  listeners:\n    - name: http\n      hostname: {host}\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://gateway-api.sigs.k8s.io/reference/spec/#httproutespec",
        "https://gateway-api.sigs.k8s.io/api-types/httproute/#hostnames",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for attachment in attachments(mesh) {
        let hostnames: Vec<&str> = attachment.route.spec().list("hostnames").filter_map(Node::text).collect();
        let mut listeners = attachment.of_namespace(mesh).peekable();
        let Some(first) = listeners.peek().copied() else { continue };
        let listeners: Vec<_> = listeners.collect();
        if hostnames.is_empty() || listeners.iter().any(|listener| listener.meets(hostnames.iter().copied())) {
            continue;
        }
        let own = listeners.iter().filter_map(|listener| listener.hostname()?.text()).collect::<Vec<_>>();
        let place = attachment.route.spec().list("hostnames").next();
        findings.add(
            Finding::new(&attachment.route, place.unwrap_or(attachment.reference))
                .with("gateway", format!("{}/{}", attachment.gateway.namespace, attachment.gateway.name))
                .with("listeners", own.join(", "))
                .with("hostnames", hostnames.join(", "))
                .beside(&attachment.gateway, first.hostname().unwrap_or(first.0)),
        );
    }
}
