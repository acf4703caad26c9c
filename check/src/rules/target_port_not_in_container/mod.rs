//! A Service leads to a named port that no container of its pods has.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{Service, Workload};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC314",
    slug: "target-port-not-in-container",
    since: "0.1.0",
    severity: Error,
    explains: [no_healthy_endpoints],
    equivalent: &["KIA0701"],
    kinds: [Service],
    each: Service,
    message: "no container of the pods of {service} has a port named {port}",
    message_zh: "{service} 的 Pod 里没有容器声明名为 {port} 的端口",
    confirm: &[
        Confirm {
            id: "endpoints",
            steps: &[
                Command("kubectl -n {service_namespace} get endpointslices -l kubernetes.io/service-name={service}"),
                Command("kubectl -n {service_namespace} get pods -o custom-columns='POD:.metadata.name,PORTS:.spec.containers[*].ports[*].name'"),
                Note("The port has no address, and its name is not in the list.", "这个端口没有地址，列表里也没有这个名字。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "port-name",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# Deployment: the name that the Service asks for\nspec:\n  template:\n    spec:\n      containers:\n        - name: app\n          ports:\n            - name: web\n              containerPort: 9080\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports",
        "https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/",
    ],
}

/// Ports that injection adds.
const INJECTED: [&str; 3] = ["http-envoy-prom", "status-port", "queue-port"];

fn check<'a>(mesh: &Mesh<'a>, service: Service<'a>, findings: &mut Findings<'a>) {
    if service.ports().any(|port| port.target_name().is_some()) {
        check_service(mesh, service, findings);
    }
}

fn check_service<'a>(mesh: &Mesh<'a>, service: Service<'a>, findings: &mut Findings<'a>) {
    let workloads = mesh.workloads_of(service);
    if workloads.is_empty() || workloads.iter().any(has_foreign_ports) {
        return;
    }
    for port in service.ports() {
        let Some(target) = port.target_name() else { continue };
        let Some(name) = target.text().filter(|name| !INJECTED.contains(name)) else { continue };
        if !workloads.iter().any(|workload| has_port(workload, name)) {
            let finding = Finding::new(&service.0, target).with("service", service.0.name).with("port", name);
            let beside = workloads.first().map(|workload| (workload.resource, workload.resource.name_node()));
            findings.add(match beside {
                Some((resource, node)) => finding.beside(&resource, node),
                None => finding,
            });
        }
    }
}

fn has_port(workload: &Workload<'_>, name: &str) -> bool {
    let containers = workload.containers().chain(workload.init_containers());
    containers.flat_map(|container| container.port_nodes()).any(|port| port.get("name").and_then(Node::text) == Some(name))
}

/// Whether something else completes its containers: a gateway's are filled when it is injected.
fn has_foreign_ports(workload: &Workload<'_>) -> bool {
    let is_template = workload.annotations().get("inject.istio.io/templates").is_some();
    is_template || workload.containers().any(|container| container.image() == Some("auto"))
}
