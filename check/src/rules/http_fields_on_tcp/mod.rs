//! A policy asks for fields of HTTP on a port that Istio treats as TCP.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{AuthorizationPolicy, PolicyAction, PolicyCondition, PolicyRule, Protocol, Service, Workload};
use crate::rules::declare_rule;
use crate::scope::PolicyScope;

declare_rule! {
    code: "MWC612",
    slug: "http-fields-on-tcp",
    since: "0.1.0",
    severity: Error,
    explains: [rbac_denied],
    equivalent: &["IST0133"],
    kinds: [AuthorizationPolicy],
    each: AuthorizationPolicy,
    message: "{field} is of HTTP, and port {port} of Service {service} is TCP: ALLOW never matches, DENY drops it",
    message_zh: "{field} 是 HTTP 的字段，而 Service {service} 的端口 {port} 是 TCP：ALLOW 匹配不上，DENY 会丢掉这个字段",
    confirm: &[
        Confirm {
            id: "ports",
            steps: &[
                Command("kubectl -n {service_namespace} get service {service} -o jsonpath='{.spec.ports}'"),
                Note(
                    "Neither appProtocol nor the name's prefix says http, http2 or grpc.",
                    "appProtocol 和端口名前缀都不是 http、http2 或 grpc。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "protocol",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# Service {service}, if the port speaks HTTP\nspec:\n  ports:\n    - name: http\n      port: 9080\n      appProtocol: http\n",
            )],
            verify: CHECK_AGAIN,
        },
        Fix {
            id: "ports",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# if the rule is meant for another port\nto:\n  - operation:\n      methods: [GET]\n      ports: [\"8080\"]\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/concepts/security/#using-istio-authorization-on-plain-tcp-protocols",
        "https://istio.io/latest/docs/tasks/security/authorization/authz-tcp/",
        "Istio pilot/pkg/security/authz/model/model.go, 1.30",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, policy: AuthorizationPolicy<'a>, findings: &mut Findings<'a>) {
    let Some(action @ (PolicyAction::Allow | PolicyAction::Deny)) = policy.action() else { return };
    let mut asking = policy.rules().filter_map(|rule| Some((rule, http_field(rule)?))).peekable();
    if asking.peek().is_none() {
        return;
    }
    let PolicyScope::Workloads(workloads) = PolicyScope::of(mesh, &policy.0) else { return };
    let ports = ports(mesh, &workloads);
    for (rule, field) in asking {
        let Some((service, port)) = conflict(&ports, rule, action) else { continue };
        let finding = Finding::new(&policy.0, field.node).with("field", field.name);
        let finding = finding.with("port", port.number.to_string()).with("service", service.0.name);
        findings.add(finding.beside(&service.0, port.node));
    }
}

/// A port of a Service, as a policy sees it.
#[derive(Clone, Copy)]
struct Port<'a> {
    node: Node<'a>,
    number: i64,
    /// What policies compare: the number in the pod.
    target: i64,
    protocol: Protocol,
}

/// The declared ports of the Services of some workloads.
fn ports<'a>(mesh: &Mesh<'a>, workloads: &[Workload<'a>]) -> Vec<(Service<'a>, Port<'a>)> {
    let services = workloads.iter().flat_map(|workload| mesh.services_of(workload.resource.namespace, workload.labels()));
    let read = |service: Service<'a>| {
        service.ports().filter_map(move |port| {
            let (number, target, protocol) = (port.number()?, port.target()?, port.protocol()?);
            (protocol != Protocol::Udp).then_some((service, Port { node: port.0, number, target, protocol }))
        })
    };
    services.flat_map(read).collect()
}

/// The first field of HTTP that a rule asks for.
fn http_field(rule: PolicyRule<'_>) -> Option<PolicyCondition<'_>> {
    rule.conditions().find(PolicyCondition::is_of_http)
}

/// The port on which a rule does not do what it says. An ALLOW rule may be meant for the HTTP port beside a TCP port.
fn conflict<'a>(
    ports: &[(Service<'a>, Port<'a>)],
    rule: PolicyRule<'a>,
    action: PolicyAction,
) -> Option<(Service<'a>, Port<'a>)> {
    let listed: Vec<i64> =
        rule.operations().flat_map(|operation| operation.list("ports")).filter_map(|port| port.text()?.parse().ok()).collect();
    let excludes = rule.operations().any(|operation| operation.get("notPorts").is_some());
    let covered = || ports.iter().filter(|(_, port)| listed.is_empty() || listed.contains(&port.target));
    let is_tcp = |port: &Port<'_>| !port.protocol.is_http();
    let found = covered().find(|(_, port)| is_tcp(port)).copied().filter(|_| !excludes)?;
    let is_meant_for_http = action == PolicyAction::Allow && covered().any(|(_, port)| !is_tcp(port));
    (!is_meant_for_http).then_some(found)
}
