//! A Sidecar lets through to a host that nobody has, so it lets nothing through.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::{Lookup, Mesh, Target, kubernetes_name};
use crate::model::{Resource, ResourceKind};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC617",
    slug: "sidecar-egress-unknown-host",
    since: "0.1.0",
    severity: Warning,
    explains: [no_cluster, no_route, passthrough_blackhole],
    equivalent: &["KIA1004"],
    kinds: [Sidecar],
    each: Resource,
    message: "nothing is called {host} in namespace {namespace}",
    message_zh: "namespace {namespace} 里没有 {host}",
    confirm: &[
        Confirm {
            id: "clusters",
            steps: &[
                Command("istioctl proxy-config clusters {pod}.{namespace} --fqdn {host}"),
                Note("The list is empty.", "列表是空的。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "host",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# Sidecar: namespace of the Service, then its full name\nspec:\n  egress:\n    - hosts:\n        - {service_namespace}/{host}\n        - istio-system/*\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/networking/sidecar/#IstioEgressListener",
        "Istio pilot/pkg/model/sidecar.go, 1.30",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, sidecar: Resource<'a>, findings: &mut Findings<'a>) {
    let hosts = sidecar.spec().list("egress").flat_map(|egress| egress.list("hosts"));
    for (node, text) in hosts.filter_map(|node| Some((node, node.text()?))) {
        look_at(mesh, &sidecar, node, text, findings);
    }
}

fn look_at<'a>(mesh: &Mesh<'a>, sidecar: &Resource<'a>, node: Node<'a>, text: &'a str, findings: &mut Findings<'a>) {
    let Some((namespace, host)) = text.split_once('/').filter(|(_, host)| !host.contains('*')) else { return };
    let namespace = match namespace {
        "~" => return,
        "." => sidecar.namespace,
        other => other,
    };
    let is_near = |target: &Target<'a>| match target {
        Target::Service(service) => namespace == "*" || service.0.namespace == namespace,
        Target::Entry(entry) => namespace == "*" || entry.0.namespace == namespace,
    };
    // A short name is not completed here: it would have to be a host as it stands.
    let is_short = !host.contains('.');
    let found = if is_short { Lookup::Elsewhere } else { mesh.host(host, namespace) };
    let finding = || Finding::new(sidecar, node).with("host", host).with("namespace", namespace).likely();
    match found {
        Lookup::Found(targets) if targets.iter().any(is_near) => {}
        Lookup::Found(targets) => {
            let places = targets.iter().map(|target| match target {
                Target::Service(service) => service.0,
                Target::Entry(entry) => entry.0,
            });
            findings.add(places.fold(finding(), |finding, place| finding.beside(&place, place.name_node())));
        }
        _ if names_host(mesh, namespace, host) => {}
        Lookup::Missing if kubernetes_name(host).is_some_and(|(_, namespace)| mesh.expects_services(sidecar, namespace)) => {
            findings.add(finding());
        }
        Lookup::Elsewhere if is_short && namespace != "*" && mesh.service(namespace, host).is_some() => findings.add(finding()),
        Lookup::Missing | Lookup::Elsewhere => {
            let owner = kubernetes_name(host).map_or(namespace, |(_, namespace)| namespace);
            findings.unknown(sidecar, node, format!("what is called {host} in {owner}"));
        }
    }
}

/// Whether a VirtualService of that namespace has the host.
fn names_host(mesh: &Mesh<'_>, namespace: &str, host: &str) -> bool {
    let has = |service: Resource<'_>| service.spec().list("hosts").any(|node| node.text() == Some(host));
    if namespace == "*" {
        mesh.of(ResourceKind::VirtualService).any(has)
    } else {
        mesh.in_namespace(ResourceKind::VirtualService, namespace).any(has)
    }
}
