//! A ServiceEntry has a TCP port and no address that tells its connections from others.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{ResourceKind, ServiceEntry};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC315",
    slug: "service-entry-without-addresses",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &["IST0134"],
    kinds: [ServiceEntry],
    message: "without addresses, port {port} of {host} takes all connections to this port that nothing else claims",
    message_zh: "没有 addresses，{host} 的端口 {port} 会接走发往该端口的所有无主连接",
    confirm: &[
        Confirm {
            id: "listener",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} --port {port}"),
                Note("The address is 0.0.0.0, not one of this host.", "地址是 0.0.0.0，而不是这个 host 的地址。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "addresses",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "# ServiceEntry: the addresses that clients connect to\nspec:\n  addresses:\n    - 203.0.113.10/32\n",
                ),
                Note(
                    "Or let the proxies answer DNS (`ISTIO_META_DNS_CAPTURE: \"true\"` in proxyMetadata): since Istio 1.25 istiod then gives the host an address of its own. For TLS declare `protocol: TLS`, so that the server name tells the connections apart.",
                    "也可以让代理接管 DNS（proxyMetadata 里 `ISTIO_META_DNS_CAPTURE: \"true\"`）：Istio 1.25 起 istiod 会自动给这个 host 分配地址。如果实际是 TLS，声明 `protocol: TLS`，就能靠 SNI 区分连接。",
                ),
            ],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0134/",
        "https://istio.io/latest/docs/reference/config/networking/service-entry/#ServiceEntry",
        "https://istio.io/latest/docs/ops/configuration/traffic-management/dns-proxy/",
    ],
}

/// The release from which on istiod gives addresses unless it is told not to.
const ALLOCATES_SINCE: u32 = 25;

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    if gives_addresses(mesh) {
        return;
    }
    for entry in mesh.of(ResourceKind::ServiceEntry).map(ServiceEntry) {
        let is_addressed = |path: &[&str]| entry.0.root.at(path).is_some_and(|addresses| !addresses.is_empty());
        if is_addressed(&["spec", "addresses"]) || is_addressed(&["status", "addresses"]) {
            continue;
        }
        let is_tcp = |port: &Node<'_>| {
            let protocol = port.get("protocol").and_then(Node::text).unwrap_or_default();
            protocol.is_empty() || protocol.eq_ignore_ascii_case("TCP")
        };
        if let Some(port) = entry.ports().find(is_tcp) {
            let number = port.get("number").and_then(Node::text).unwrap_or_default();
            let host = entry.hosts().next().and_then(Node::text).unwrap_or(entry.0.name);
            let place = port.get("protocol").or_else(|| port.get("number")).unwrap_or(port);
            findings.add(Finding::new(&entry.0, place).with("port", number).with("host", host).likely());
        }
    }
}

/// Whether proxies answer DNS, so that each host has an address of its own.
fn gives_addresses(mesh: &Mesh<'_>) -> bool {
    let metadata = mesh.mesh_config.and_then(|config| config.at(&["defaultConfig", "proxyMetadata"]));
    let is_on = |key: &str| metadata.and_then(|metadata| metadata.get(key)?.text()) == Some("true");
    let allocates = mesh.settings.istio_minor.is_none_or(|minor| minor >= ALLOCATES_SINCE);
    is_on("ISTIO_META_DNS_CAPTURE") && (allocates || is_on("ISTIO_META_DNS_AUTO_ALLOCATE"))
}
