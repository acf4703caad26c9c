//! TLS is wrapped around connections that are TLS already.

use foldhash::HashSet;

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::{Lookup, Mesh, Target, full_host};
use crate::model::{DestinationRule, Protocol, ResourceKind, RouteProtocol, ServiceEntry, TlsMode};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC403",
    slug: "double-tls",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &[],
    kinds: [DestinationRule],
    message: "{mode} wraps TLS around port {port} of {host}, which is declared {protocol}: what clients send there is TLS already",
    message_zh: "{host} 的端口 {port} 声明为 {protocol}，客户端发来的已经是 TLS，{mode} 又包了一层 TLS",
    confirm: &[
        Confirm {
            id: "inside",
            steps: &[
                Command("kubectl -n {namespace} exec {pod} -- curl -sv https://{host}:{port}"),
                Note(
                    "The client says \"wrong version number\": the inner handshake reached something that speaks plain HTTP.",
                    "客户端报 “wrong version number”：里面那层握手到了只懂明文 HTTP 的一端。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "plain-port",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# ServiceEntry: clients speak HTTP to port 80, the proxy TLS to 443\nspec:\n  ports:\n    - number: 80\n      name: http\n      protocol: HTTP\n      targetPort: 443\n",
            )],
            verify: CHECK_AGAIN,
        },
        Fix {
            id: "leave-tls",
            applicability: Review,
            steps: &[Note(
                "Where applications speak HTTPS themselves, take `tls` for this port out of the DestinationRule.",
                "如果应用自己就用 HTTPS，从 DestinationRule 里去掉这个端口的 `tls`。",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/common-problems/network-issues/#double-tls",
        "https://istio.io/latest/docs/tasks/traffic-management/egress/egress-tls-origination/",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let mut http_destinations = None;
    for rule in mesh.of(ResourceKind::DestinationRule).map(DestinationRule) {
        let Some(name) = rule.host().and_then(Node::text) else { continue };
        if name.starts_with('*') {
            continue;
        }
        for (of_port, tls) in rule.tls_settings() {
            if !matches!(tls.mode(), Some(TlsMode::Simple | TlsMode::Mutual)) {
                continue;
            }
            let Some((entry, port, number)) = tls_port(mesh, &rule, name, of_port) else { continue };
            let full = full_host(name, rule.0.namespace);
            // A gateway that has taken TLS off sends plain requests to such a port: there TLS once more is right.
            if http_destinations.get_or_insert_with(|| http_hosts(mesh)).contains(&full) {
                continue;
            }
            let finding = Finding::new(&rule.0, tls.mode_node())
                .with("mode", tls.mode_node().text().unwrap_or_default())
                .with("port", number.to_string())
                .with("protocol", port.get("protocol").and_then(Node::text).unwrap_or_default())
                .with("host", full)
                .beside(&entry.0, port);
            findings.add(finding.likely());
        }
    }
}

/// The port of a ServiceEntry that a `tls` holds for and that is declared to speak TLS.
fn tls_port<'a>(
    mesh: &Mesh<'a>,
    rule: &DestinationRule<'a>,
    host: &str,
    of_port: Option<i64>,
) -> Option<(ServiceEntry<'a>, Node<'a>, i64)> {
    let Lookup::Found(targets) = mesh.host(host, rule.0.namespace) else { return None };
    let is_own = |number: i64| rule.policies().flat_map(|policy| policy.ports()).any(|policy| policy.port() == Some(number));
    targets.into_iter().find_map(|target| {
        let Target::Entry(entry) = target else { return None };
        entry.ports().find_map(|port| {
            let number = port.get("number")?.as_integer()?;
            let is_meant = of_port.map_or_else(|| !is_own(number), |meant| meant == number);
            let is_tls = ServiceEntry::protocol(port).is_some_and(Protocol::is_tls);
            (is_meant && is_tls).then_some((entry, port, number))
        })
    })
}

/// The hosts that `http` routes send to.
fn http_hosts(mesh: &Mesh<'_>) -> HashSet<String> {
    let services = mesh.virtual_services();
    let destinations = services.flat_map(|service| {
        let routes = service.routes().filter(|route| route.protocol == RouteProtocol::Http);
        let hosts = routes.flat_map(|route| route.destinations()).filter_map(|destination| destination.host()?.text());
        hosts.map(|host| full_host(host, service.0.namespace)).collect::<Vec<_>>()
    });
    destinations.collect()
}
