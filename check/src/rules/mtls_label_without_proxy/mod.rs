//! Something without a proxy says that it takes Istio's mutual TLS.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::Workload;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC324",
    slug: "mtls-label-without-proxy",
    since: "0.1.0",
    severity: Error,
    explains: [tls_to_plaintext_port],
    equivalent: &[],
    kinds: [Pod, Deployment, StatefulSet, DaemonSet, ReplicaSet],
    each: Workload,
    message: "the pods of {workload} have no proxy, and their label makes clients send mutual TLS to them",
    message_zh: "{workload} 的 Pod 没有代理，但这个 label 会让客户端对它发起 mTLS",
    confirm: &[
        Confirm {
            id: "endpoints",
            steps: &[
                Command("istioctl proxy-config endpoints {pod}.{namespace} -o json | grep -B20 tlsMode"),
                Note(
                    "The endpoint has `tlsMode: istio`, and its pod has no container istio-proxy.",
                    "endpoint 带有 `tlsMode: istio`，而它的 Pod 里没有 istio-proxy 容器。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "drop-label",
            applicability: Review,
            steps: &[Note(
                "Take the label out: injection writes it where it is right.",
                "删掉这个 label：该有的时候，注入时会自动加上。",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/configuration/traffic-management/tls-configuration/#auto-mtls",
        "https://istio.io/latest/docs/reference/config/labels/",
    ],
}

const LABEL: &str = "security.istio.io/tlsMode";

fn check<'a>(mesh: &Mesh<'a>, workload: Workload<'a>, findings: &mut Findings<'a>) {
    let Some(mode) = workload.labels().node(LABEL).filter(|mode| mode.text() == Some("istio")) else { return };
    if mesh.has_proxy(&workload) == Some(false) {
        findings.add(Finding::new(&workload.resource, mode).with("workload", workload.resource.name));
    }
}
