//! A route names a port that its Service does not have.

use crate::document::Node;
use crate::edit::Edit;
use crate::finding::{Finding, Findings};
use crate::mesh::{Mesh, Target};
use crate::model::{ResourceKind, Service, ServiceEntry, ServicePort, VirtualService};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC207",
    slug: "missing-destination-port",
    since: "0.1.0",
    severity: Error,
    explains: [no_cluster],
    equivalent: &["IST0101"],
    kinds: [VirtualService],
    each: VirtualService,
    message: "{host} has no port {port}, only {ports}",
    message_zh: "{host} 没有端口 {port}，只有 {ports}",
    confirm: &[
        Confirm {
            id: "clusters",
            steps: &[
                Command("istioctl proxy-config clusters {pod}.{namespace} --fqdn {host}"),
                Note("No line has the port of the route.", "没有一行是路由里写的端口。"),
            ],
        },
        Confirm { id: "service", steps: &[Command("kubectl -n {service_namespace} get service {service}")] },
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
        "https://istio.io/latest/docs/reference/config/analysis/ist0101/",
        "https://istio.io/latest/docs/reference/config/networking/virtual-service/#Destination",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, service: VirtualService<'a>, findings: &mut Findings<'a>) {
    for destination in service.destinations() {
        let (Some(host), Some(port)) = (destination.host().and_then(Node::text), destination.port()) else { continue };
        let Some(number) = port.as_integer() else { continue };
        let targets = mesh.host(host, service.0.namespace).visible_to(&service.0);
        let ports: Vec<_> = targets.iter().map(Target::ports).collect();
        if targets.is_empty() || ports.iter().any(|ports| ports.is_empty() || ports.contains(&number)) {
            continue;
        }
        if targets.iter().any(|target| other_version_has(mesh, *target, number)) {
            continue;
        }
        let listed = ports.concat().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let mut finding =
            Finding::new(&service.0, port).with("host", host).with("port", number.to_string()).with("ports", listed);
        for target in &targets {
            let resource = target.resource();
            finding = finding.beside(&resource, resource.spec().get("ports").unwrap_or(resource.root));
        }
        findings.add(match &targets[..] {
            [target] => match of_container(*target, number) {
                Some(meant) => finding.cured_by(Edit::replace(port, meant.to_string())),
                None => finding,
            },
            _ => finding,
        });
    }
}

/// Whether another version of the manifest has the port: which of them is applied, the files do not say.
fn other_version_has(mesh: &Mesh<'_>, target: Target<'_>, number: i64) -> bool {
    let resource = target.resource();
    mesh.versions(resource.kind, resource.namespace, resource.name).any(|version| match version.kind {
        ResourceKind::Service => Target::Service(Service(version)).ports().contains(&number),
        _ => Target::Entry(ServiceEntry(version)).ports().contains(&number),
    })
}

/// The only port of the Service that leads to this port of the container.
fn of_container(target: Target<'_>, number: i64) -> Option<i64> {
    let Target::Service(service) = target else { return None };
    let mut leading = service.ports().filter(|port| port.target() == Some(number)).filter_map(ServicePort::number);
    leading.next().filter(|_| leading.next().is_none())
}
