//! A VirtualService names a Gateway that offers none of its hosts.

use crate::finding::{Finding, Findings};
use crate::mesh::{Mesh, full_host, meet};
use crate::model::{Gateway, ResourceKind, VirtualService};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC210",
    slug: "gateway-host-mismatch",
    since: "0.1.0",
    severity: Warning,
    explains: [no_route],
    equivalent: &["IST0132"],
    kinds: [VirtualService],
    each: VirtualService,
    message: "the Gateway {gateway} offers none of the hosts {hosts} to the namespace {namespace}",
    message_zh: "Gateway {gateway} 没有向 namespace {namespace} 提供 {hosts} 中的任何一个 host",
    confirm: &[
        Confirm {
            id: "routes",
            steps: &[
                Command("istioctl proxy-config routes {pod}.{namespace}"),
                Note("Run it on the gateway's pod: the hosts of the VirtualService are not there.", "对网关的 Pod 执行：里面没有这个 VirtualService 的 host。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "hosts",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# Gateway\nspec:\n  servers:\n    - port:\n        number: 80\n        name: http\n        protocol: HTTP\n      hosts:\n        - \"*/{host}\"\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0132/",
        "https://istio.io/latest/docs/reference/config/networking/gateway/#Server",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, service: VirtualService<'a>, findings: &mut Findings<'a>) {
    if service.is_delegate() {
        return;
    }
    for (node, (namespace, name)) in service.named_gateways() {
        let Some(gateway) = mesh.find(ResourceKind::Gateway, namespace, name).map(Gateway) else { continue };
        if mesh.versions(ResourceKind::Gateway, namespace, name).any(|version| offers(&Gateway(version), &service)) {
            continue;
        }
        let hosts = service.hosts().filter_map(|host| host.text()).take(5).collect::<Vec<_>>().join(", ");
        let finding = Finding::new(&service.0, node).with("gateway", format!("{namespace}/{name}")).with("hosts", hosts);
        let finding = finding.with("namespace", service.0.namespace);
        let offered = gateway.servers().find_map(|server| server.hosts().next()).unwrap_or_else(|| gateway.0.name_node());
        findings.add(finding.beside(&gateway.0, offered));
    }
}

/// Whether a host of the VirtualService is one of the Gateway's, in a namespace that the Gateway takes it from.
fn offers(gateway: &Gateway<'_>, service: &VirtualService<'_>) -> bool {
    let offered = gateway.servers().flat_map(|server| server.hosts()).filter_map(|host| host.text());
    offered.into_iter().any(|offered| {
        let (namespace, host) = offered.split_once('/').unwrap_or(("*", offered));
        let is_taken = match namespace {
            "*" => true,
            "." => gateway.0.namespace == service.0.namespace,
            namespace => namespace == service.0.namespace,
        };
        let overlaps = |own: &str| meet(host, own) || meet(host, &full_host(own, service.0.namespace));
        is_taken && service.hosts().filter_map(|own| own.text()).any(overlaps)
    })
}
