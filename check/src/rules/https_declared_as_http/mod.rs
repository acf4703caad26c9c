//! A port on which clients speak HTTPS is declared HTTP.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::{Mesh, full_host};
use crate::model::{Protocol, Resource, ResourceKind, Service, ServiceEntry, TlsMode};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC404",
    slug: "https-declared-as-http",
    since: "0.1.0",
    severity: Warning,
    explains: [protocol_error_downstream],
    equivalent: &[],
    kinds: [ServiceEntry, Service],
    each: Resource,
    message: "port 443 of {host} is declared {protocol}, and nothing starts TLS on it",
    message_zh: "{host} 的 443 端口声明为 {protocol}，又没有哪里在它上面发起 TLS",
    confirm: &[
        Confirm {
            id: "handshake",
            steps: &[
                Command("kubectl -n {namespace} exec {pod} -- curl -sv https://{host}"),
                Note(
                    "The client says \"wrong version number\"; the proxy's access log has 400 with DPE and http1.codec_error.",
                    "客户端报 “wrong version number”；代理的访问日志里是 400、DPE、http1.codec_error。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "declare",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# ServiceEntry\nspec:\n  ports:\n    - number: 443\n      name: https\n      protocol: HTTPS\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/common-problems/network-issues/#sending-https-to-an-http-port",
        "https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, resource: Resource<'a>, findings: &mut Findings<'a>) {
    if resource.kind == ResourceKind::ServiceEntry {
        check_entry(mesh, ServiceEntry(resource), findings);
    } else {
        check_service(mesh, Service(resource), findings);
    }
}

fn check_entry<'a>(mesh: &Mesh<'a>, entry: ServiceEntry<'a>, findings: &mut Findings<'a>) {
    let hosts: Vec<_> = entry.hosts().filter_map(Node::text).collect();
    for port in entry.ports() {
        let declared = port.get("protocol").filter(|_| ServiceEntry::protocol(port).is_some_and(Protocol::is_http));
        let (Some(declared), Some(host)) = (declared, hosts.first()) else { continue };
        let is_translated = port.get("targetPort").and_then(Node::as_integer).is_some_and(|target| target != 443);
        let is_encrypted = hosts.iter().any(|host| starts_tls(mesh, host, entry.0.namespace));
        if port.get("number").and_then(Node::as_integer) == Some(443) && !is_translated && !is_encrypted {
            findings.add(finding(&entry.0, declared, host));
        }
    }
}

fn check_service<'a>(mesh: &Mesh<'a>, service: Service<'a>, findings: &mut Findings<'a>) {
    for port in service.ports().filter(|port| port.number() == Some(443) && port.protocol().is_some_and(Protocol::is_http)) {
        let Some(target) = port.0.get("targetPort").and_then(Node::text) else { continue };
        let is_tls = matches!(target, "443" | "8443") || target.contains("https") || target.contains("tls");
        let declared = port.0.get("appProtocol").or_else(|| port.0.get("name"));
        let host = service.host();
        if let (true, Some(declared)) = (is_tls && !starts_tls(mesh, &host, service.0.namespace), declared) {
            findings.add(finding(&service.0, declared, &host));
        }
    }
}

fn finding<'a>(resource: &Resource<'a>, declared: Node<'a>, host: &str) -> Finding<'a> {
    let protocol = declared.text().unwrap_or_default();
    Finding::new(resource, declared).with("host", host.to_owned()).with("protocol", protocol).likely()
}

/// Whether a DestinationRule makes the proxy speak TLS of its own on the port.
fn starts_tls(mesh: &Mesh<'_>, host: &str, namespace: &str) -> bool {
    let rules = mesh.rules_of_host(&full_host(host, namespace), namespace);
    rules.iter().any(|rule| {
        let mut policies = rule.policies();
        policies
            .any(|policy| policy.tls_for(443).is_some_and(|tls| matches!(tls.mode(), Some(TlsMode::Simple | TlsMode::Mutual))))
    })
}
