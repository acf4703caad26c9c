//! Two Gateways of one proxy show the same certificate for different hosts.

use foldhash::HashMap;

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{Gateway, ResourceKind, Server};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC506",
    slug: "duplicate-gateway-certificate",
    since: "0.1.0",
    severity: Warning,
    explains: [no_route],
    equivalent: &["IST0138"],
    kinds: [Gateway],
    message: "Gateway {other} shows the same certificate {secret} on port {port}: browsers send requests for one over connections to the other",
    message_zh: "Gateway {other} 在端口 {port} 上用的也是证书 {secret}：浏览器会复用连接，把一边的请求发到另一边",
    confirm: &[
        Confirm {
            id: "reuse",
            steps: &[
                Note(
                    "The gateway's access log has 404 with NR, HTTP/2, and a requested_server_name other than the authority.",
                    "网关访问日志里是 404、NR、HTTP/2，并且 requested_server_name 和 authority 不一样。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "one-gateway",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# one Gateway for all hosts of the certificate; VirtualServices keep theirs apart\nspec:\n  servers:\n    - port:\n        number: 443\n        name: https\n        protocol: HTTPS\n      tls:\n        mode: SIMPLE\n        credentialName: wildcard-credential\n      hosts:\n        - \"*.example.com\"\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0138/",
        "https://istio.io/latest/docs/ops/common-problems/network-issues/#404-errors-occur-when-multiple-gateways-configured-with-same-tls-certificate",
    ],
}

/// What identifies a certificate on a port.
type Shown<'a> = (&'a str, &'a str, i64);

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let mut by_certificate: HashMap<Shown<'a>, Vec<(Gateway<'a>, Server<'a>)>> = HashMap::default();
    for gateway in mesh.of(ResourceKind::Gateway).map(Gateway) {
        for server in gateway.servers() {
            if let Some((_, shown)) = shown(server) {
                by_certificate.entry(shown).or_default().push((gateway, server));
            }
        }
    }
    for gateway in mesh.of(ResourceKind::Gateway).map(Gateway) {
        for server in gateway.servers() {
            let Some((node, key)) = shown(server) else { continue };
            let others = by_certificate.get(&key).map(Vec::as_slice).unwrap_or_default();
            let other = others.iter().find(|(other, of_other)| {
                other.0.id() != gateway.0.id() && includes(&gateway, other) && has_other_hosts(server, *of_other)
            });
            if let Some((other, of_other)) = other {
                findings.add(
                    mesh.weighed(
                        Finding::new(&gateway.0, node)
                            .with("other", format!("{}/{}", other.0.namespace, other.0.name))
                            .with("secret", key.0)
                            .with("port", key.2.to_string())
                            .beside(&other.0, shown(*of_other).map_or(of_other.0, |(node, _)| node))
                            .likely(),
                    ),
                );
                break;
            }
        }
    }
}

/// The certificate that a server shows, and where it says so.
fn shown(server: Server<'_>) -> Option<(Node<'_>, Shown<'_>)> {
    let tls = server.tls().filter(|_| !server.passes_tls_through())?;
    let text = |key: &str| tls.get(key).filter(|value| !value.is_empty());
    let port = server.port()?;
    if let Some(name) = text("credentialName") {
        return Some((name, (name.text()?, "", port)));
    }
    let (certificate, key) = (text("serverCertificate")?, text("privateKey")?);
    Some((certificate, (certificate.text()?, key.text()?, port)))
}

/// Whether every pod of another Gateway is one of this.
fn includes(gateway: &Gateway<'_>, other: &Gateway<'_>) -> bool {
    let Some(selector) = gateway.selector() else { return true };
    let of_other = other.selector();
    let has = |(key, value): (Node<'_>, Node<'_>)| {
        of_other.zip(key.text()).and_then(|(of_other, key)| of_other.get(key)?.text()) == value.text()
    };
    selector.entries().all(has)
}

fn has_other_hosts(server: Server<'_>, other: Server<'_>) -> bool {
    let hosts = |server: Server<'_>| server.hosts().filter_map(|host| host.text().map(str::to_owned)).collect::<Vec<_>>();
    hosts(server) != hosts(other)
}
