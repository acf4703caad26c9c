//! Gateways, VirtualServices, DestinationRules, ServiceEntries.

use foldhash::HashSet;

use super::{Dependencies, Subject, object, pairs};
use crate::document::Node;
use crate::mesh::full_host;
use crate::model::{DestinationRule, Gateway, ResourceKind, Server, ServiceEntry, VirtualService};
use crate::plan::dependency::Dependency;
use crate::plan::mtls::{MtlsFacts, RuleTls};

pub(super) fn read(subject: &Subject<'_, '_, '_>, facts: &mut Dependencies) {
    match subject.resource.kind {
        ResourceKind::Gateway => gateway(subject, facts),
        ResourceKind::VirtualService => virtual_service(subject, facts),
        ResourceKind::DestinationRule => destination_rule(subject, facts),
        _ => service_entry(subject, facts),
    }
}

fn gateway(subject: &Subject<'_, '_, '_>, facts: &mut Dependencies) {
    let gateway = Gateway(subject.resource);
    let labels: Vec<String> =
        gateway.selector().map(pairs).unwrap_or_default().into_iter().map(|(key, value)| format!("{key}={value}")).collect();
    for server in gateway.servers() {
        let names =
            server.tls().into_iter().flat_map(|tls| tls.get("credentialName").into_iter().chain(tls.list("credentialNames")));
        for name in names.filter_map(Node::text) {
            let secrets = secrets(subject, gateway, name);
            facts.needs.push(secrets);
        }
        listeners(server, &labels.join(","), facts);
    }
}

fn listeners(server: Server<'_>, labels: &str, facts: &mut Dependencies) {
    if let Some(port) = server.port() {
        let hosts = server.hosts().filter_map(Node::text);
        facts.provides.extend(hosts.map(|host| Dependency::Listener(labels.to_owned(), port, host.to_owned())));
    }
}

/// The Secrets that a credential may name: those beside the gateway's pods; all of that name where no file holds these pods.
fn secrets(subject: &Subject<'_, '_, '_>, gateway: Gateway<'_>, name: &str) -> Vec<Dependency> {
    let mesh = subject.mesh;
    let all: HashSet<&str> =
        mesh.of(ResourceKind::Secret).filter(|secret| secret.name == name).map(|secret| secret.namespace).collect();
    let holds_pods =
        |namespace: &&&str| gateway.selector().is_some_and(|selector| !mesh.selected(namespace, selector).is_empty());
    let near: Vec<&&str> = all.iter().filter(holds_pods).collect();
    let chosen: Vec<&str> = if near.is_empty() { all.into_iter().collect() } else { near.into_iter().copied().collect() };
    if chosen.is_empty() {
        return vec![object(ResourceKind::Secret, subject.resource.namespace, name)];
    }
    let mut things: Vec<Dependency> = chosen.into_iter().map(|namespace| object(ResourceKind::Secret, namespace, name)).collect();
    things.sort();
    things
}

fn virtual_service(subject: &Subject<'_, '_, '_>, facts: &mut Dependencies) {
    let service = VirtualService(subject.resource);
    let namespace = subject.resource.namespace;
    let mut gateways: Vec<String> = Vec::new();
    for gateway in service.gateways().filter_map(Node::text) {
        if gateway == "mesh" {
            gateways.push("mesh".to_owned());
            continue;
        }
        let (of, name) = gateway.split_once('/').unwrap_or((namespace, gateway));
        facts.need(object(ResourceKind::Gateway, of, name));
        gateways.push(format!("{of}/{name}"));
    }
    if gateways.is_empty() {
        gateways.push("mesh".to_owned());
    }
    for host in service.hosts().filter_map(Node::text) {
        let full = full_host(host, namespace);
        facts.provides.extend(gateways.iter().map(|gateway| Dependency::Routes(gateway.clone(), full.clone())));
    }
    for delegate in service.routes().filter_map(|route| route.node.get("delegate")) {
        let of = delegate.get("namespace").and_then(Node::text).unwrap_or(namespace);
        facts.need_object(ResourceKind::VirtualService, of, delegate.get("name"));
    }
    for destination in service.destinations() {
        let Some(host) = destination.host().and_then(Node::text) else { continue };
        let full = subject.need_host(facts, host, destination.port().and_then(Node::as_integer));
        if let Some(subset) = destination.subset().and_then(Node::text) {
            subject.need_subset(facts, &full, subset);
        }
    }
}

fn destination_rule(subject: &Subject<'_, '_, '_>, facts: &mut Dependencies) {
    let rule = DestinationRule(subject.resource);
    let Some(host) = rule.host().and_then(Node::text) else { return };
    let full = full_host(host, subject.resource.namespace);
    if !full.starts_with('*') {
        let mut hosts = vec![Dependency::Host(full.clone())];
        hosts.extend(super::wildcards(&full).map(Dependency::Host));
        facts.needs.push(hosts);
    }
    for subset in rule.subsets() {
        if let Some(name) = subset.get("name").and_then(Node::text) {
            facts.provides.push(Dependency::Subset(full.clone(), name.to_owned()));
        }
        facts.needs.extend(subset.get("labels").and_then(|labels| subject.pods_of_subset(&full, labels)).map(|pods| vec![pods]));
    }
    for tls in rule.policies().flat_map(|policy| policy.tls().into_iter().chain(policy.ports().filter_map(|port| port.tls()))) {
        facts.need_object(ResourceKind::Secret, subject.resource.namespace, tls.0.get("credentialName"));
    }
    facts.mtls = MtlsFacts::Rule(RuleTls::read(rule, full));
}

fn service_entry(subject: &Subject<'_, '_, '_>, facts: &mut Dependencies) {
    let entry = ServiceEntry(subject.resource);
    for host in entry.hosts().filter_map(Node::text) {
        facts.provides.push(Dependency::Host(host.to_owned()));
        let ports = entry.ports().filter_map(|port| port.get("number")?.as_integer());
        facts.provides.extend(ports.map(|port| Dependency::Port(host.to_owned(), port)));
    }
}
