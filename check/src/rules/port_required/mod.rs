//! A route to a Service of several ports does not say which.

use crate::finding::{Finding, Findings};
use crate::mesh::{Mesh, Target};
use crate::model::{Gateway, ResourceKind, Server, VirtualService};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC206",
    slug: "port-required",
    since: "0.1.0",
    severity: Error,
    explains: [no_cluster],
    equivalent: &["IST0112"],
    kinds: [VirtualService],
    each: VirtualService,
    message: "{host} has the ports {ports}, and the route does not say which",
    message_zh: "{host} 有多个端口（{ports}），路由没有写用哪一个",
    confirm: &[
        Confirm {
            id: "clusters",
            steps: &[
                Command("istioctl proxy-config routes {pod}.{namespace} -o json"),
                Command("istioctl proxy-config clusters {pod}.{namespace} --fqdn {host}"),
                Note(
                    "The route's cluster has the port of the listener, and no cluster of the host has that port.",
                    "路由里 cluster 的端口是监听器的端口，而这个 host 的 cluster 里没有这个端口。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "port",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# VirtualService\nspec:\n  http:\n    - route:\n        - destination:\n            host: {host}\n            port:\n              number: {port}\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0112/",
        "https://istio.io/latest/docs/reference/config/networking/virtual-service/#Destination",
        "Istio pilot/pkg/networking/core/route/route.go, 1.30",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, service: VirtualService<'a>, findings: &mut Findings<'a>) {
    let mut listeners: Option<Option<Vec<i64>>> = None;
    for destination in service.destinations().filter(|destination| destination.0.get("port").is_none()) {
        let Some((host, name)) = destination.host().and_then(|host| Some((host, host.text()?))) else { continue };
        let targets = mesh.host(name, service.0.namespace).visible_to(&service.0);
        let Some(target) = targets.iter().find(|target| target.ports().len() > 1) else { continue };
        if targets.iter().any(|target| target.ports().len() < 2) {
            continue;
        }
        let ports = target.ports();
        let listeners = listeners.get_or_insert_with(|| listener_ports(mesh, &service));
        if listeners.as_ref().is_some_and(|listeners| listeners.iter().all(|port| ports.contains(port))) {
            continue;
        }
        let listed = ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let finding = Finding::new(&service.0, host).with("host", name).with("ports", listed);
        let finding = finding.beside(&target.resource(), ports_node(*target));
        findings.add(if listeners.is_none() { finding.likely() } else { finding });
    }
}

fn ports_node<'a>(target: Target<'a>) -> crate::document::Node<'a> {
    let resource = target.resource();
    resource.spec().get("ports").unwrap_or(resource.root)
}

/// The ports that requests come in on, one of which stands in for the one that is not written; `None` where they are not known.
fn listener_ports(mesh: &Mesh<'_>, service: &VirtualService<'_>) -> Option<Vec<i64>> {
    let mut ports = Vec::new();
    if service.is_on_mesh() {
        for host in service.hosts() {
            let found = mesh.host(host.text()?, service.0.namespace).visible_to(&service.0);
            ports.extend(found.first()?.ports());
        }
    }
    for (_, (namespace, name)) in service.named_gateways() {
        let gateway = Gateway(mesh.find(ResourceKind::Gateway, namespace, name)?);
        ports.extend(gateway.servers().filter_map(Server::port));
    }
    Some(ports).filter(|ports| !ports.is_empty())
}
