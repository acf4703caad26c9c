//! A match asks for a gateway that the VirtualService does not name.

use foldhash::HashSet;

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{VirtualService, gateway_name};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC215",
    slug: "match-gateway-not-listed",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &[],
    kinds: [VirtualService],
    each: VirtualService,
    message: "this match asks for the gateway {gateway}, which spec.gateways does not list",
    message_zh: "这个 match 要求网关 {gateway}，但 spec.gateways 里没有它",
    confirm: &[
        Confirm {
            id: "routes",
            steps: &[
                Command("istioctl proxy-config routes {pod}.{namespace} -o json"),
                Note("The route is on no proxy, neither the gateway's nor a client's.", "不管是网关还是客户端的代理，都没有这条路由。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "list",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# VirtualService\nspec:\n  gateways:\n    - istio-ingress/public\n    - mesh\n  http:\n    - match:\n        - gateways: [istio-ingress/public]\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMatchRequest",
        "Istio pilot/pkg/networking/core/route/route.go, 1.30",
    ],
}

fn check<'a>(_: &Mesh<'a>, service: VirtualService<'a>, findings: &mut Findings<'a>) {
    if service.is_delegate() {
        return;
    }
    let mut listed: HashSet<_> = service.named_gateways().map(|(_, name)| name).collect();
    listed.extend(service.is_on_mesh().then_some(MESH));
    for matched in service.routes().flat_map(|route| route.matches()) {
        let asked: Vec<_> = matched.list("gateways").filter_map(|node| Some((node, node.text()?))).collect();
        let means = |name: &'a str| if name == "mesh" { MESH } else { gateway_name(name, service.0.namespace) };
        for (node, name) in asked.iter().filter(|(_, name)| !listed.contains(&means(name))) {
            let finding = Finding::new(&service.0, *node).with("gateway", *name);
            findings.add(match service.0.spec().get("gateways") {
                Some(gateways) => finding.beside(&service.0, gateways),
                None => finding.beside(&service.0, hosts(service.0.spec())),
            });
        }
    }
}

/// Sidecars, which no Gateway can be.
const MESH: (&str, &str) = ("", "mesh");

fn hosts(spec: Node<'_>) -> Node<'_> {
    spec.get("hosts").unwrap_or(spec)
}
