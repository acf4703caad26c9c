//! A controller has said in the status of a resource that it does not work.

use crate::document::Node;
use crate::finding::{Finding, Findings, Severity};
use crate::gateways::{Condition, generation};
use crate::mesh::Mesh;
use crate::model::{Resource, ResourceKind};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC511",
    slug: "negative-condition",
    since: "0.1.0",
    severity: Warning,
    explains: [no_route],
    equivalent: &["IST0171"],
    kinds: [
        Service, ServiceEntry, WorkloadEntry, AuthorizationPolicy, KubernetesGateway, GatewayClass, ListenerSet, HTTPRoute, GRPCRoute,
        TLSRoute, TCPRoute, UDPRoute, BackendTLSPolicy,
    ],
    message: "{condition} is {status}{about}, because {reason}: {text}",
    message_zh: "{condition} 是 {status}{about}，原因 {reason}：{text}",
    confirm: &[
        Confirm {
            id: "status",
            steps: &[
                Command("kubectl -n {namespace} get gateways.gateway.networking.k8s.io,httproutes,grpcroutes -o yaml"),
                Note(
                    "The condition is still there, and observedGeneration is not older than generation.",
                    "这个 condition 还在，而且 observedGeneration 不比 generation 旧。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "reason",
            applicability: Manual,
            steps: &[Note(
                "Do what the message asks for: NoMatchingParent and NotAllowedByListeners are about the Gateway's listeners, RefNotPermitted about a ReferenceGrant, BackendNotFound about a Service.",
                "按 message 的提示处理：NoMatchingParent 和 NotAllowedByListeners 与 Gateway 的 listener 有关，RefNotPermitted 与 ReferenceGrant 有关，BackendNotFound 与 Service 有关。",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://gateway-api.sigs.k8s.io/geps/gep-1364/",
        "https://istio.io/latest/docs/reference/config/analysis/ist0171/",
    ],
}

/// The conditions of the Gateway API that are bad when they are false.
const POSITIVE: &[&str] = &["Accepted", "Programmed", "ResolvedRefs", "Ready"];
/// Those that are bad when they are true.
const NEGATIVE: &[&str] = &["Conflicted", "PartiallyInvalid"];

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for kind in RULE.kinds {
        for resource in mesh.of(*kind) {
            let Some(status) = resource.root.get("status") else { continue };
            for condition in Condition::of(status) {
                report(&resource, condition, String::new(), findings);
            }
            for parent in status.list("parents").chain(status.list("ancestors")) {
                let about = name(
                    parent.get("parentRef").or_else(|| parent.get("ancestorRef")),
                    &["kind", "namespace", "name", "sectionName"],
                );
                for condition in Condition::of(parent) {
                    report(&resource, condition, about.clone(), findings);
                }
            }
            for listener in status.list("listeners") {
                let about = name(Some(listener), &["name"]);
                for condition in Condition::of(listener) {
                    report(&resource, condition, about.clone(), findings);
                }
            }
        }
    }
}

/// What a condition is about, as part of a sentence.
fn name(node: Option<Node<'_>>, keys: &[&str]) -> String {
    let words = keys.iter().filter_map(|key| node?.get(key)?.text()).collect::<Vec<_>>();
    if words.is_empty() { String::new() } else { format!(" ({})", words.join("/")) }
}

fn report<'a>(resource: &Resource<'a>, condition: Condition<'a>, about: String, findings: &mut Findings<'a>) {
    if !is_bad(resource.kind, condition) {
        return;
    }
    let node = condition.0.get("status").unwrap_or(condition.0);
    let finding = Finding::new(resource, node)
        .with("condition", condition.text("type"))
        .with("status", condition.text("status"))
        .with("about", about)
        .with("reason", condition.text("reason"))
        .with("text", condition.text("message").trim());
    let observed = condition.0.get("observedGeneration").and_then(Node::as_integer);
    let is_stale = generation(resource).zip(observed).is_some_and(|(generation, observed)| observed < generation);
    findings.add(if is_stale { finding.of_severity(Severity::Info).likely() } else { finding });
}

/// Whether a condition of a kind says that something does not work.
fn is_bad(kind: ResourceKind, condition: Condition<'_>) -> bool {
    let (name, is_true, is_false) =
        (condition.text("type"), condition.text("status") == "True", condition.text("status") == "False");
    match kind {
        ResourceKind::Service | ResourceKind::ServiceEntry | ResourceKind::WorkloadEntry => {
            name == "istio.io/WaypointBound" && is_false
        }
        ResourceKind::AuthorizationPolicy => {
            let is_partial = name == "WaypointAccepted" && condition.text("reason") == "PartiallyInvalid";
            matches!(name, "ZtunnelAccepted" | "WaypointAccepted") && is_false || is_partial
        }
        _ => POSITIVE.contains(&name) && is_false || NEGATIVE.contains(&name) && is_true,
    }
}
