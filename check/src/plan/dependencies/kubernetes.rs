//! Namespaces, Services, workloads and what these mount.

use super::{Dependencies, Subject, pairs};
use crate::document::Node;
use crate::model::{ResourceKind, Service, Workload};
use crate::plan::dependency::Dependency;
use crate::plan::mtls::{MtlsFacts, WorkloadTls};

pub(super) fn read(subject: &Subject<'_, '_, '_>, facts: &mut Dependencies) {
    let resource = subject.resource;
    match resource.kind {
        ResourceKind::CustomResourceDefinition => {
            let spec = resource.spec();
            if let (Some(group), Some(kind)) = (spec.str_at(&["group"]), spec.str_at(&["names", "kind"])) {
                facts.provides.push(Dependency::CustomKind(group.to_owned(), kind.to_owned()));
            }
        }
        ResourceKind::Namespace => {
            facts.mtls = MtlsFacts::Namespace { name: resource.name.to_owned(), injects: resource.injects() }
        }
        ResourceKind::Service => service(subject, facts),
        ResourceKind::Ingress => ingress(subject, facts),
        _ => {}
    }
    if let Some(workload) = Workload::of(resource) {
        pods(&workload, facts);
    }
}

fn service(subject: &Subject<'_, '_, '_>, facts: &mut Dependencies) {
    let service = Service(subject.resource);
    facts.mtls = MtlsFacts::Service;
    facts.provides.push(Dependency::Host(service.host()));
    facts.provides.extend(service.ports().filter_map(|port| Some(Dependency::Port(service.host(), port.number()?))));
    // A new one may well come before its pods: a StatefulSet names its Service.
    if let Some(selector) = service.selector().filter(|_| subject.stays) {
        facts.need(Dependency::Pods(subject.resource.namespace.to_owned(), pairs(selector)));
    }
}

fn ingress(subject: &Subject<'_, '_, '_>, facts: &mut Dependencies) {
    let namespace = subject.resource.namespace;
    let spec = subject.resource.spec();
    let paths = spec.list("rules").filter_map(|rule| rule.at(&["http", "paths"])).flat_map(Node::items);
    let backends = paths.filter_map(|path| path.get("backend")).chain(spec.get("defaultBackend"));
    for service in backends.filter_map(|backend| backend.get("service")) {
        if let Some(name) = service.get("name").and_then(Node::text) {
            let host = format!("{name}.{namespace}.svc.cluster.local");
            subject.need_host(facts, &host, service.at(&["port", "number"]).and_then(Node::as_integer));
        }
    }
    spec.list("tls").for_each(|tls| facts.need_object(ResourceKind::Secret, namespace, tls.get("secretName")));
}

fn pods(workload: &Workload<'_>, facts: &mut Dependencies) {
    let namespace = workload.resource.namespace;
    let labels = workload.labels().0.map(pairs).unwrap_or_default();
    facts.mtls = MtlsFacts::Workload(WorkloadTls::read(workload, labels));
    if workload.resource.kind == ResourceKind::StatefulSet {
        facts.need_object(ResourceKind::Service, namespace, workload.resource.spec().get("serviceName"));
    }
    let Some(spec) = workload.pod.get("spec") else { return };
    facts.need_object(ResourceKind::ServiceAccount, namespace, spec.get("serviceAccountName"));
    spec.list("imagePullSecrets").for_each(|secret| facts.need_object(ResourceKind::Secret, namespace, secret.get("name")));
    for volume in spec.list("volumes") {
        mounted(volume, "secretName", namespace, facts);
        let projected = volume.get("projected").into_iter().flat_map(|projected| projected.list("sources"));
        projected.for_each(|source| mounted(source, "name", namespace, facts));
    }
    for container in workload.containers().chain(workload.init_containers()) {
        let values = container.0.list("env").filter_map(|variable| variable.get("valueFrom"));
        for source in values.chain(container.0.list("envFrom")) {
            let references = [
                (ResourceKind::Secret, "secretKeyRef"),
                (ResourceKind::Secret, "secretRef"),
                (ResourceKind::ConfigMap, "configMapKeyRef"),
                (ResourceKind::ConfigMap, "configMapRef"),
            ];
            for (kind, key) in references {
                named(source.get(key), kind, "name", namespace, facts);
            }
        }
    }
}

fn mounted(volume: Node<'_>, secret_key: &str, namespace: &str, facts: &mut Dependencies) {
    named(volume.get("secret"), ResourceKind::Secret, secret_key, namespace, facts);
    named(volume.get("configMap"), ResourceKind::ConfigMap, "name", namespace, facts);
}

fn named(reference: Option<Node<'_>>, kind: ResourceKind, key: &str, namespace: &str, facts: &mut Dependencies) {
    let required = reference.filter(|node| node.get("optional").and_then(Node::as_bool) != Some(true));
    facts.need_object(kind, namespace, required.and_then(|node| node.get(key)));
}
