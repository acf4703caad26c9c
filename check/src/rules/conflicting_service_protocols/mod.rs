//! Several Services give one port of a pod different protocols, under one port number.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashSet;

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{Protocol, Service, ServicePort, Workload};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC306",
    slug: "conflicting-service-protocols",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &["IST0116"],
    kinds: [Service],
    message: "Services {services} give port {port} of {workload} different protocols",
    message_zh: "Service {services} 给 {workload} 的端口 {port} 声明了不同的协议",
    confirm: &[
        Confirm {
            id: "inbound",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} --port 15006"),
                Command("kubectl -n istio-system logs deploy/istiod | grep 'Conflicting inbound listener'"),
                Note(
                    "The port has only one protocol, the one of the oldest Service.",
                    "这个端口只有一种协议，即最早创建的那个 Service 声明的。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "one-protocol",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# both Services: the same word in front\nspec:\n  ports:\n    - name: http-web\n      port: 9080\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0116/",
        "https://istio.io/latest/docs/ops/deployment/application-requirements/",
        "Istio pilot/pkg/networking/core/listener_inbound.go, 1.30",
    ],
}

/// A port of a Service, and how its bytes are handled.
pub(crate) type Claim<'a> = (Service<'a>, ServicePort<'a>, Handling);

/// How an inbound proxy handles bytes. TLS that it does not terminate is bytes like others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Handling {
    Http,
    Http2,
    Bytes,
}

/// What several Services say of one port of a pod, where they disagree.
pub(crate) struct Conflict<'a> {
    /// Whose port it is.
    pub workload: Workload<'a>,
    /// The pod's port.
    pub target: Cow<'a, str>,
    /// All ports of Services that lead there.
    pub claims: Vec<Claim<'a>>,
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for conflict in conflicts(mesh).iter().filter(|conflict| conflict.is_of_one_number()) {
        findings.add(conflict.finding(mesh));
    }
}

/// All conflicts, each set of Services and port once.
pub(crate) fn conflicts<'a>(mesh: &Mesh<'a>) -> Vec<Conflict<'a>> {
    let (mut found, mut seen) = (Vec::new(), HashSet::default());
    for (workload, services) in mesh.services_by_workload() {
        if services.len() < 2 || workload.resource.is_of_istio() || mesh.has_proxy(workload) == Some(false) {
            continue;
        }
        for (target, claims) in claims(workload, services) {
            let is_conflict = claims.iter().any(|one| claims.iter().any(|other| one.0.0 != other.0.0 && one.2 != other.2));
            let key: Vec<_> = claims.iter().map(|claim| claim.1.0.place()).collect();
            if is_conflict && seen.insert(key) {
                found.push(Conflict { workload: *workload, target, claims });
            }
        }
    }
    found
}

fn claims<'a>(workload: &Workload<'a>, services: &[Service<'a>]) -> BTreeMap<Cow<'a, str>, Vec<Claim<'a>>> {
    let mut claims: BTreeMap<Cow<'a, str>, Vec<Claim<'a>>> = BTreeMap::new();
    for service in services {
        for port in service.ports() {
            let (Some(target), Some(handling)) = (target_of(workload, port), handling(port)) else { continue };
            claims.entry(target).or_default().push((*service, port, handling));
        }
    }
    claims
}

/// The number of the pod's port, its name where no container declares that.
fn target_of<'a>(workload: &Workload<'a>, port: ServicePort<'a>) -> Option<Cow<'a, str>> {
    let Some(name) = port.target_name() else { return port.target().map(|number| Cow::Owned(number.to_string())) };
    let mut ports = workload.containers().chain(workload.init_containers()).flat_map(|container| container.port_nodes());
    let declared = ports.find(|port| port.get("name").and_then(Node::text) == name.text());
    declared.and_then(|port| port.get("containerPort")?.text()).or_else(|| name.text()).map(Cow::Borrowed)
}

fn handling(port: ServicePort<'_>) -> Option<Handling> {
    if matches!(port.0.get("protocol").and_then(Node::text), Some("UDP" | "SCTP")) {
        return None;
    }
    let word = port.0.get("appProtocol").and_then(Node::text).and_then(Protocol::parse);
    Some(match word.or_else(|| Protocol::of_name(port.name()?))? {
        Protocol::Http => Handling::Http,
        Protocol::Http2 => Handling::Http2,
        Protocol::Https | Protocol::Tls | Protocol::Tcp => Handling::Bytes,
        Protocol::Udp => return None,
    })
}

impl<'a> Conflict<'a> {
    /// Whether Services disagree that have the same port number for it.
    pub(crate) fn is_of_one_number(&self) -> bool {
        let claims = &self.claims;
        claims.iter().any(|one| claims.iter().any(|other| one.1.number() == other.1.number() && one.2 != other.2))
    }

    /// The finding for it, at the workload.
    pub(crate) fn finding(&self, mesh: &Mesh<'a>) -> Finding<'a> {
        let resource = self.workload.resource;
        let names: BTreeSet<&str> = self.claims.iter().map(|claim| claim.0.0.name).collect();
        let names: Vec<_> = names.into_iter().collect();
        let finding = Finding::new(&resource, resource.name_node()).with("workload", resource.name);
        let mut finding = finding.with("port", self.target.clone()).with("services", names.join(", "));
        for (service, port, _) in &self.claims {
            finding = finding.beside(&service.0, port.0.get("name").unwrap_or(port.0));
        }
        if mesh.has_proxy(&self.workload).is_some() { finding } else { finding.likely() }
    }
}
