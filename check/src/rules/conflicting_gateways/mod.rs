//! Two servers on one port of the same gateway, of which istiod takes only one.

use foldhash::HashMap;

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::gateways::pods_of;
use crate::mesh::Mesh;
use crate::model::{Gateway, ResourceKind, Server};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC507",
    slug: "conflicting-gateways",
    since: "0.1.0",
    severity: Error,
    explains: [no_route, no_filter_chain],
    equivalent: &["IST0145", "KIA0301"],
    kinds: [Gateway],
    message: "Gateway {other} has {host} on port {port} of the same pods, too, and only one of the two counts",
    message_zh: "Gateway {other} 在同一批 Pod 的端口 {port} 上也有 {host}，两个里只有一个生效",
    confirm: &[
        Confirm {
            id: "rejected",
            steps: &[
                Command("kubectl -n istio-system logs deploy/istiod | grep 'skipping server on gateway'"),
                Note("istiod names the Gateway that it leaves out.", "istiod 会写出它丢掉的是哪个 Gateway。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "merge",
            applicability: Review,
            steps: &[Note(
                "Keep the host in one Gateway and let both VirtualServices name it, or move one of the servers to another port.",
                "host 只留在一个 Gateway 里，让两个 VirtualService 都引用它；或者把其中一个 server 换到别的端口。",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0145/",
        "Istio pilot/pkg/model/gateway.go, 1.30",
    ],
}

/// What a server's port does, as istiod merges it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speech {
    Http,
    Tcp,
    Tls,
}

/// Pods, port, address and host.
type Slot<'a> = (String, i64, &'a str, &'a str);

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let mut by_slot: HashMap<Slot<'a>, Vec<(Gateway<'a>, Server<'a>)>> = HashMap::default();
    let mut pods = HashMap::default();
    let gateways = || mesh.of(ResourceKind::Gateway).map(Gateway);
    for gateway in gateways() {
        for (slot, server, _) in slots(mesh, &gateway, &mut pods) {
            let known = by_slot.entry(slot).or_default();
            // Two that differ are enough to tell a conflict to any third.
            if known.len() < 2 || known.len() < 8 && known.iter().all(|(_, other)| speech(*other) != speech(server)) {
                known.push((gateway, server));
            }
        }
    }
    for gateway in gateways() {
        let mut found: Option<Server<'a>> = None;
        for (slot, server, host) in slots(mesh, &gateway, &mut pods) {
            if found.is_some_and(|found| found.0 == server.0) {
                continue;
            }
            let others = by_slot.get(&slot).map(Vec::as_slice).unwrap_or_default();
            let other = others.iter().find(|(other, of_other)| other.0.id() != gateway.0.id() && conflict(server, *of_other));
            let Some((other, of_other)) = other else { continue };
            found = Some(server);
            let finding = Finding::new(&gateway.0, host)
                .with("other", format!("{}/{}", other.0.namespace, other.0.name))
                .with("host", slot.3)
                .with("port", slot.1.to_string())
                .beside(&other.0, of_other.port_node().unwrap_or(of_other.0));
            let finding = mesh.weighed(finding);
            findings.add(if other.0.namespace == gateway.0.namespace { finding } else { finding.likely() });
        }
    }
}

/// Where the servers of a Gateway listen, with the node of each host.
fn slots<'a>(
    mesh: &Mesh<'a>,
    gateway: &Gateway<'a>,
    pods: &mut HashMap<String, Vec<String>>,
) -> Vec<(Slot<'a>, Server<'a>, Node<'a>)> {
    let mut labels: Vec<String> = gateway.selector().into_iter().flat_map(Node::entries).filter_map(label).collect();
    labels.sort();
    let selector = labels.join(",");
    let of_pods = pods.entry(selector.clone()).or_insert_with(|| {
        let found: Vec<_> = pods_of(mesh, gateway).iter().map(|pod| pod.resource.id().to_string()).collect();
        if found.is_empty() { vec![selector] } else { found }
    });
    let servers = gateway.servers().filter_map(|server| Some((server, server.port()?)));
    let hosts =
        servers.flat_map(|(server, port)| server.hosts().filter_map(move |host| Some((server, port, host, host.text()?))));
    hosts
        .flat_map(|(server, port, node, host)| {
            of_pods.iter().map(move |pod| ((pod.clone(), port, server.bind(), host), server, node))
        })
        .collect()
}

fn label((key, value): (Node<'_>, Node<'_>)) -> Option<String> {
    Some(format!("{}={}", key.text()?, value.text()?))
}

fn speech(server: Server<'_>) -> Option<Speech> {
    Some(match server.protocol()? {
        protocol if protocol.is_tls() => Speech::Tls,
        protocol if protocol.is_http() => Speech::Http,
        _ => Speech::Tcp,
    })
}

/// Whether istiod leaves one of two servers with the same port, address and host out: it merges plain HTTP only.
fn conflict(one: Server<'_>, other: Server<'_>) -> bool {
    match (speech(one), speech(other)) {
        (Some(one), Some(other)) => (one, other) != (Speech::Http, Speech::Http),
        _ => false,
    }
}
