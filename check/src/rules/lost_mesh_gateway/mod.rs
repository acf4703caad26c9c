//! Rules for a Service of the mesh reach gateways only.

use foldhash::HashSet;

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::{Lookup, Mesh, Target, full_host};
use crate::model::{Route, VirtualService};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC211",
    slug: "lost-mesh-gateway",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &[],
    kinds: [VirtualService],
    message: "sidecars do not get these rules for {host}: the gateways do not list mesh",
    message_zh: "sidecar 收不到 {host} 的这些规则：gateways 里没有 mesh",
    confirm: &[
        Confirm {
            id: "routes",
            steps: &[
                Command("istioctl proxy-config routes {pod}.{namespace} -o json"),
                Note("On a client's pod, the host has one route named default.", "在客户端的 Pod 上，这个 host 只有一条名为 default 的路由。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "mesh",
            applicability: Review,
            steps: &[Patch(PatchKind::Fragment, "# VirtualService\nspec:\n  gateways:\n    - istio-ingress/public\n    - mesh\n")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService",
        "https://istio.io/latest/docs/ops/common-problems/network-issues/#route-rules-dont-seem-to-affect-traffic-flow",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let full = |service: &VirtualService<'a>, host: Node<'a>| host.text().map(|host| full_host(host, service.0.namespace));
    let on_mesh = mesh.virtual_services().filter(VirtualService::is_on_mesh);
    let claimed: HashSet<String> =
        on_mesh.flat_map(|service| service.hosts().filter_map(move |host| full(&service, host))).collect();
    for service in mesh.virtual_services().filter(|service| !service.is_on_mesh()) {
        for host in service.hosts() {
            let (Some(name), Some(full)) = (host.text(), full(&service, host)) else { continue };
            if name.starts_with('*') || claimed.contains(&full) || !service.routes().any(|route| is_rule(route, service, &full)) {
                continue;
            }
            let Lookup::Found(targets) = mesh.host(name, service.0.namespace) else { continue };
            let found = targets.iter().find_map(|target| match target {
                Target::Service(found) if found.external_name().is_none() => Some(found),
                _ => None,
            });
            if let (Some(found), Some(gateways)) = (found, service.0.spec().get("gateways")) {
                findings
                    .add(Finding::new(&service.0, gateways).with("host", full).beside(&found.0, found.0.name_node()).likely());
                break;
            }
        }
    }
}

/// Whether a route does more than what happens without it: to send everything on to the host.
fn is_rule(route: Route<'_>, service: VirtualService<'_>, host: &str) -> bool {
    let is_plain = route.node.entries().all(|(key, _)| matches!(key.text(), Some("route" | "name")));
    let mut destinations = route.destinations();
    let own = |destination: Node<'_>| destination.get("host").and_then(Node::text).map(|own| full_host(own, service.0.namespace));
    let is_own = destinations.all(|destination| destination.subset().is_none() && own(destination.0).as_deref() == Some(host));
    !(is_plain && is_own)
}
