//! Workloads by their labels, and whether their pods have a proxy.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashSet};

use super::{Mesh, index};
use crate::document::{Node, Place};
use crate::model::{Labels, Resource, Service, Workload, selects};

/// Workloads, and where those of a label stand among all.
#[derive(Debug, Default)]
pub(super) struct Workloads<'a> {
    all: Vec<Workload<'a>>,
    namespaces: HashSet<&'a str>,
    files: HashSet<(&'a str, u32)>,
    by_label: HashMap<(&'a str, &'a str, &'a str), Vec<u32>>,
    by_label_anywhere: HashMap<(&'a str, &'a str), Vec<u32>>,
    label_keys: HashSet<&'a str>,
}

impl<'a> Workloads<'a> {
    pub(super) fn new(resources: &[Resource<'a>]) -> Self {
        let mut workloads = Self { all: resources.iter().copied().filter_map(Workload::of).collect(), ..Self::default() };
        for (place, workload) in workloads.all.iter().enumerate() {
            let Resource { namespace, .. } = workload.resource;
            workloads.namespaces.insert(namespace);
            workloads.files.insert((namespace, workload.resource.place().file));
            for (key, value) in workload.labels().iter() {
                if let (Some(key), Some(value)) = (key.text(), value.text()) {
                    workloads.by_label.entry((namespace, key, value)).or_default().push(index(place));
                    workloads.by_label_anywhere.entry((key, value)).or_default().push(index(place));
                    workloads.label_keys.insert(key);
                }
            }
        }
        workloads
    }
}

impl<'a> Mesh<'a> {
    /// All workloads.
    #[must_use]
    pub fn workloads(&self) -> &[Workload<'a>] {
        &self.workloads.all
    }

    /// Whether the files hold workloads of this namespace.
    #[must_use]
    pub fn has_workloads(&self, namespace: &str) -> bool {
        self.workloads.namespaces.contains(namespace)
    }

    /// Whether a file holds workloads of this namespace.
    #[must_use]
    pub fn has_workloads_in_file(&self, namespace: &str, file: u32) -> bool {
        self.workloads.files.contains(&(namespace, file))
    }

    /// Whether a workload of any namespace has a label of this key.
    #[must_use]
    pub fn has_label_key(&self, key: &str) -> bool {
        self.workloads.label_keys.contains(key)
    }

    /// The workloads of a namespace that a mapping of labels selects; all of them where it is empty.
    #[must_use]
    pub fn selected(&self, namespace: &str, selector: Node<'_>) -> Vec<Workload<'a>> {
        let rarest = selector.entries().map(|(key, value)| match (key.text(), value.text()) {
            (Some(key), Some(value)) => {
                self.workloads.by_label.get(&(namespace, key, value)).map(Vec::as_slice).unwrap_or_default()
            }
            _ => &[],
        });
        match rarest.min_by_key(|workloads| workloads.len()) {
            Some(indexes) => self.matching(indexes, selector),
            None => self.workloads.all.iter().filter(|workload| workload.resource.namespace == namespace).copied().collect(),
        }
    }

    /// The workloads that a mapping of labels selects, in every namespace.
    #[must_use]
    pub fn selected_anywhere(&self, selector: Node<'_>) -> Vec<Workload<'a>> {
        let rarest = selector.entries().map(|(key, value)| match (key.text(), value.text()) {
            (Some(key), Some(value)) => {
                self.workloads.by_label_anywhere.get(&(key, value)).map(Vec::as_slice).unwrap_or_default()
            }
            _ => &[],
        });
        match rarest.min_by_key(|workloads| workloads.len()) {
            Some(indexes) => self.matching(indexes, selector),
            None => self.workloads.all.clone(),
        }
    }

    fn matching(&self, indexes: &[u32], selector: Node<'_>) -> Vec<Workload<'a>> {
        let candidates = indexes.iter().filter_map(|index| self.workloads.all.get(*index as usize).copied());
        candidates.filter(|workload| selects(selector, workload.labels())).collect()
    }

    /// The workloads of a Service.
    #[must_use]
    pub fn workloads_of(&self, service: Service<'a>) -> Vec<Workload<'a>> {
        service.selector().map(|selector| self.selected(service.0.namespace, selector)).unwrap_or_default()
    }

    /// The Services that select these labels in a namespace.
    pub fn services_of<'m>(&'m self, namespace: &'m str, labels: Labels<'a>) -> impl Iterator<Item = Service<'a>> + use<'a, 'm> {
        // Each Service stands under the first label of its selector only, so none comes twice.
        let candidates = labels.iter().filter_map(move |(key, value)| {
            self.hosts.services_by_label.get(&(namespace, key.text()?, value.text()?)).map(Vec::as_slice)
        });
        candidates.flatten().copied().filter(move |service| service.selects(labels))
    }

    /// The workloads that Services select, each with these Services; found once for all rules.
    pub fn services_by_workload(&self) -> &[(Workload<'a>, Vec<Service<'a>>)] {
        self.services_by_workload.get_or_init(|| {
            let mut pairs: BTreeMap<Place, (Workload<'a>, Vec<Service<'a>>)> = BTreeMap::new();
            for service in self.services() {
                for workload in self.workloads_of(service) {
                    pairs.entry(workload.resource.place()).or_insert_with(|| (workload, Vec::new())).1.push(service);
                }
            }
            pairs.into_values().collect()
        })
    }

    /// Whether the pods of a workload have a proxy; `None` where no file says.
    #[must_use]
    pub fn has_proxy(&self, workload: &Workload<'a>) -> Option<bool> {
        workload.proxy().map(|_| true).or_else(|| self.is_injected(workload))
    }

    /// Whether the webhook gives the pods of a workload a proxy, whatever their template holds; `None` where no file says.
    #[must_use]
    pub fn is_injected(&self, workload: &Workload<'a>) -> Option<bool> {
        workload.asks_for_proxy().or_else(|| self.namespace(workload.resource.namespace).map(|namespace| namespace.injects()))
    }
}
