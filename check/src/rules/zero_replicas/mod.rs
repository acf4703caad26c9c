//! Everything that a Service selects is scaled to nothing.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{Service, Workload};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC320",
    slug: "zero-replicas",
    since: "0.1.0",
    severity: Info,
    explains: [no_healthy_endpoints],
    equivalent: &[],
    kinds: [Service],
    each: Service,
    message: "{service} has only workloads with 0 replicas",
    message_zh: "{service} 选中的工作负载副本数全是 0",
    confirm: &[
        Confirm {
            id: "replicas",
            steps: &[
                Command("kubectl -n {service_namespace} get deployments,statefulsets,hpa"),
                Command("kubectl -n {service_namespace} get endpointslices -l kubernetes.io/service-name={service}"),
                Note("READY is 0/0, and there is no address.", "READY 是 0/0，也没有任何地址。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "scale",
            applicability: Review,
            steps: &[
                Command("kubectl -n {service_namespace} scale deployment {workload} --replicas=1"),
                Note(
                    "Where an autoscaler scales it from zero, leave `replicas` out of the manifest.",
                    "如果由自动伸缩从 0 扩起，清单里就不要写 `replicas`。",
                ),
            ],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#replicas",
        "https://istio.io/latest/docs/ops/common-problems/network-issues/#requests-are-rejected-by-envoy",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, service: Service<'a>, findings: &mut Findings<'a>) {
    let workloads = mesh.workloads_of(service);
    if !workloads.is_empty() && workloads.iter().all(|workload| zero(workload).is_some()) {
        for (workload, replicas) in workloads.iter().filter_map(|workload| Some((workload, zero(workload)?))).take(1) {
            let finding = Finding::new(&workload.resource, replicas).with("service", service.0.name);
            findings.add(finding.beside(&service.0, service.0.name_node()).likely());
        }
    }
}

/// The node that says that there are no pods.
fn zero<'a>(workload: &Workload<'a>) -> Option<Node<'a>> {
    workload.resource.spec().get("replicas").filter(|replicas| replicas.as_integer() == Some(0))
}
