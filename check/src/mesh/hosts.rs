//! What host names stand for.

use super::{Mesh, is_system_namespace};
use crate::document::{Node, is_placeholder};
use crate::model::{DEFAULT_NAMESPACE, DestinationRule, Resource, Service, ServiceEntry, ServicePort};

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
        found.extend(self.entries.get(full.as_str()).into_iter().flatten().copied().map(Target::Entry));
        let covers = |suffix: &&str| full.len() > suffix.len() && full.ends_with(*suffix);
        found.extend(self.wildcard_entries.iter().filter(|(suffix, _)| covers(suffix)).map(|(_, entry)| Target::Entry(*entry)));
        match kubernetes_name(&full) {
            _ if !found.is_empty() => Lookup::Found(found),
            _ if is_placeholder(&full) => Lookup::Elsewhere,
            // What Istio and Kubernetes install themselves is in nobody's files.
            Some((_, namespace)) if namespace == self.root_namespace() || is_system_namespace(namespace) => Lookup::Elsewhere,
            Some((_, namespace)) if self.service_namespaces.contains(namespace) => Lookup::Missing,
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
        self.rules.get(&full_host(host, namespace)).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether the Services of a namespace are to be expected beside a manifest that means one of them: it says which namespace it is in, or
    /// stands in a file with some of them. One that leaves its namespace to whoever applies it may belong to other files, and the default
    /// namespace is where everybody tries things. Where charts are installed, any Service may be from one.
    #[must_use]
    pub fn expects_services(&self, resource: &Resource<'_>, namespace: &str) -> bool {
        namespace != DEFAULT_NAMESPACE && !self.has_charts && (resource.has_namespace() || resource.namespace != namespace)
            || self.service_files.contains(&(resource.place().file, namespace))
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
