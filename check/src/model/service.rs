//! Services.

use super::{Labels, Protocol, Resource, Workload};
use crate::document::Node;

/// A Service.
#[derive(Debug, Clone, Copy)]
pub struct Service<'a>(pub Resource<'a>);

/// A port of a Service.
#[derive(Debug, Clone, Copy)]
pub struct ServicePort<'a>(pub Node<'a>);

impl<'a> Service<'a> {
    /// Its name inside a cluster with the usual domain.
    #[must_use]
    pub fn host(&self) -> String {
        format!("{}.{}.svc.cluster.local", self.0.name, self.0.namespace)
    }

    /// Its ports.
    pub fn ports(&self) -> impl Iterator<Item = ServicePort<'a>> + Clone + use<'a> {
        self.0.spec().list("ports").map(ServicePort)
    }

    /// The port with this number.
    #[must_use]
    pub fn port(&self, number: i64) -> Option<ServicePort<'a>> {
        self.ports().find(|port| port.number() == Some(number))
    }

    /// The labels of its pods.
    #[must_use]
    pub fn selector(&self) -> Option<Node<'a>> {
        self.0.spec().get("selector").filter(|selector| selector.is_mapping() && !selector.is_empty())
    }

    /// Whether it selects what has these labels. One without a selector selects nothing.
    #[must_use]
    pub fn selects(&self, labels: Labels<'_>) -> bool {
        self.selector().is_some_and(|selector| super::selects(selector, labels))
    }

    /// Whether DNS gives the addresses of its pods.
    #[must_use]
    pub fn is_headless(&self) -> bool {
        self.0.spec().str_at(&["clusterIP"]) == Some("None")
    }

    /// What it is another name of.
    #[must_use]
    pub fn external_name(&self) -> Option<Node<'a>> {
        (self.0.spec().str_at(&["type"]) == Some("ExternalName")).then(|| self.0.spec().get("externalName")).flatten()
    }
}

impl<'a> ServicePort<'a> {
    /// Its number.
    #[must_use]
    pub fn number(self) -> Option<i64> {
        self.0.get("port")?.as_integer()
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> Option<&'a str> {
        self.0.get("name")?.text()
    }

    /// The container's port, by number; the port's own where none is given, nothing where it is a name.
    #[must_use]
    pub fn target(self) -> Option<i64> {
        self.0.get("targetPort").map_or_else(|| self.number(), Node::as_integer)
    }

    /// What it is declared to speak; `None` where Istio has to guess.
    #[must_use]
    pub fn protocol(self) -> Option<Protocol> {
        if self.0.get("protocol").and_then(Node::text).is_some_and(|protocol| protocol != "TCP") {
            return Some(Protocol::Udp);
        }
        let declared = self.0.get("appProtocol").and_then(Node::text).and_then(Protocol::parse);
        declared.or_else(|| Protocol::of_name(self.name()?))
    }

    /// The container's port, where it is given by name.
    #[must_use]
    pub fn target_name(self) -> Option<Node<'a>> {
        self.0.get("targetPort").filter(|target| target.as_integer().is_none() && !target.is_empty())
    }

    /// The port of a workload's pods that it leads to; a name is looked up among the ports of their containers.
    #[must_use]
    pub fn target_in(self, workload: &Workload<'a>) -> Option<i64> {
        let Some(name) = self.0.get("targetPort").and_then(Node::as_str) else { return self.target() };
        let mut ports = workload.containers().flat_map(|container| container.0.list("ports"));
        ports.find(|port| port.get("name").and_then(Node::text) == Some(name))?.get("containerPort")?.as_integer()
    }
}
