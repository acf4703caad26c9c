//! What a version of a resource provides, needs, and says about mTLS.

mod gateway_api;
mod istio;
mod kubernetes;
mod security;

use super::dependency::Dependency;
use super::mtls::MtlsFacts;
use super::object::ObjectName;
use crate::document::Node;
use crate::mesh::{Lookup, Mesh, Target, full_host, kubernetes_name};
use crate::model::{Resource, ResourceKind};

/// What a version of a resource means to others. A need is met by any of its alternatives.
#[derive(Debug, Default)]
pub(super) struct Dependencies {
    pub(super) provides: Vec<Dependency>,
    pub(super) needs: Vec<Vec<Dependency>>,
    pub(super) mtls: MtlsFacts,
}

/// A resource that is looked at, among its neighbours.
pub(super) struct Subject<'r, 'a, 'm> {
    pub(super) resource: Resource<'r>,
    pub(super) mesh: &'m Mesh<'a>,
    /// Whether both OLD and NEW have it.
    pub(super) stays: bool,
}

/// The facts of a manifest.
pub(super) fn facts(name: &ObjectName, root: Node<'_>, mesh: &Mesh<'_>, stays: bool) -> Dependencies {
    let mut facts = Dependencies::default();
    if !name.group.is_empty() {
        facts.need(Dependency::CustomKind(name.group.clone(), name.kind.clone()));
    }
    if !name.namespace.is_empty() {
        facts.need(Dependency::Object("Namespace", String::new(), name.namespace.clone()));
    }
    let Some(resource) = Resource::read(root, &mesh.settings.namespace) else { return facts };
    facts.provides.push(object(resource.kind, resource.namespace, resource.name));
    let subject = Subject { resource, mesh, stays };
    match resource.kind {
        ResourceKind::Gateway | ResourceKind::VirtualService | ResourceKind::DestinationRule | ResourceKind::ServiceEntry => {
            istio::read(&subject, &mut facts)
        }
        ResourceKind::AuthorizationPolicy | ResourceKind::PeerAuthentication | ResourceKind::RequestAuthentication => {
            security::read(&subject, &mut facts)
        }
        kind if kind.group() == ResourceKind::HTTPRoute.group() => gateway_api::read(&subject, &mut facts),
        _ => kubernetes::read(&subject, &mut facts),
    }
    facts
}

/// A resource as a thing.
pub(super) fn object(kind: ResourceKind, namespace: &str, name: &str) -> Dependency {
    Dependency::Object(kind.as_str(), namespace.to_owned(), name.to_owned())
}

impl Dependencies {
    fn need(&mut self, thing: Dependency) {
        self.needs.push(vec![thing]);
    }

    fn need_object(&mut self, kind: ResourceKind, namespace: &str, name: Option<Node<'_>>) {
        if let Some(name) = name.and_then(Node::text).filter(|name| !name.is_empty()) {
            self.need(object(kind, namespace, name));
        }
    }
}

impl Subject<'_, '_, '_> {
    /// What a host stands for is there, and a port of it, and pods behind it.
    fn need_host(&self, facts: &mut Dependencies, host: &str, port: Option<i64>) -> String {
        let full = full_host(host, self.resource.namespace);
        let mut hosts = vec![Dependency::Host(full.clone())];
        hosts.extend(wildcards(&full).map(Dependency::Host));
        facts.needs.push(hosts);
        if let Some(port) = port {
            let mut ports = vec![Dependency::Port(full.clone(), port)];
            ports.extend(wildcards(&full).map(|host| Dependency::Port(host, port)));
            facts.needs.push(ports);
        }
        if let Lookup::Found(targets) = self.mesh.host(&full, self.resource.namespace) {
            for target in targets {
                if let Target::Service(service) = target
                    && let Some(selector) = service.selector()
                {
                    facts.need(Dependency::Pods(service.0.namespace.to_owned(), pairs(selector)));
                }
            }
        }
        full
    }

    /// A subset of a host is there, and its pods.
    fn need_subset(&self, facts: &mut Dependencies, host: &str, subset: &str) {
        facts.need(Dependency::Subset(host.to_owned(), subset.to_owned()));
    }

    /// The pods that a subset selects.
    fn pods_of_subset(&self, host: &str, labels: Node<'_>) -> Option<Dependency> {
        let (_, namespace) = kubernetes_name(host)?;
        (!labels.is_empty()).then(|| Dependency::Pods(namespace.to_owned(), pairs(labels)))
    }
}

/// The wildcards that cover a host.
pub(super) fn wildcards(host: &str) -> impl Iterator<Item = String> {
    host.match_indices('.').map(|(at, _)| format!("*{}", host.get(at..).unwrap_or_default())).chain(["*".to_owned()])
}

/// A mapping of labels, sorted.
pub(super) fn pairs(labels: Node<'_>) -> Vec<(String, String)> {
    let pair = |(key, value): (Node<'_>, Node<'_>)| Some((key.text()?.to_owned(), value.text()?.to_owned()));
    let mut pairs: Vec<_> = labels.entries().filter_map(pair).collect();
    pairs.sort();
    pairs
}
