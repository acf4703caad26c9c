//! A route names a listener that its Gateway does not have.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::gateway_api::{attachments, listeners};
use crate::mesh::Mesh;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC512",
    slug: "missing-listener",
    since: "0.1.0",
    severity: Error,
    explains: [no_route],
    equivalent: &[],
    kinds: [HTTPRoute, GRPCRoute, TLSRoute, TCPRoute, UDPRoute],
    message: "Gateway {gateway} has no listener {wanted}: it has {listeners}",
    message_zh: "Gateway {gateway} 没有 listener {wanted}，只有 {listeners}",
    confirm: &[
        Confirm {
            id: "status",
            steps: &[
                Command("kubectl -n {namespace} get httproutes,grpcroutes,tlsroutes,tcproutes -o yaml"),
                Note(
                    "status.parents has Accepted with status False and reason NoMatchingParent for this parent.",
                    "status.parents 里这个 parent 的 Accepted 是 False，reason 是 NoMatchingParent。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "name",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# route; sectionName is the name of the listener\nspec:\n  parentRefs:\n    - name: edge\n      sectionName: https\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://gateway-api.sigs.k8s.io/reference/spec/#parentreference",
        "https://gateway-api.sigs.k8s.io/concepts/api-overview/#attaching-routes-to-gateways",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for attachment in attachments(mesh).filter(|attachment| attachment.named().next().is_none()) {
        let key = |name: &str| attachment.reference.get(name).filter(|value| value.text().is_some());
        let Some(node) = key("sectionName").or_else(|| key("port")) else { continue };
        let words = [key("sectionName"), key("port")].into_iter().flatten().filter_map(Node::text).collect::<Vec<_>>();
        let known = listeners(&attachment.gateway)
            .map(|listener| format!("{}:{}", listener.name().unwrap_or_default(), listener.port().unwrap_or_default()));
        let gateway = &attachment.gateway;
        findings.add(
            Finding::new(&attachment.route, node)
                .with("gateway", format!("{}/{}", gateway.namespace, gateway.name))
                .with("wanted", words.join(":"))
                .with("listeners", known.collect::<Vec<_>>().join(", "))
                .beside(gateway, gateway.spec().get("listeners").unwrap_or(gateway.root)),
        );
    }
}
