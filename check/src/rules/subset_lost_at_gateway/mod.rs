//! A gateway's route goes to a host without the subset that sidecars use.

use foldhash::HashMap;

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::{Mesh, full_host};
use crate::model::{Destination, VirtualService};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC212",
    slug: "subset-lost-at-gateway",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &["IST0140"],
    kinds: [VirtualService],
    message: "requests from the gateway go to all of {host}: the subsets of {other} are for sidecars",
    message_zh: "网关的请求会发到 {host} 的所有实例：{other} 里的 subset 只对 sidecar 生效",
    confirm: &[
        Confirm {
            id: "routes",
            steps: &[
                Command("istioctl proxy-config routes {pod}.{namespace} -o json"),
                Note("On the gateway's pod, the route's cluster has nothing between its two bars.", "在网关的 Pod 上，路由里 cluster 名字的两个竖线之间是空的。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "subset",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# VirtualService of the gateway\nspec:\n  http:\n    - route:\n        - destination:\n            host: {host}\n            subset: v1\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0140/",
        "https://istio.io/latest/docs/ops/common-problems/network-issues/#route-rules-have-no-effect-on-ingress-gateway-requests",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let mut subsets: HashMap<String, (VirtualService<'a>, Node<'a>)> = HashMap::default();
    for service in mesh.virtual_services().filter(VirtualService::is_on_mesh) {
        let own: Vec<_> = service.hosts().filter_map(|host| Some(full_host(host.text()?, service.0.namespace))).collect();
        for destination in destinations(service) {
            let (Some(host), Some(subset)) = (host_of(destination, service), destination.subset()) else { continue };
            if own.contains(&host) {
                subsets.entry(host).or_insert((service, subset));
            }
        }
    }
    for service in mesh.virtual_services().filter(|service| service.named_gateways().next().is_some()) {
        for destination in destinations(service).filter(|destination| destination.subset().is_none()) {
            let (Some(node), Some(host)) = (destination.host(), host_of(destination, service)) else { continue };
            if let Some((other, subset)) =
                subsets.get(&host).filter(|(other, _)| other.0.id() != service.0.id() && is_split(mesh, &host, &service, other))
            {
                let finding = Finding::new(&service.0, node).with("host", host).with("other", other.0.id().to_string());
                findings.add(finding.beside(&other.0, *subset).likely());
            }
        }
    }
}

fn destinations<'a>(service: VirtualService<'a>) -> impl Iterator<Item = Destination<'a>> {
    service.http().flat_map(|route| route.list("route")).filter_map(|route| route.get("destination")).map(Destination)
}

fn host_of(destination: Destination<'_>, service: VirtualService<'_>) -> Option<String> {
    Some(full_host(destination.host()?.text()?, service.0.namespace))
}

/// Whether some requests of the gateway go to other pods than those of sidecars: a host with one subset has no others. VirtualServices of
/// two files without a namespace may be alternatives.
fn is_split(mesh: &Mesh<'_>, host: &str, service: &VirtualService<'_>, other: &VirtualService<'_>) -> bool {
    let mut rules = mesh.rules_of_host(host, service.0.namespace).iter();
    rules.any(|rule| rule.subsets().nth(1).is_some())
        || service.0.place().file == other.0.place().file
        || service.0.has_namespace() && other.0.has_namespace() && mesh.rules_of_host(host, service.0.namespace).is_empty()
}
