//! Manifests by kind, namespace and name.

use std::collections::BTreeMap;

use foldhash::HashMap;

use super::{Mesh, index};
use crate::document::Place;
use crate::finding::{Finding, Severity};
use crate::model::{PeerAuthentication, Resource, ResourceKind, Service};

/// Where the manifests of a kind, a namespace and a name stand among all.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    by_kind: BTreeMap<ResourceKind, Vec<u32>>,
    by_name: HashMap<(ResourceKind, &'a str, &'a str), Vec<u32>>,
    by_namespace: HashMap<(ResourceKind, &'a str), Vec<u32>>,
    gateways: HashMap<&'a str, Vec<Resource<'a>>>,
    namespaces: HashMap<&'a str, Resource<'a>>,
    pub(super) peer_authentications: HashMap<&'a str, Vec<PeerAuthentication<'a>>>,
}

impl<'a> Names<'a> {
    pub(super) fn new(resources: &[Resource<'a>]) -> Self {
        let mut names = Self::default();
        for (place, resource) in resources.iter().enumerate() {
            let Resource { kind, namespace, name, .. } = *resource;
            names.by_kind.entry(kind).or_default().push(index(place));
            names.by_name.entry((kind, namespace, name)).or_default().push(index(place));
            names.by_namespace.entry((kind, namespace)).or_default().push(index(place));
            match kind {
                ResourceKind::Namespace => drop(names.namespaces.insert(name, *resource)),
                ResourceKind::Gateway => names.gateways.entry(name).or_default().push(*resource),
                ResourceKind::PeerAuthentication => {
                    names.peer_authentications.entry(namespace).or_default().push(PeerAuthentication(*resource));
                }
                _ => {}
            }
        }
        names
    }
}

impl<'a> Mesh<'a> {
    /// The manifests of a kind, in the order in which they were given.
    pub fn of(&self, kind: ResourceKind) -> impl Iterator<Item = Resource<'a>> + Clone + use<'a, '_> {
        self.indexed(self.names.by_kind.get(&kind).map(Vec::as_slice))
    }

    /// The manifests of a kind in a namespace, in the order in which they were given.
    pub fn in_namespace<'m>(
        &'m self,
        kind: ResourceKind,
        namespace: &'m str,
    ) -> impl Iterator<Item = Resource<'a>> + Clone + use<'a, 'm> {
        self.indexed(self.names.by_namespace.get(&(kind, namespace)).map(Vec::as_slice))
    }

    /// All manifests of this kind, namespace and name: the one that counts, and other versions of it.
    pub fn versions<'m>(
        &'m self,
        kind: ResourceKind,
        namespace: &'m str,
        name: &'m str,
    ) -> impl Iterator<Item = Resource<'a>> + Clone + use<'a, 'm> {
        self.indexed(self.names.by_name.get(&(kind, namespace, name)).map(Vec::as_slice))
    }

    /// Each group of manifests that have kind, namespace and name in common, in the order in which they were given.
    pub fn namesakes(&self) -> impl Iterator<Item = impl Iterator<Item = Resource<'a>> + use<'a, '_>> {
        self.names.by_name.values().filter(|group| group.len() > 1).map(|group| self.indexed(Some(group)))
    }

    fn indexed<'m>(&'m self, indexes: Option<&'m [u32]>) -> impl Iterator<Item = Resource<'a>> + Clone + use<'a, 'm> {
        indexes.unwrap_or_default().iter().filter_map(|index| self.resources.get(*index as usize).copied())
    }

    /// Whether there is a manifest of this kind.
    #[must_use]
    pub fn has(&self, kind: ResourceKind) -> bool {
        self.names.by_kind.contains_key(&kind)
    }

    /// The manifest of this kind and name.
    #[must_use]
    pub fn find(&self, kind: ResourceKind, namespace: &str, name: &str) -> Option<Resource<'a>> {
        self.versions(kind, namespace, name).next()
    }

    /// The manifest that is meant where one in `file` names it: of several with one name that of the same file, else none.
    #[must_use]
    pub fn find_near(&self, kind: ResourceKind, namespace: &str, name: &str, file: u32) -> Option<Resource<'a>> {
        let all = || self.versions(kind, namespace, name);
        if all().count() <= 1 {
            return all().next();
        }
        let mut near = all().filter(|resource| resource.place().file == file);
        near.next().filter(|_| near.next().is_none())
    }

    /// Whether two manifests are to be applied together: both say which namespace they are in, or they stand in one folder. What leaves its
    /// namespace to whoever applies it may belong to other files than those of other folders.
    #[must_use]
    pub fn stand_together(&self, one: &Resource<'_>, other: &Resource<'_>) -> bool {
        one.has_namespace() && other.has_namespace() || self.in_one_folder(one, other)
    }

    /// Whether two places are sure to be applied together: they stand in one file, or one kustomization lists the files of both.
    #[must_use]
    pub fn are_applied_together(&self, one: Place, other: Place) -> bool {
        let listed = |place: Place| self.files.get(place.file as usize).and_then(|file| file.mark.kustomization);
        one.file == other.file || listed(one).is_some_and(|number| listed(other) == Some(number))
    }

    /// A finding about manifests that get in each other's way, as weighty as it is sure that they meet: files of their own may hold
    /// alternatives, of which one is applied at a time.
    #[must_use]
    pub fn weighed(&self, finding: Finding<'a>) -> Finding<'a> {
        match finding.related.iter().any(|related| self.are_applied_together(finding.place, related.place)) {
            true => finding,
            false => finding.of_severity(Severity::Info).likely(),
        }
    }

    /// Whether all versions of a manifest say the same. Of several, nobody knows which one is applied.
    #[must_use]
    pub fn is_undivided(&self, resource: &Resource<'a>) -> bool {
        let mut others = self.versions(resource.kind, resource.namespace, resource.name).filter(|other| other != resource);
        others.all(|other| other.spec().to_json() == resource.spec().to_json())
    }

    /// Whether two manifests stand in files of one folder.
    #[must_use]
    pub fn in_one_folder(&self, one: &Resource<'_>, other: &Resource<'_>) -> bool {
        let folder = |resource: &Resource<'_>| self.files.get(resource.place().file as usize).map(|file| file.mark.folder);
        folder(one) == folder(other)
    }

    /// The Service of this name.
    #[must_use]
    pub fn service(&self, namespace: &str, name: &str) -> Option<Service<'a>> {
        self.hosts.services.get(&(namespace, name)).copied()
    }

    /// Istio's Gateways of this name, in whatever namespace.
    #[must_use]
    pub fn gateways_named(&self, name: &str) -> &[Resource<'a>] {
        self.names.gateways.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// The namespace's own manifest, where it was given.
    #[must_use]
    pub fn namespace(&self, name: &str) -> Option<Resource<'a>> {
        self.names.namespaces.get(name).copied()
    }

    /// Whether a namespace is in ambient mode; `None` where its manifest was not given.
    #[must_use]
    pub fn is_ambient(&self, namespace: &str) -> Option<bool> {
        let labels = self.namespace(namespace)?.labels();
        Some(labels.get("istio.io/dataplane-mode") == Some("ambient"))
    }
}
