//! All manifests together: who is who, found through indexes that are built once.

mod config;
mod hosts;
mod names;
mod policies;
mod settings;
mod workloads;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use foldhash::{HashMap, HashSet};
use rayon::prelude::*;

use crate::document::{Document, Fault, Node, Parsed, Place};
use crate::model::{
    DestinationRule, PeerAuthentication, Resource, ResourceKind, Service, ServiceEntry, VirtualService, Workload,
};
use crate::schema::{self, Problem, ProblemKind, validate};

pub use hosts::{Lookup, Target, covers, full_host, kubernetes_name, meet};
pub use settings::{NEWEST_MINOR, Settings};

/// Where Istio itself lives, and whose policies hold for the whole mesh.
pub const ROOT_NAMESPACE: &str = "istio-system";

/// All manifests.
#[derive(Debug)]
pub struct Mesh<'a> {
    /// In the order in which they were given.
    pub resources: Vec<Resource<'a>>,
    /// The mesh configuration, where one was given.
    pub mesh_config: Option<Node<'a>>,
    /// What the caller says.
    pub settings: &'a Settings,
    /// The files.
    pub files: Vec<&'a Parsed<'a>>,
    by_kind: BTreeMap<ResourceKind, Vec<u32>>,
    by_name: HashMap<(ResourceKind, &'a str, &'a str), Vec<u32>>,
    by_namespace: HashMap<(ResourceKind, &'a str), Vec<u32>>,
    services: HashMap<(&'a str, &'a str), Service<'a>>,
    services_by_label: HashMap<(&'a str, &'a str, &'a str), Vec<Service<'a>>>,
    service_namespaces: HashSet<&'a str>,
    service_files: HashSet<(u32, &'a str)>,
    entries: HashMap<&'a str, Vec<ServiceEntry<'a>>>,
    wildcard_entries: Vec<(&'a str, ServiceEntry<'a>)>,
    rules: HashMap<String, Vec<DestinationRule<'a>>>,
    gateways: HashMap<&'a str, Vec<Resource<'a>>>,
    workloads: Vec<Workload<'a>>,
    workload_namespaces: HashSet<&'a str>,
    workload_files: HashSet<(&'a str, u32)>,
    by_label: HashMap<(&'a str, &'a str, &'a str), Vec<u32>>,
    by_label_anywhere: BTreeMap<(&'a str, &'a str), Vec<u32>>,
    namespaces: HashMap<&'a str, Resource<'a>>,
    peer_authentications: HashMap<&'a str, Vec<PeerAuthentication<'a>>>,
    /// Whether a Helm chart brings more manifests than the files hold.
    has_charts: bool,
    /// Parts of manifests that stand elsewhere: only what they say themselves can be wrong.
    patches: Vec<Resource<'a>>,
    schema_problems: OnceLock<Vec<(Resource<'a>, Problem<'a>)>>,
}

impl<'a> Mesh<'a> {
    /// The mesh of some files. Items of a `List` are manifests like others.
    #[must_use]
    pub fn new(files: impl IntoIterator<Item = &'a Parsed<'a>>, mesh_config: Option<Node<'a>>, settings: &'a Settings) -> Self {
        let mut mesh = Self {
            resources: Vec::new(),
            mesh_config,
            settings,
            files: files.into_iter().collect(),
            by_kind: BTreeMap::new(),
            by_name: HashMap::default(),
            by_namespace: HashMap::default(),
            services: HashMap::default(),
            services_by_label: HashMap::default(),
            service_namespaces: HashSet::default(),
            service_files: HashSet::default(),
            entries: HashMap::default(),
            wildcard_entries: Vec::new(),
            rules: HashMap::default(),
            gateways: HashMap::default(),
            workloads: Vec::new(),
            workload_namespaces: HashSet::default(),
            workload_files: HashSet::default(),
            by_label: HashMap::default(),
            by_label_anywhere: BTreeMap::new(),
            namespaces: HashMap::default(),
            peer_authentications: HashMap::default(),
            has_charts: false,
            patches: Vec::new(),
            schema_problems: OnceLock::new(),
        };
        mesh.has_charts = mesh.files.iter().any(|file| file.mark.is_of_chart);
        let read =
            |document: &'a Document<'a>| manifests(document.root()).filter_map(|root| Resource::read(root, &settings.namespace));
        let resources = mesh
            .files
            .par_iter()
            .flat_map(|file| file.documents.par_iter().flat_map_iter(read).map(|resource| (resource, file.mark.is_patch)));
        let resources: Vec<(Resource<'a>, bool)> = resources.collect();
        for (resource, is_patch) in resources {
            if is_patch { mesh.patches.push(resource) } else { mesh.add(resource) }
        }
        mesh
    }

    fn add(&mut self, resource: Resource<'a>) {
        let Resource { kind, namespace, name, .. } = resource;
        let index = index(self.resources.len());
        self.resources.push(resource);
        self.by_kind.entry(kind).or_default().push(index);
        self.by_name.entry((kind, namespace, name)).or_default().push(index);
        self.by_namespace.entry((kind, namespace)).or_default().push(index);
        match kind {
            ResourceKind::Service => self.add_service(Service(resource)),
            ResourceKind::ServiceEntry => self.add_entry(ServiceEntry(resource)),
            ResourceKind::DestinationRule => {
                let rule = DestinationRule(resource);
                if let Some(host) = rule.host().and_then(Node::text) {
                    self.rules.entry(full_host(host, namespace)).or_default().push(rule);
                }
            }
            ResourceKind::Namespace => drop(self.namespaces.insert(name, resource)),
            ResourceKind::Gateway => self.gateways.entry(name).or_default().push(resource),
            ResourceKind::PeerAuthentication => {
                self.peer_authentications.entry(namespace).or_default().push(PeerAuthentication(resource));
            }
            _ => {}
        }
        if let Some(workload) = Workload::of(resource) {
            self.add_workload(workload);
        }
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

    fn add_workload(&mut self, workload: Workload<'a>) {
        let Resource { namespace, .. } = workload.resource;
        let index = index(self.workloads.len());
        self.workloads.push(workload);
        self.workload_namespaces.insert(namespace);
        self.workload_files.insert((namespace, workload.resource.place().file));
        for (key, value) in workload.labels().iter() {
            if let (Some(key), Some(value)) = (key.text(), value.text()) {
                self.by_label.entry((namespace, key, value)).or_default().push(index);
                self.by_label_anywhere.entry((key, value)).or_default().push(index);
            }
        }
    }

    /// The documents of all files, those that are no manifests included.
    pub fn documents(&self) -> impl Iterator<Item = &'a Document<'a>> + use<'a, '_> {
        self.files.iter().copied().flat_map(|file| &file.documents)
    }

    /// The text at a place.
    #[must_use]
    pub fn text(&self, place: Place) -> Option<&'a str> {
        let text = self.files.get(place.file as usize)?.documents.first()?.text();
        text.get(place.start as usize..place.end as usize)
    }

    /// What is wrong with documents that could not be read.
    pub fn faults(&self) -> impl Iterator<Item = &'a Fault> + use<'a, '_> {
        self.files.iter().copied().flat_map(|file| &file.faults)
    }

    /// What is wrong with the fields of all manifests, looked at once for all rules.
    pub fn schema_problems(&self) -> &[(Resource<'a>, Problem<'a>)] {
        self.schema_problems.get_or_init(|| {
            let of = |resource: &Resource<'a>| {
                let problems = schema::of(resource.kind, resource.api_version).map(|schema| validate(resource.root, schema));
                problems.unwrap_or_default().into_iter().map(|problem| (*resource, problem)).collect::<Vec<_>>()
            };
            let is_called_patch =
                |place: Place| self.files.get(place.file as usize).is_some_and(|file| file.mark.is_called_patch);
            let is_whole = |(resource, problem): &(Resource<'a>, Problem<'a>)| {
                !matches!(problem.kind, ProblemKind::Missing(_)) || !is_called_patch(resource.place())
            };
            let whole = self.resources.par_iter().flat_map_iter(of).filter(is_whole);
            let of_patches = self.patches.par_iter().flat_map_iter(of).filter(|(_, problem)| problem.is_of_patch());
            whole.chain(of_patches).collect()
        })
    }

    /// All Services.
    pub fn services(&self) -> impl Iterator<Item = Service<'a>> + Clone + use<'a, '_> {
        self.of(ResourceKind::Service).map(Service)
    }

    /// All VirtualServices.
    pub fn virtual_services(&self) -> impl Iterator<Item = VirtualService<'a>> + Clone + use<'a, '_> {
        self.of(ResourceKind::VirtualService).map(VirtualService)
    }

    /// All DestinationRules.
    pub fn destination_rules(&self) -> impl Iterator<Item = DestinationRule<'a>> + Clone + use<'a, '_> {
        self.of(ResourceKind::DestinationRule).map(DestinationRule)
    }
}

/// The manifests in a document: itself, or the items of a list of them.
pub fn manifests<'a>(root: Node<'a>) -> impl Iterator<Item = Node<'a>> {
    let is_list = root.get("kind").and_then(Node::text).is_some_and(|kind| kind.ends_with("List"));
    let items = root.get("items").filter(|items| is_list && items.is_sequence());
    let own = items.is_none().then_some(root);
    own.into_iter().chain(items.into_iter().flat_map(Node::items))
}

/// Whether a namespace belongs to Kubernetes itself.
#[must_use]
pub fn is_system_namespace(namespace: &str) -> bool {
    matches!(namespace, "kube-system" | "kube-public" | "kube-node-lease" | "local-path-storage")
}

fn index(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
