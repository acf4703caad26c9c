//! A DestinationRule speaks Istio's mutual TLS to workloads that have no proxy.

use crate::finding::{Finding, Findings};
use crate::mesh::{Lookup, Mesh, Target};
use crate::model::{DestinationRule, Service, TlsMode, Workload};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC402",
    slug: "istio-mutual-without-proxy",
    since: "0.1.0",
    severity: Error,
    explains: [tls_to_plaintext_port],
    equivalent: &[],
    kinds: [DestinationRule],
    each: DestinationRule,
    message: "Istio's mTLS towards {host}, but {workload} has no proxy that could read it",
    message_zh: "对 {host} 使用 Istio 的 mTLS，但 {workload} 没有能解密的代理",
    confirm: &[
        Confirm {
            id: "containers",
            steps: &[
                Command("kubectl -n {service_namespace} get pods -o custom-columns='POD:.metadata.name,CONTAINERS:.spec.containers[*].name,INIT:.spec.initContainers[*].name'"),
                Note("No istio-proxy in either column.", "两列里都没有 istio-proxy。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "automatic",
            applicability: Review,
            steps: &[Note(
                "Take `tls` out of the DestinationRule: each client then speaks mTLS to the endpoints that have a proxy, and plaintext to the others.",
                "从 DestinationRule 里去掉 `tls`：客户端会按 endpoint 决定，有代理的用 mTLS，没有的用明文。",
            )],
            verify: CHECK_AGAIN,
        },
        Fix {
            id: "inject",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Fragment,
                    "# template of the workload\nmetadata:\n  labels:\n    sidecar.istio.io/inject: \"true\"\n",
                ),
            ],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/configuration/traffic-management/tls-configuration/#auto-mtls",
        "https://istio.io/latest/docs/reference/config/networking/destination-rule/#ClientTLSSettings-TLSmode",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, rule: DestinationRule<'a>, findings: &mut Findings<'a>) {
    let Some((host, service)) = rule.host().and_then(|host| Some((host, service(mesh, host.text()?, rule.0.namespace)?))) else {
        return;
    };
    let workloads = mesh.workloads_of(service);
    let has_none = |workload: &Workload<'a>| mesh.has_proxy(workload) == Some(false) && !is_ambient(mesh, workload);
    let Some(first) = workloads.iter().find(|workload| has_none(workload)) else { return };
    for (_, tls) in rule.tls_settings().filter(|(_, tls)| tls.mode() == Some(TlsMode::IstioMutual)) {
        let finding = Finding::new(&rule.0, tls.mode_node())
            .with("host", host.text().unwrap_or_default())
            .with("workload", first.resource.id().to_string())
            .beside(&first.resource, first.resource.name_node());
        let is_certain = workloads.iter().all(|workload| has_none(workload) && says_so(workload));
        findings.add(if is_certain { finding } else { finding.likely() });
    }
}

fn service<'a>(mesh: &Mesh<'a>, host: &str, namespace: &str) -> Option<Service<'a>> {
    let Lookup::Found(targets) = mesh.host(host, namespace) else { return None };
    targets.into_iter().find_map(|target| match target {
        Target::Service(service) => Some(service),
        Target::Entry(_) => None,
    })
}

/// Whether the workload itself refuses the proxy; a label of the namespace may be set elsewhere.
fn says_so(workload: &Workload<'_>) -> bool {
    let own = |labels: crate::model::Labels<'_>| labels.get("sidecar.istio.io/inject") == Some("false");
    own(workload.labels()) || own(workload.annotations())
}

/// Whether ztunnel reads mTLS in its stead.
fn is_ambient(mesh: &Mesh<'_>, workload: &Workload<'_>) -> bool {
    const MODE: &str = "istio.io/dataplane-mode";
    let of_namespace = mesh.namespace(workload.resource.namespace).and_then(|namespace| namespace.labels().get(MODE));
    workload.labels().get(MODE).or(of_namespace) == Some("ambient")
}
