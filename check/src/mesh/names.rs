//! Manifests by kind, namespace and name.

use super::Mesh;
use crate::model::{Kind, Resource, Service};

impl<'a> Mesh<'a> {
    /// The manifests of a kind, in the order in which they were given.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = Resource<'a>> + Clone + use<'a, '_> {
        self.indexed(self.by_kind.get(&kind).map(Vec::as_slice))
    }

    /// The manifests of a kind in a namespace, in the order in which they were given.
    pub fn in_namespace<'m>(
        &'m self,
        kind: Kind,
        namespace: &'m str,
    ) -> impl Iterator<Item = Resource<'a>> + Clone + use<'a, 'm> {
        self.indexed(self.by_namespace.get(&(kind, namespace)).map(Vec::as_slice))
    }

    /// All manifests of this kind, namespace and name: the one that counts, and other versions of it.
    pub fn versions<'m>(
        &'m self,
        kind: Kind,
        namespace: &'m str,
        name: &'m str,
    ) -> impl Iterator<Item = Resource<'a>> + Clone + use<'a, 'm> {
        self.indexed(self.by_name.get(&(kind, namespace, name)).map(Vec::as_slice))
    }

    fn indexed<'m>(&'m self, indexes: Option<&'m [u32]>) -> impl Iterator<Item = Resource<'a>> + Clone + use<'a, 'm> {
        indexes.unwrap_or_default().iter().filter_map(|index| self.resources.get(*index as usize).copied())
    }

    /// Whether there is a manifest of this kind.
    #[must_use]
    pub fn has(&self, kind: Kind) -> bool {
        self.by_kind.contains_key(&kind)
    }

    /// The manifest of this kind and name.
    #[must_use]
    pub fn find(&self, kind: Kind, namespace: &str, name: &str) -> Option<Resource<'a>> {
        self.versions(kind, namespace, name).next()
    }

    /// The manifest that is meant where one in `file` names it: of several with one name that of the same file, else none.
    #[must_use]
    pub fn find_near(&self, kind: Kind, namespace: &str, name: &str, file: u32) -> Option<Resource<'a>> {
        let all = || self.versions(kind, namespace, name);
        if all().count() <= 1 {
            return all().next();
        }
        let mut near = all().filter(|resource| resource.place().file == file);
        near.next().filter(|_| near.next().is_none())
    }

    /// The Service of this name.
    #[must_use]
    pub fn service(&self, namespace: &str, name: &str) -> Option<Service<'a>> {
        self.services.get(&(namespace, name)).copied()
    }

    /// Istio's Gateways of this name, in whatever namespace.
    #[must_use]
    pub fn gateways_named(&self, name: &str) -> &[Resource<'a>] {
        self.gateways.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// The namespace's own manifest, where it was given.
    #[must_use]
    pub fn namespace(&self, name: &str) -> Option<Resource<'a>> {
        self.namespaces.get(name).copied()
    }

    /// Whether a namespace is in ambient mode; `None` where its manifest was not given.
    #[must_use]
    pub fn is_ambient(&self, namespace: &str) -> Option<bool> {
        let labels = self.namespace(namespace)?.labels();
        Some(labels.get("istio.io/dataplane-mode") == Some("ambient"))
    }
}
