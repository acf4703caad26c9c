//! What host names stand for.

use foldhash::{HashMap, HashSet};

use super::{Mesh, is_system_namespace};
use crate::document::{Node, is_placeholder};
use crate::model::{DEFAULT_NAMESPACE, DestinationRule, Resource, ResourceKind, Service, ServiceEntry, ServicePort};

/// What hosts stand for, and what is said of them.
#[derive(Debug, Default)]
pub(super) struct Hosts<'a> {
    pub(super) services: HashMap<(&'a str, &'a str), Service<'a>>,
    /// Each Service under the first label of its selector.
    pub(super) services_by_label: HashMap<(&'a str, &'a str, &'a str), Vec<Service<'a>>>,
    service_namespaces: HashSet<&'a str>,
    service_files: HashSet<(u32, &'a str)>,
    entries: HashMap<&'a str, Vec<ServiceEntry<'a>>>,
    wildcard_entries: Vec<(&'a str, ServiceEntry<'a>)>,
    rules: HashMap<String, Vec<DestinationRule<'a>>>,
}

impl<'a> Hosts<'a> {
    pub(super) fn new(resources: &[Resource<'a>]) -> Self {
        let mut hosts = Self::default();
        for resource in resources {
            match resource.kind {
                ResourceKind::Service => hosts.add_service(Service(*resource)),
                ResourceKind::ServiceEntry => hosts.add_entry(ServiceEntry(*resource)),
                ResourceKind::DestinationRule => hosts.add_rule(DestinationRule(*resource)),
                _ => {}
            }
        }
        hosts
    }

    fn add_service(&mut self, service: Service<'a>) {
        let Resource { namespace, name, .. } = service.0;
        self.services.insert((namespace, name), service);
        self.service_namespaces.insert(namespace);
        self.service_files.insert((service.0.place().file, namespace));
        let first = service.selector().and_then(|selector| selector.entries().next());
        if let Some((Some(key), Some(value))) = first.map(|(key, value)| (key.text(), value.text())) {
            self.services_by_label.entry((namespace, key, value)).or_default().push(service);
        }
    }

    fn add_entry(&mut self, entry: ServiceEntry<'a>) {
        for host in entry.hosts().filter_map(Node::text) {
            match host.strip_prefix('*') {
                Some(suffix) => self.wildcard_entries.push((suffix, entry)),
                None => self.entries.entry(host).or_default().push(entry),
            }
        }
    }

    fn add_rule(&mut self, rule: DestinationRule<'a>) {
        if let Some(host) = rule.host().and_then(Node::text) {
            self.rules.entry(full_host(host, rule.0.namespace)).or_default().push(rule);
        }
    }
}

/// What a host name stands for.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// A Service of Kubernetes.
    Service(Service<'a>),
    /// A ServiceEntry, by name or by wildcard.
    Entry(ServiceEntry<'a>),
}

/// The answer to what a host name stands for.
#[derive(Debug, Clone)]
pub enum Lookup<'a> {
    /// These; never empty.
    Found(Vec<Target<'a>>),
    /// Nothing, although the files hold what is next to it.
    Missing,
    /// Nothing, and it may well be elsewhere.
    Elsewhere,
}

impl<'a> Target<'a> {
    /// Its manifest.
    #[must_use]
    pub const fn resource(&self) -> Resource<'a> {
        match self {
            Self::Service(Service(resource)) | Self::Entry(ServiceEntry(resource)) => *resource,
        }
    }

    /// The numbers of its ports.
    #[must_use]
    pub fn ports(&self) -> Vec<i64> {
        match self {
            Self::Service(service) => service.ports().filter_map(ServicePort::number).collect(),
            Self::Entry(entry) => entry.ports().filter_map(|port| port.get("number").and_then(Node::as_integer)).collect(),
        }
    }
}

impl<'a> Lookup<'a> {
    /// What is there and seen where the rules of a VirtualService hold: in its namespace, or in those that it is exported to.
    #[must_use]
    pub fn visible_to(self, rules: &Resource<'a>) -> Vec<Target<'a>> {
        let Self::Found(mut targets) = self else { return Vec::new() };
        let listed = || rules.export_to().filter(|namespace| *namespace != "*");
        targets.retain(|target| {
            let target = target.resource();
            if listed().next().is_none() {
                target.is_visible_in(rules.namespace)
            } else {
                listed().any(|at| target.is_visible_in(at))
            }
        });
        targets
    }
}

impl<'a> Mesh<'a> {
    /// What a host name stands for, as it is written in a manifest of `namespace`.
    #[must_use]
    pub fn host(&self, host: &str, namespace: &str) -> Lookup<'a> {
        let full = full_host(host, namespace);
        let mut found: Vec<_> = self.service_of_host(&full).map(Target::Service).into_iter().collect();
        found.extend(self.hosts.entries.get(full.as_str()).into_iter().flatten().copied().map(Target::Entry));
        let covers = |suffix: &&str| full.len() > suffix.len() && full.ends_with(*suffix);
        found.extend(
            self.hosts.wildcard_entries.iter().filter(|(suffix, _)| covers(suffix)).map(|(_, entry)| Target::Entry(*entry)),
        );
        match kubernetes_name(&full) {
            _ if !found.is_empty() => Lookup::Found(found),
            _ if is_placeholder(&full) => Lookup::Elsewhere,
            // What Istio and Kubernetes install themselves is in nobody's files.
            Some((_, namespace)) if namespace == self.root_namespace() || is_system_namespace(namespace) => Lookup::Elsewhere,
            Some((_, namespace)) if self.hosts.service_namespaces.contains(namespace) => Lookup::Missing,
            _ => Lookup::Elsewhere,
        }
    }

    /// The Service that a full host name stands for.
    #[must_use]
    pub fn service_of_host(&self, host: &str) -> Option<Service<'a>> {
        let (name, namespace) = kubernetes_name(host)?;
        self.service(namespace, name)
    }

    /// The DestinationRules for exactly this host, from any namespace.
    #[must_use]
    pub fn rules_of_host(&self, host: &str, namespace: &str) -> &[DestinationRule<'a>] {
        self.hosts.rules.get(&full_host(host, namespace)).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether the Services of a namespace are to be expected beside a manifest that means one of them: it says which namespace it is in, or
    /// stands in a file with some of them. One that leaves its namespace to whoever applies it may belong to other files, and the default
    /// namespace is where everybody tries things. Where charts are installed, any Service may be from one.
    #[must_use]
    pub fn expects_services(&self, resource: &Resource<'_>, namespace: &str) -> bool {
        namespace != DEFAULT_NAMESPACE && !self.has_charts && (resource.has_namespace() || resource.namespace != namespace)
            || self.hosts.service_files.contains(&(resource.place().file, namespace))
    }
}

/// A host as Istio completes it: only a name without a dot gets the namespace of the manifest that it stands in.
#[must_use]
pub fn full_host(host: &str, namespace: &str) -> String {
    if host.contains('.') || host.starts_with('*') { host.to_owned() } else { format!("{host}.{namespace}.svc.cluster.local") }
}

/// Whether a host is covered by a pattern: itself, `*`, or `*.` before a suffix of it. A wildcard is covered by a wider one.
#[must_use]
pub fn covers(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some("") => true,
        Some(suffix) => host.len() > suffix.len() && host.strip_prefix('*').unwrap_or(host).ends_with(suffix),
        None => pattern.eq_ignore_ascii_case(host),
    }
}

/// Whether some host is covered by both.
#[must_use]
pub fn meet(one: &str, other: &str) -> bool {
    covers(one, other) || covers(other, one)
}

/// Name and namespace of the Service that a full host name stands for.
#[must_use]
pub fn kubernetes_name(host: &str) -> Option<(&str, &str)> {
    host.strip_suffix(".svc.cluster.local")?.split_once('.').filter(|(_, namespace)| !namespace.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_meet_as_istio_matches_them() {
        assert!(covers("*", "a.b") && covers("*.b", "a.b") && covers("*.b", "*.a.b") && covers("a.b", "a.b"));
        assert!(!covers("*.b", "b") && !covers("*.a.b", "*.b") && !covers("a.b", "*.b"));
        assert!(meet("*.a.b", "*.b") && meet("a.b", "*") && !meet("a.c", "*.b"));
    }
}
