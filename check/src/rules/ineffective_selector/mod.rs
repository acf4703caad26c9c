//! A selector is aimed at the pods of a Gateway of the Gateway API.

use crate::document::Node;
use crate::edit::Edit;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{Resource, ResourceKind};
use crate::rules::declare_rule;
use crate::scope::{GATEWAY_NAME_LABELS, targets};

declare_rule! {
    code: "MWC604",
    slug: "ineffective-selector",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &["IST0166"],
    kinds: [AuthorizationPolicy, RequestAuthentication, Telemetry, TrafficExtension, WasmPlugin],
    each: Resource,
    message: "the selector is aimed at the pods of the Gateway {gateway}, which take policies by targetRefs",
    message_zh: "selector 指向 Gateway {gateway} 的 Pod，这类 Pod 要用 targetRefs 来绑定策略",
    confirm: &[
        Confirm {
            id: "pods",
            steps: &[
                Command("kubectl -n {namespace} get pods -l gateway.networking.k8s.io/gateway-name --show-labels"),
                Note("The selector matches the labels of one of these pods.", "selector 匹配到了其中某个 Pod 的标签。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "target",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# in place of the selector\nspec:\n  targetRefs:\n    - group: gateway.networking.k8s.io\n      kind: Gateway\n      name: bookinfo-gateway\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0166/",
        "https://istio.io/latest/docs/reference/config/type/workload-selector/#PolicyTargetReference",
        "Istio pilot/pkg/model/policyattachment.go, 1.30",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, policy: Resource<'a>, findings: &mut Findings<'a>) {
    let Some(selector) = policy.selector().filter(|_| targets(&policy).next().is_none()) else { return };
    let named = GATEWAY_NAME_LABELS.iter().find_map(|label| selector.get(label)).and_then(Node::text);
    let selected = || mesh.selected(policy.namespace, selector);
    let labelled = || selected().into_iter().find_map(|pod| pod.labels().get("gateway.networking.k8s.io/gateway-name"));
    let Some(gateway) = named.or_else(labelled) else { return };
    let mut finding = Finding::new(&policy, selector).with("gateway", gateway);
    if let Some(edit) = named.and_then(|name| target(&policy, selector, name)) {
        finding = edit.into_iter().fold(finding, Finding::cured_by);
    }
    let is_waypoint = mesh
        .in_namespace(ResourceKind::KubernetesGateway, policy.namespace)
        .any(|resource| resource.name == gateway && resource.spec().str_at(&["gatewayClassName"]) == Some("istio-waypoint"));
    findings.add(if is_waypoint { finding } else { finding.likely() });
}

/// The selector as a reference, where it says nothing but the Gateway's name.
fn target(policy: &Resource<'_>, selector: Node<'_>, name: &str) -> Option<[Edit; 2]> {
    let (key, value) = policy.spec().entry("selector").filter(|_| selector.entries().count() == 1)?;
    let reference = format!("[{{group: gateway.networking.k8s.io, kind: Gateway, name: {name}}}]");
    Some([Edit::replace(key, "targetRefs"), Edit::replace(value, reference)])
}
