//! A Gateway listens on a port that no Service of its pods publishes.

use foldhash::HashMap;

use crate::finding::{Finding, Findings};
use crate::gateways::pods_of;
use crate::mesh::Mesh;
use crate::model::{Gateway, Protocol, ResourceKind, Service, Workload};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC503",
    slug: "gateway-port-not-on-service",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &["IST0162"],
    kinds: [Gateway],
    message: "no Service of {workload} publishes port {port}: {service} has {published}",
    message_zh: "{workload} 的 Service 都没有发布端口 {port}：{service} 只有 {published}",
    confirm: &[
        Confirm {
            id: "ports",
            steps: &[
                Command("kubectl -n {service_namespace} get service {service} -o yaml"),
                Note(
                    "Neither `port` nor `targetPort` is the number of the Gateway's server.",
                    "`port` 和 `targetPort` 里都没有 Gateway server 的端口号。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "publish",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# Service of the gateway's pods\nspec:\n  ports:\n    - name: http-extra\n      port: {port}\n      targetPort: {port}\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0162/",
        "https://istio.io/latest/docs/reference/config/networking/gateway/#Server",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let mut by_pod: HashMap<_, Vec<Service<'a>>> = HashMap::default();
    for gateway in mesh.of(ResourceKind::Gateway).map(Gateway) {
        let pods = pods_of(mesh, &gateway);
        if pods.is_empty() || pods.iter().any(has_own_address) {
            continue;
        }
        let mut published = Vec::new();
        for pod in &pods {
            let services = by_pod
                .entry(pod.resource.id())
                .or_insert_with(|| mesh.services_of(pod.resource.namespace, pod.labels()).collect());
            published.extend(services.iter().map(|service| (*service, *pod)));
        }
        for server in gateway.servers() {
            let (Some(node), Some(port)) = (server.port_node(), server.port()) else { continue };
            if published.iter().any(|(service, pod)| publishes(service, pod, port)) {
                continue;
            }
            let Some((service, pod)) = published.first() else {
                findings.unknown(&gateway.0, node, "Service of the gateway's pods");
                continue;
            };
            findings.add(
                Finding::new(&gateway.0, node)
                    .with("port", port.to_string())
                    .with("workload", pod.resource.id().to_string())
                    .with("service", service.0.id().to_string())
                    .with("published", ports(service))
                    .beside(&service.0, service.0.spec().get("ports").unwrap_or(service.0.root)),
            );
        }
    }
}

/// Whether clients reach the pod past every Service.
fn has_own_address(pod: &Workload<'_>) -> bool {
    let is_host = pod.pod.at(&["spec", "hostNetwork"]).and_then(crate::document::Node::as_bool) == Some(true);
    is_host || pod.containers().any(|container| container.0.list("ports").any(|port| port.get("hostPort").is_some()))
}

fn publishes<'a>(service: &Service<'a>, pod: &Workload<'a>, port: i64) -> bool {
    let mut carried = service.ports().filter(|port| port.protocol() != Some(Protocol::Udp));
    carried.any(|published| published.number() == Some(port) || published.target_in(pod) == Some(port))
}

fn ports(service: &Service<'_>) -> String {
    let numbers = service.ports().filter_map(|port| Some(port.number()?.to_string()));
    numbers.collect::<Vec<_>>().join(", ")
}
