//! Routes, Gateways and policies of the Gateway API.

use super::{Dependencies, Subject, object};
use crate::document::Node;
use crate::model::ResourceKind;
use crate::plan::dependency::Dependency;

pub(super) fn read(subject: &Subject<'_, '_, '_>, facts: &mut Dependencies) {
    let spec = subject.resource.spec();
    match subject.resource.kind {
        ResourceKind::KubernetesGateway | ResourceKind::ListenerSet => {
            facts.need_object(ResourceKind::GatewayClass, "", spec.get("gatewayClassName"));
            if let Some(parent) = spec.get("parentRef") {
                reference(subject, facts, parent, "Gateway");
            }
            let certificates = spec.list("listeners").filter_map(|listener| listener.at(&["tls", "certificateRefs"]));
            certificates.flat_map(Node::items).for_each(|certificate| reference(subject, facts, certificate, "Secret"));
        }
        ResourceKind::ReferenceGrant => grants(subject, facts),
        ResourceKind::BackendTLSPolicy => {
            spec.list("targetRefs").for_each(|target| reference(subject, facts, target, "Service"));
            let certificates = spec.get("validation").into_iter().flat_map(|validation| validation.list("caCertificateRefs"));
            certificates.for_each(|certificate| reference(subject, facts, certificate, "ConfigMap"));
        }
        ResourceKind::GatewayClass => {}
        _ => route(subject, facts),
    }
}

fn route(subject: &Subject<'_, '_, '_>, facts: &mut Dependencies) {
    let spec = subject.resource.spec();
    spec.list("parentRefs").for_each(|parent| reference(subject, facts, parent, "Gateway"));
    for rule in spec.list("rules") {
        rule.list("backendRefs").for_each(|backend| reference(subject, facts, backend, "Service"));
        let mirrors = rule.list("filters").filter_map(|filter| filter.at(&["requestMirror", "backendRef"]));
        mirrors.for_each(|backend| reference(subject, facts, backend, "Service"));
    }
}

/// One resource that names another, with the permission that it takes in another namespace.
fn reference(subject: &Subject<'_, '_, '_>, facts: &mut Dependencies, node: Node<'_>, default_kind: &str) {
    let own = subject.resource;
    let Some(name) = node.get("name").and_then(Node::text) else { return };
    let kind = node.get("kind").and_then(Node::text).unwrap_or(default_kind);
    let namespace = node.get("namespace").and_then(Node::text).unwrap_or(own.namespace);
    match kind {
        "Service" => {
            let host = format!("{name}.{namespace}.svc.cluster.local");
            subject.need_host(facts, &host, node.get("port").and_then(Node::as_integer));
        }
        "Hostname" => {
            subject.need_host(facts, name, node.get("port").and_then(Node::as_integer));
        }
        "Gateway" => facts.need(object(ResourceKind::KubernetesGateway, namespace, name)),
        _ => {
            if let Some(kind) = ResourceKind::ALL.iter().find(|known| known.as_str() == kind) {
                facts.need(object(*kind, namespace, name));
            }
        }
    }
    if namespace != own.namespace && matches!(kind, "Service" | "Secret" | "ConfigMap") {
        facts.need(Dependency::Grant([own.kind.name(), own.namespace, kind, namespace].map(str::to_owned)));
    }
}

fn grants(subject: &Subject<'_, '_, '_>, facts: &mut Dependencies) {
    let own = subject.resource;
    let spec = own.spec();
    for from in spec.list("from") {
        for to in spec.list("to") {
            if let (Some(kind), Some(namespace), Some(to)) = (
                from.get("kind").and_then(Node::text),
                from.get("namespace").and_then(Node::text),
                to.get("kind").and_then(Node::text),
            ) {
                facts.provides.push(Dependency::Grant([kind, namespace, to, own.namespace].map(str::to_owned)));
            }
        }
    }
}
