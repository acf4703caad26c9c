//! A VirtualService has routes of a kind that its Gateway's servers do not look at.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::gateways::{referenced, serves};
use crate::mesh::Mesh;
use crate::model::{Gateway, Protocol, Server, VirtualService};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC501",
    slug: "gateway-tls-route-mismatch",
    since: "0.1.0",
    severity: Error,
    explains: [no_route, no_filter_chain],
    equivalent: &[],
    kinds: [VirtualService],
    each: VirtualService,
    message: "the {section} routes are never looked at: on port {port} of Gateway {gateway} it is {speech}",
    message_zh: "{section} 路由不会生效：Gateway {gateway} 的端口 {port} 是 {speech}",
    confirm: &[
        Confirm {
            id: "listener",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} --port 443"),
                Note(
                    "A server that passes TLS through shows a cluster for each SNI, one that ends TLS shows a route.",
                    "透传 TLS 的 server 按 SNI 显示 cluster，终止 TLS 的 server 显示 route。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "route-by-sni",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# VirtualService for a server with PASSTHROUGH\nspec:\n  tls:\n    - match:\n        - port: 443\n          sniHosts:\n            - {host}\n      route:\n        - destination:\n            host: {service}\n            port:\n              number: {port}\n",
            )],
            verify: CHECK_AGAIN,
        },
        Fix {
            id: "end-tls",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# Gateway for a VirtualService with http routes\nspec:\n  servers:\n    - port:\n        number: 443\n        name: https\n        protocol: HTTPS\n      tls:\n        mode: SIMPLE\n        credentialName: example-credential\n      hosts:\n        - {host}\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/common-problems/network-issues/#gateway-mismatch",
        "https://istio.io/latest/docs/ops/configuration/traffic-management/tls-configuration/",
    ],
}

/// What a server looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reads {
    Http,
    Tls,
    Other,
}

fn check<'a>(mesh: &Mesh<'a>, service: VirtualService<'a>, findings: &mut Findings<'a>) {
    if service.is_on_mesh() {
        return;
    }
    let spec = service.0.spec();
    let has = |section: &str| spec.entry(section).filter(|(_, routes)| !routes.is_empty());
    let (section, key, wanted) = match (has("http"), has("tls"), has("tcp")) {
        (Some((key, _)), None, None) => ("http", key, Reads::Http),
        (None, Some((key, _)), None) => ("tls", key, Reads::Tls),
        _ => return,
    };
    let Some(servers) = servers(mesh, &service) else { return };
    if servers.iter().any(|(_, server)| reads(*server) == wanted) {
        return;
    }
    // A server that only redirects says nothing about what the routes are for.
    let Some((gateway, server)) = servers.iter().find(|(_, server)| !redirects(*server) && server.protocol().is_some()) else {
        return;
    };
    let place = server.tls().and_then(|tls| tls.get("mode")).or_else(|| server.port_node()).unwrap_or(server.0);
    findings.add(
        Finding::new(&service.0, key)
            .with("section", section)
            .with("gateway", format!("{}/{}", gateway.0.namespace, gateway.0.name))
            .with("speech", speech(*server))
            .with("port", server.port().map(|port| port.to_string()).unwrap_or_default())
            .beside(&gateway.0, place),
    );
}

/// The servers that admit its hosts; `None` unless all its Gateways are in the files.
fn servers<'a>(mesh: &Mesh<'a>, service: &VirtualService<'a>) -> Option<Vec<(Gateway<'a>, Server<'a>)>> {
    let mut servers = Vec::new();
    for reference in service.gateways() {
        let gateway = referenced(mesh, reference.text()?, &service.0)?;
        let own = gateway.servers().filter(|server| serves(&gateway, *server, service));
        servers.extend(own.map(|server| (gateway, server)));
    }
    Some(servers)
}

fn redirects(server: Server<'_>) -> bool {
    server.tls().and_then(|tls| tls.get("httpsRedirect")).and_then(Node::as_bool) == Some(true)
}

fn reads(server: Server<'_>) -> Reads {
    match server.protocol() {
        Some(Protocol::Http | Protocol::Http2) if !redirects(server) => Reads::Http,
        Some(Protocol::Https | Protocol::Tls) if server.passes_tls_through() => Reads::Tls,
        Some(Protocol::Https) => Reads::Http,
        _ => Reads::Other,
    }
}

fn speech(server: Server<'_>) -> String {
    let protocol = server.0.at(&["port", "protocol"]).and_then(Node::text).unwrap_or_default();
    match server.tls_mode() {
        Some(mode) => format!("{protocol} {mode}"),
        None => protocol.to_owned(),
    }
}
