//! A Gateway's selector fits no pod, although the files hold the gateway that it seems to mean.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::gateways::{DEFAULT_GATEWAY, is_gateway, pods_of};
use crate::mesh::Mesh;
use crate::model::{Gateway, ResourceKind, Workload};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC502",
    slug: "gateway-selects-no-pod",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &["IST0101", "KIA0302"],
    kinds: [Gateway],
    message: "no pod has {selector}; {workload} has {labels}",
    message_zh: "没有 Pod 带 {selector}；{workload} 的标签是 {labels}",
    confirm: &[
        Confirm {
            id: "pods",
            steps: &[
                Command("kubectl get pods --all-namespaces --show-labels | grep -i gateway"),
                Note("No gateway's pod carries the labels of the selector.", "没有哪个网关 Pod 带有 selector 里的标签。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "select",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# Gateway; Helm's chart `gateway` labels pods with the release's name without \"istio-\"\nspec:\n  selector:\n    istio: ingress\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0101/",
        "https://istio.io/latest/docs/setup/additional-setup/gateway/",
        "https://istio.io/latest/docs/reference/config/networking/gateway/",
    ],
}

/// What the chart `gateway` labels its pods with when the release is called as its documentation does.
const CHART_GATEWAY: (&str, &str) = ("istio", "ingress");

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let mut known = None;
    for gateway in mesh.of(ResourceKind::Gateway).map(Gateway) {
        let Some(selector) = gateway.selector().filter(|_| pods_of(mesh, &gateway).is_empty()) else { continue };
        let known = known.get_or_insert_with(|| Known::new(mesh));
        let written = labels(selector);
        let meant = selector.entries().find_map(|(key, value)| known.meant(key.text()?, value.text()?).map(|pod| (pod, value)));
        match meant {
            Some((pod, value)) => findings.add(
                Finding::new(&gateway.0, value)
                    .with("selector", written)
                    .with("workload", pod.resource.id().to_string())
                    .with("labels", pod.labels().0.map(labels).unwrap_or_default())
                    .beside(&pod.resource, pod.labels().0.unwrap_or(pod.pod))
                    .likely(),
            ),
            None => findings.unknown(&gateway.0, selector, format!("pods with {written}")),
        }
    }
}

/// The gateways' pods in the files.
struct Known<'a> {
    pods: Vec<Workload<'a>>,
    others: std::collections::HashMap<&'a str, Workload<'a>>,
}

impl<'a> Known<'a> {
    fn new(mesh: &Mesh<'a>) -> Self {
        // What an operator makes is not in the files.
        let is_made = mesh.documents().any(|document| document.root().str_at(&["kind"]) == Some("IstioOperator"));
        let all = if is_made { &[] } else { mesh.workloads() };
        let is_named = |value: &str| ["gateway", "ingress", "egress"].iter().any(|word| value.contains(word));
        let others = all.iter().flat_map(|pod| {
            let values = pod.labels().iter().filter_map(|(_, value)| value.text()).filter(|value| is_named(value));
            values.map(|value| (value, *pod)).collect::<Vec<_>>()
        });
        Self { pods: all.iter().filter(|pod| is_gateway(pod)).copied().take(16).collect(), others: others.collect() }
    }

    /// The pod that a label of a selector seems to mean: one with this value under another key, or the only gateway with another
    /// value under this key.
    fn meant(&self, key: &str, value: &str) -> Option<Workload<'a>> {
        if (key, value) == DEFAULT_GATEWAY {
            let (key, value) = CHART_GATEWAY;
            return self.pods.iter().find(|pod| pod.labels().get(key) == Some(value)).copied();
        }
        if let Some(pod) = self.others.get(value).filter(|pod| pod.labels().get(key).is_none()) {
            return Some(*pod);
        }
        match self.pods.as_slice() {
            [pod] if pod.labels().get(key).is_some_and(|label| label.contains(value) || value.contains(label)) => Some(*pod),
            _ => None,
        }
    }
}

fn labels(mapping: Node<'_>) -> String {
    let pair = |(key, value): (Node<'_>, Node<'_>)| Some(format!("{}={}", key.text()?, value.text()?));
    mapping.entries().filter_map(pair).collect::<Vec<_>>().join(",")
}
