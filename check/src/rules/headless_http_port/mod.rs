//! Pods that are called by their addresses have an HTTP port and insist on mutual TLS.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{MtlsMode, Protocol, Resource, Workload};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC311",
    slug: "headless-http-port",
    since: "0.1.0",
    severity: Info,
    persona: Pedantic,
    explains: [passthrough_blackhole],
    equivalent: &[],
    kinds: [StatefulSet],
    each: Resource,
    message: "requests to a pod of {workload} by its address do not match HTTP port {port} of {service} and are not encrypted",
    message_zh: "按地址访问 {workload} 的 Pod 时匹配不到 {service} 的 HTTP 端口 {port}，也就不会加密",
    confirm: &[
        Confirm {
            id: "passthrough",
            steps: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy | grep -E 'PassthroughCluster|route_not_found'"),
                Note(
                    "On the client's side: requests whose authority is the address of a pod.",
                    "在客户端一侧：authority 是 Pod 地址的请求。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "tcp",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "# headless Service, where clients use addresses: the port as TCP\nspec:\n  clusterIP: None\n  ports:\n    - name: tcp-peer\n      port: 9080\n",
                ),
                Note(
                    "Clients that use names such as pod-0.service need no change.",
                    "如果客户端用的是 pod-0.service 这样的域名，就不用改。",
                ),
            ],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/common-problems/network-issues/#503-error-while-accessing-headless-services",
        "https://istio.io/latest/docs/ops/configuration/traffic-management/traffic-routing/#headless-services",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, resource: Resource<'a>, findings: &mut Findings<'a>) {
    let Some(workload) = Workload::of(resource) else { return };
    let Some(service) = resource.spec().str_at(&["serviceName"]).and_then(|name| mesh.service(resource.namespace, name)) else {
        return;
    };
    if !service.is_headless() {
        return;
    }
    for port in service.ports().filter(|port| port.protocol().is_some_and(Protocol::is_http)) {
        let Some(policy) = mesh.peer_authentication(&workload, port.target().unwrap_or_default()) else { continue };
        let Some((MtlsMode::Strict, mode)) = policy.mode() else { continue };
        let number = port.number().map(|number| number.to_string()).unwrap_or_default();
        let place = port.0.get("appProtocol").or_else(|| port.0.get("name")).unwrap_or(port.0);
        let finding = Finding::new(&service.0, place).with("workload", resource.name).with("port", number);
        findings.add(finding.with("service", service.0.name).beside(&policy.0, mode).likely());
    }
}
