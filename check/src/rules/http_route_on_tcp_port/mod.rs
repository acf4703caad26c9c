//! HTTP rules are for a host whose ports do not speak HTTP to the proxy.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::{Mesh, Target};
use crate::model::{Protocol, ServiceEntry, ServicePort, VirtualService};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC222",
    slug: "http-route-on-tcp-port",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &[],
    kinds: [VirtualService],
    each: VirtualService,
    message: "no port of {host} is HTTP to a sidecar ({ports}), so these http rules do nothing",
    message_zh: "{host} 的端口对 sidecar 来说都不是 HTTP（{ports}），这些 http 规则不起作用",
    confirm: &[
        Confirm {
            id: "listeners",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o json"),
                Note(
                    "On a client's pod, the listener of the port has a tcp_proxy and no http_connection_manager.",
                    "在客户端的 Pod 上，这个端口的监听器里是 tcp_proxy，没有 http_connection_manager。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "protocol",
            applicability: Review,
            steps: &[Patch(PatchKind::Fragment, "# Service\nspec:\n  ports:\n    - name: http\n      port: 9080\n      appProtocol: http\n")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/",
        "https://istio.io/latest/docs/ops/configuration/traffic-management/traffic-routing/",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, service: VirtualService<'a>, findings: &mut Findings<'a>) {
    if !service.is_on_mesh() {
        return;
    }
    let Some((http, _)) = service.0.spec().entry("http").filter(|(_, routes)| !routes.is_empty()) else { return };
    // Where one of the hosts can take the rules, they are for that one.
    let hosts: Option<Vec<_>> = service.hosts().map(|host| without_http(mesh, &service, host)).collect();
    if let Some((host, target, ports)) = hosts.and_then(|hosts| hosts.into_iter().next()) {
        let resource = target.resource();
        let finding = Finding::new(&service.0, http).with("host", host).with("ports", ports);
        findings.add(finding.beside(&resource, resource.spec().get("ports").unwrap_or(resource.root)));
    }
}

/// The Service or ServiceEntry of a host, and what its ports speak, where all are declared and none is HTTP.
fn without_http<'a>(mesh: &Mesh<'a>, service: &VirtualService<'a>, host: Node<'a>) -> Option<(&'a str, Target<'a>, String)> {
    let name = host.text()?;
    let targets = mesh.host(name, service.0.namespace).visible_to(&service.0);
    let mut protocols: Vec<(String, Protocol)> = Vec::new();
    for target in &targets {
        match target {
            Target::Service(service) if service.external_name().is_some() => return None,
            Target::Service(service) => {
                for port in service.ports() {
                    protocols.push((number(port), port.protocol()?));
                }
            }
            Target::Entry(entry) => {
                for port in entry.ports() {
                    let written = port.get("number").and_then(Node::text).unwrap_or_default();
                    protocols.push((written.to_owned(), ServiceEntry::protocol(port)?));
                }
            }
        }
    }
    protocols.retain(|(_, protocol)| *protocol != Protocol::Udp);
    let is_without = !protocols.is_empty() && protocols.iter().all(|(_, protocol)| !protocol.is_http());
    let listed = || protocols.iter().map(|(port, protocol)| format!("{port} {protocol:?}")).collect::<Vec<_>>().join(", ");
    targets.first().filter(|_| is_without).map(|target| (name, *target, listed()))
}

fn number(port: ServicePort<'_>) -> String {
    port.number().map(|number| number.to_string()).unwrap_or_default()
}
