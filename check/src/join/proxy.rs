//! The proxy that speaks, as far as the files know it.

use meshwhy_core::Facts;
use meshwhy_core::facts::text;

use super::host::{port_of, without_port};
use crate::document::Node;
use crate::mesh::Mesh;
use crate::model::{Labels, Resource, ResourceKind};

/// The proxy that speaks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Proxy<'a> {
    pub(super) namespace: &'a str,
    pub(super) labels: Labels<'a>,
}

impl<'a> Proxy<'a> {
    /// The proxy by the name of its pod, else by the address that only one Sidecar has it listen at.
    pub(super) fn of(mesh: &Mesh<'a>, facts: &Facts<'_>) -> Option<Self> {
        of_pod(mesh, facts).or_else(|| of_listener(mesh, text(facts.context.downstream_local_address.as_ref())?))
    }
}

fn of_listener<'a>(mesh: &Mesh<'a>, address: &str) -> Option<Proxy<'a>> {
    let (host, port) = (without_port(address), port_of(address)?);
    let is_it = |listener: Node<'_>| {
        let number = listener.at(&["port", "number"]).and_then(Node::as_integer);
        listener.get("bind").and_then(Node::text) == Some(host) && number == Some(port)
    };
    let listens = |sidecar: &Resource<'a>| ["ingress", "egress"].iter().any(|list| sidecar.spec().list(list).any(is_it));
    let mut listening = mesh.of(ResourceKind::Sidecar).filter(listens);
    let sidecar = listening.next().filter(|_| listening.next().is_none())?;
    Some(Proxy { namespace: sidecar.namespace, labels: Labels(sidecar.selector()) })
}

/// A workload of the pod's name, or what a Sidecar selects.
fn of_pod<'a>(mesh: &Mesh<'a>, facts: &Facts<'_>) -> Option<Proxy<'a>> {
    let pod = text(facts.context.pod.as_ref())?;
    let namespace = text(facts.context.namespace.as_ref());
    let is_here = |resource: &Resource<'_>| namespace.is_none_or(|namespace| namespace == resource.namespace);
    let is_of =
        |name: &str| !name.is_empty() && pod.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
    let workloads = mesh.workloads().iter().filter(|workload| is_here(&workload.resource) && is_of(workload.resource.name));
    let sidecars = mesh.of(ResourceKind::Sidecar).filter(|sidecar| {
        let labels = || sidecar.selector().into_iter().flat_map(Node::entries);
        is_here(sidecar) && labels().any(|(_, value)| value.text().is_some_and(is_of))
    });
    let own = workloads.map(|workload| (workload.resource.name.len(), workload.resource.namespace, workload.labels()));
    let selected = sidecars.map(|sidecar| (sidecar.name.len(), sidecar.namespace, Labels(sidecar.selector())));
    let best = own.chain(selected).max_by_key(|(length, ..)| *length);
    best.map(|(_, namespace, labels)| Proxy { namespace, labels })
}
