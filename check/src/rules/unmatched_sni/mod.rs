//! A `tls` route matches an SNI that the hosts of its VirtualService do not cover.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::mesh::covers;
use crate::model::{RouteProtocol, VirtualService};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC508",
    slug: "unmatched-sni",
    since: "0.1.0",
    severity: Error,
    explains: [admission_refused, no_filter_chain],
    equivalent: &["IST0106"],
    kinds: [VirtualService],
    each: VirtualService,
    message: "SNI {sni} is not covered by the hosts of the VirtualService: {hosts}",
    message_zh: "SNI {sni} 不在 VirtualService 的 hosts 范围内：{hosts}",
    confirm: &[
        Confirm {
            id: "dry-run",
            steps: &[
                Command("kubectl apply --dry-run=server -f virtual-service.yaml"),
                Note(
                    "The webhook says that the SNI host is not a compatible subset of the virtual service hosts.",
                    "webhook 返回：SNI host 不是 virtual service hosts 的子集。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "cover",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# VirtualService\nspec:\n  hosts:\n    - {host}\n  tls:\n    - match:\n        - sniHosts:\n            - {host}\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/networking/virtual-service/#TLSMatchAttributes",
        "Istio pkg/config/validation/virtualservice.go, 1.30",
    ],
}

fn check<'a>(_: &Mesh<'a>, service: VirtualService<'a>, findings: &mut Findings<'a>) {
    let hosts: Vec<&str> = service.hosts().filter_map(Node::text).collect();
    let routes = service.routes().filter(|route| route.protocol == RouteProtocol::Tls);
    for sni in routes.flat_map(|route| route.matches()).flat_map(|matched| matched.list("sniHosts")) {
        let Some(name) = sni.text() else { continue };
        if !hosts.is_empty() && !hosts.iter().any(|host| covers(host, name)) {
            findings.add(Finding::new(&service.0, sni).with("sni", name).with("hosts", hosts.join(", ")));
        }
    }
}
