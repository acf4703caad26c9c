//! The protocol of a Gateway's server and its `tls` do not go together.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{Gateway, Protocol, Server};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC509",
    slug: "gateway-protocol-without-tls",
    since: "0.1.0",
    severity: Error,
    explains: [admission_refused],
    equivalent: &["IST0106"],
    kinds: [Gateway],
    each: Gateway,
    message: "Istio refuses a server with protocol {protocol} and {tls}",
    message_zh: "协议是 {protocol}、{tls} 的 server 会被 Istio 拒绝",
    confirm: &[
        Confirm {
            id: "dry-run",
            steps: &[
                Command("kubectl apply --dry-run=server -f gateway.yaml"),
                Note(
                    "The webhook says: server must have TLS settings for HTTPS/TLS protocols, or that it cannot have them.",
                    "webhook 返回：HTTPS/TLS 协议必须有 TLS 设置，或者不能有 TLS 设置。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "agree",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# Gateway\nspec:\n  servers:\n    - port:\n        number: 443\n        name: https\n        protocol: HTTPS\n      tls:\n        mode: SIMPLE\n        credentialName: example-credential\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/networking/gateway/#ServerTLSSettings",
        "Istio pkg/config/validation/validation.go, 1.30",
    ],
}

fn check<'a>(_: &Mesh<'a>, gateway: Gateway<'a>, findings: &mut Findings<'a>) {
    for server in gateway.servers() {
        let Some((node, tls)) = mistake(server) else { continue };
        let protocol = server.0.at(&["port", "protocol"]).and_then(Node::text).unwrap_or_default();
        findings.add(Finding::new(&gateway.0, node).with("protocol", protocol).with("tls", tls));
    }
}

/// What does not go together, as Istio's validation tells it.
fn mistake(server: Server<'_>) -> Option<(Node<'_>, String)> {
    let written = server.0.at(&["port", "protocol"])?;
    match (server.protocol()?, server.tls().filter(|tls| !tls.is_empty())) {
        (Protocol::Https | Protocol::Tls, None) if server.0.get("tls").is_none_or(Node::is_empty) => {
            Some((written, "tls: null".to_owned()))
        }
        (Protocol::Http | Protocol::Http2, Some(tls)) => {
            let has_certificate = ["caCertificates", "privateKey", "serverCertificate"].iter().any(|key| tls.get(key).is_some());
            (has_certificate || !server.passes_tls_through()).then(|| (tls_key(server, tls), mode(server)))
        }
        (Protocol::Tcp, Some(tls)) => Some((tls_key(server, tls), mode(server))),
        _ => None,
    }
}

fn tls_key<'a>(server: Server<'a>, tls: Node<'a>) -> Node<'a> {
    server.0.entry("tls").map_or(tls, |(key, _)| key)
}

fn mode(server: Server<'_>) -> String {
    format!("tls.mode: {}", server.tls_mode().unwrap_or_default())
}
