//! Requests to an HTTP port of a Service go past the proxy of its pods.

use foldhash::HashMap;

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{MtlsMode, Protocol, Service, ServicePort, Workload};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC725",
    slug: "excluded-service-port",
    since: "0.1.0",
    severity: Warning,
    explains: [upstream_closed_connection, tls_to_plaintext_port],
    equivalent: &[],
    kinds: [Service],
    message: "port {port} of Service {service} is kept from the proxy, and clients send mTLS to it",
    message_zh: "Service {service} 的端口 {port} 不经过代理，客户端却会用 mTLS 访问",
    confirm: &[
Confirm { id: "request", steps: &[Command("kubectl -n {namespace} logs {pod} -c istio-proxy"), Note("The log of the client shows 503 with UC or UF, that of the server no line.", "客户端日志是 503 UC 或 UF，服务端没有对应的日志。")] },
    ],
    fixes: &[
Fix { id: "disable", applicability: Review, steps: &[Patch(PatchKind::Fragment, "# PeerAuthentication with a selector for these pods\nspec:\n  portLevelMtls:\n    8080:\n      mode: DISABLE\n"), Note("Or take the port out of the annotation.", "或者把端口从 annotation 里去掉。")], verify: CHECK_AGAIN },
    ],
    sources: &[
"https://istio.io/latest/docs/reference/config/annotations/",
"https://istio.io/latest/docs/ops/configuration/traffic-management/tls-configuration/",
    ],
}

/// What excludes ports.
const ANNOTATION: &str = "traffic.sidecar.istio.io/excludeInboundPorts";

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let excluding: Vec<_> =
        mesh.workloads().iter().filter_map(|workload| Some((workload, workload.annotations().node(ANNOTATION)?))).collect();
    if excluding.is_empty() {
        return;
    }
    let mut services: HashMap<&str, Vec<Service<'a>>> = HashMap::default();
    for service in mesh.services() {
        services.entry(service.0.namespace).or_default().push(service);
    }
    for (workload, value) in excluding {
        let excluded: Vec<i64> =
            value.text().into_iter().flat_map(|text| text.split(',')).filter_map(|port| port.trim().parse().ok()).collect();
        let own = services.get(workload.resource.namespace).into_iter().flatten();
        let ports = own
            .filter(|service| service.selects(workload.labels()))
            .flat_map(|service| service.ports().map(move |port| (service, port)));
        let is_meant = |(service, port): &(&Service<'a>, ServicePort<'a>)| {
            let is_http = port.protocol().is_some_and(Protocol::is_http) && !is_scraped(*port);
            let target = port.target().filter(|target| excluded.contains(target));
            is_http && target.is_some_and(|target| !takes_plaintext(mesh, workload, service, target))
        };
        let Some((service, port)) = ports.into_iter().find(is_meant) else { continue };
        if mesh.has_proxy(workload) != Some(true) {
            continue;
        }
        let finding = Finding::new(&workload.resource, value).with("service", service.0.name);
        let finding = finding.with("port", port.target().unwrap_or_default().to_string());
        findings.add(finding.beside(&service.0, port.0).likely());
    }
}

/// Whether a port is for a scraper, which has no proxy as a rule.
fn is_scraped(port: ServicePort<'_>) -> bool {
    port.name().is_some_and(|name| {
        ["metric", "prom", "monitor", "health", "probe", "webhook", "admin"].iter().any(|word| name.contains(word))
    })
}

/// Whether clients are told to send plaintext.
fn takes_plaintext<'a>(mesh: &Mesh<'a>, workload: &Workload<'a>, service: &Service<'_>, target: i64) -> bool {
    let policy = mesh.peer_authentication(workload, target).and_then(|policy| policy.mode_of_port(target));
    policy.is_some_and(|(mode, _)| mode == MtlsMode::Disable)
        || mesh
            .rules_of_host(&service.host(), service.0.namespace)
            .iter()
            .any(|rule| rule.0.spec().at(&["trafficPolicy"]).is_some())
}
