//! All manifests together: who is who, found through indexes that are built once.

use std::collections::{BTreeMap, HashMap};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::OnceLock;

use rayon::prelude::*;

use crate::document::{Document, Fault, Node, Parsed, Place};
use crate::model::{
    DestinationRule, Kind, Labels, PeerAuthentication, Resource, Service, ServiceEntry, ServicePort, VirtualService, Workload,
    selects,
};
use crate::schema::{self, Problem, validate};

/// Where Istio itself lives, and whose policies hold for the whole mesh.
pub const ROOT_NAMESPACE: &str = "istio-system";

/// What the caller says about the mesh.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The namespace of manifests that name none.
    pub namespace: String,
    /// The version of Istio, as minor release (30 for 1.30); the newest that is known where it is `None`.
    pub istio_minor: Option<u32>,
    /// Seconds since 1970 at which certificates have to be valid; validity is not looked at where it is `None`.
    pub now: Option<i64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { namespace: crate::model::DEFAULT_NAMESPACE.to_owned(), istio_minor: None, now: None }
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
            Self::Entry(entry) => entry.ports().filter_map(|port| port.get("number")?.as_integer()).collect(),
        }
    }
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
    pub files: &'a [Parsed<'a>],
    by_kind: BTreeMap<Kind, Vec<u32>>,
    services: HashMap<(&'a str, &'a str), Service<'a>>,
    service_namespaces: HashMap<&'a str, u32>,
    entries: HashMap<&'a str, Vec<ServiceEntry<'a>>>,
    wildcard_entries: Vec<(&'a str, ServiceEntry<'a>)>,
    rules: HashMap<String, Vec<DestinationRule<'a>>>,
    workloads: Vec<Workload<'a>>,
    by_label: HashMap<(&'a str, &'a str, &'a str), Vec<u32>>,
    namespaces: HashMap<&'a str, Resource<'a>>,
    schema_problems: OnceLock<Vec<(Resource<'a>, Problem<'a>)>>,
    by_name: HashMap<(Kind, &'a str, &'a str), Resource<'a>>,
    by_name: HashMap<(Kind, &'a str, &'a str), Vec<u32>>,
    service_files: HashSet<(u32, &'a str)>,
    by_namespace: HashMap<(Kind, &'a str), Vec<u32>>,
    gateways: HashMap<&'a str, Vec<Resource<'a>>>,
    by_name: HashMap<(Kind, &'a str, &'a str), u32>,
    repeated: HashMap<(Kind, &'a str, &'a str), Vec<u32>>,
    by_label_anywhere: HashMap<(&'a str, &'a str), Vec<u32>>,
    peer_authentications: HashMap<&'a str, Vec<PeerAuthentication<'a>>>,
    workload_namespaces: HashSet<&'a str>,
    workload_files: HashSet<(&'a str, u32)>,
    by_label_anywhere: BTreeMap<(&'a str, &'a str), Vec<u32>>,
    services_by_label: HashMap<(&'a str, &'a str, &'a str), Vec<Service<'a>>>,
}

impl<'a> Mesh<'a> {
    /// The mesh of some files. Items of a `List` are manifests like others.
    #[must_use]
    pub fn new(files: &'a [Parsed<'a>], mesh_config: Option<Node<'a>>, settings: &'a Settings) -> Self {
        let mut mesh = Self {
            resources: Vec::new(),
            mesh_config,
            settings,
            files,
            by_kind: BTreeMap::new(),
            services: HashMap::new(),
            service_namespaces: HashMap::new(),
            entries: HashMap::new(),
            wildcard_entries: Vec::new(),
            rules: HashMap::new(),
            workloads: Vec::new(),
            by_label: HashMap::new(),
            namespaces: HashMap::new(),
            schema_problems: OnceLock::new(),
            by_name: HashMap::new(),
            service_files: HashSet::new(),
            by_namespace: HashMap::new(),
            gateways: HashMap::new(),
            repeated: HashMap::new(),
            by_label_anywhere: HashMap::new(),
            peer_authentications: HashMap::new(),
            workload_namespaces: HashSet::new(),
            workload_files: HashSet::new(),
            by_label_anywhere: BTreeMap::new(),
            services_by_label: HashMap::new(),
        };
        for root in mesh.documents().flat_map(|document| manifests(document.root())) {
            if let Some(resource) = Resource::read(root, &settings.namespace) {
                mesh.add(resource);
            }
        }
        mesh
    }

    fn add(&mut self, resource: Resource<'a>) {
        let index = index(self.resources.len());
        self.resources.push(resource);
        self.by_kind.entry(resource.kind).or_default().push(index);
        self.by_name.entry((resource.kind, resource.namespace, resource.name)).or_default().push(index);
        self.by_namespace.entry((resource.kind, resource.namespace)).or_default().push(index);
        self.by_name.insert((resource.kind, resource.namespace, resource.name), index);
        let name = (resource.kind, resource.namespace, resource.name);
        if let Some(former) = self.by_name.insert(name, index) {
            self.repeated.entry(name).or_insert_with(|| vec![former]).push(index);
        }
        match resource.kind {
            Kind::Service => {
                self.services.insert((resource.namespace, resource.name), Service(resource));
                self.service_files.insert((resource.place().file, resource.namespace));
                *self.service_namespaces.entry(resource.namespace).or_default() += 1;
                let first = Service(resource).selector().and_then(|selector| selector.entries().next());
                if let Some((Some(key), Some(value))) = first.map(|(key, value)| (key.text(), value.text())) {
                    self.services_by_label.entry((resource.namespace, key, value)).or_default().push(Service(resource));
                }
            }
            Kind::ServiceEntry => {
                let entry = ServiceEntry(resource);
                for host in entry.hosts().filter_map(Node::text) {
                    match host.strip_prefix('*') {
                        Some(suffix) => self.wildcard_entries.push((suffix, entry)),
                        None => self.entries.entry(host).or_default().push(entry),
                    }
                }
            }
            Kind::DestinationRule => {
                let rule = DestinationRule(resource);
                if let Some(host) = rule.host().and_then(Node::text) {
                    self.rules.entry(full_host(host, resource.namespace)).or_default().push(rule);
                }
            }
            Kind::Gateway => self.gateways.entry(resource.name).or_default().push(resource),
            Kind::PeerAuthentication => {
                self.peer_authentications.entry(resource.namespace).or_default().push(PeerAuthentication(resource));
            }
            Kind::Namespace => {
                self.namespaces.insert(resource.name, resource);
            }
            Kind::PeerAuthentication => {
                self.peer_authentications.entry(resource.namespace).or_default().push(PeerAuthentication(resource));
            }
            _ => {}
        }
        if let Some(workload) = Workload::of(resource) {
            let index = self::index(self.workloads.len());
            self.workloads.push(workload);
            self.workload_namespaces.insert(resource.namespace);
            self.workload_files.insert((resource.namespace, resource.place().file));
            for (key, value) in workload.labels().iter() {
                if let (Some(key), Some(value)) = (key.text(), value.text()) {
                    self.by_label.entry((resource.namespace, key, value)).or_default().push(index);
                    self.by_label_anywhere.entry((key, value)).or_default().push(index);
                }
            }
        }
    }

    /// The documents of all files, those that are no manifests included.
    pub fn documents(&self) -> impl Iterator<Item = &'a Document<'a>> + use<'a> {
        self.files.iter().flat_map(|file| &file.documents)
    }

    /// The text at a place.
    #[must_use]
    pub fn text(&self, place: Place) -> Option<&'a str> {
        let text = self.files.get(place.file as usize)?.documents.first()?.text();
        text.get(place.start as usize..place.end as usize)
    }

    /// What is wrong with documents that could not be read.
    pub fn faults(&self) -> impl Iterator<Item = &'a Fault> + use<'a> {
        self.files.iter().flat_map(|file| &file.faults)
    }

    /// What is wrong with the fields of all manifests, looked at once for all rules.
    pub fn schema_problems(&self) -> &[(Resource<'a>, Problem<'a>)] {
        self.schema_problems.get_or_init(|| {
            let of = |resource: &Resource<'a>| {
                let problems = schema::of(resource.kind, resource.api_version).map(|schema| validate(resource.root, schema));
                problems.unwrap_or_default().into_iter().map(|problem| (*resource, problem)).collect::<Vec<_>>()
            };
            self.resources.par_iter().flat_map_iter(of).collect()
        })
    }

    /// The manifests of a kind, in the order in which they were given.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = Resource<'a>> + Clone + use<'a, '_> {
        let indexes = self.by_kind.get(&kind).map(Vec::as_slice).unwrap_or_default();
        indexes.iter().filter_map(|index| self.resources.get(*index as usize).copied())
    }

    /// Whether there is a manifest of this kind.
    #[must_use]
    pub fn has(&self, kind: Kind) -> bool {
        self.by_kind.contains_key(&kind)
    }

    /// The manifest of this kind and name.
    #[must_use]
    pub fn find(&self, kind: Kind, namespace: &str, name: &str) -> Option<Resource<'a>> {
        let index = self.by_name.get(&(kind, namespace, name))?.first()?;
        let index = self.by_name.get(&(kind, namespace, name))?;
        self.resources.get(*index as usize).copied()
    }

    /// The Service of this name.
    #[must_use]
    pub fn service(&self, namespace: &str, name: &str) -> Option<Service<'a>> {
        self.services.get(&(namespace, name)).copied()
    }

    /// All Services.
    pub fn services(&self) -> impl Iterator<Item = Service<'a>> + Clone + use<'a, '_> {
        self.of(Kind::Service).map(Service)
    }

    /// All VirtualServices.
    pub fn virtual_services(&self) -> impl Iterator<Item = VirtualService<'a>> + Clone + use<'a, '_> {
        self.of(Kind::VirtualService).map(VirtualService)
    }

    /// All DestinationRules.
    pub fn destination_rules(&self) -> impl Iterator<Item = DestinationRule<'a>> + Clone + use<'a, '_> {
        self.of(Kind::DestinationRule).map(DestinationRule)
    }

    /// All workloads.
    #[must_use]
    pub fn workloads(&self) -> &[Workload<'a>] {
        &self.workloads
    }

    /// The namespace's own manifest, where it was given.
    #[must_use]
    pub fn namespace(&self, name: &str) -> Option<Resource<'a>> {
        self.namespaces.get(name).copied()
    }

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
            Some((_, namespace)) if self.service_namespaces.contains_key(namespace) => Lookup::Missing,
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

    /// The workloads of a namespace that a mapping of labels selects; all of them where it is empty.
    #[must_use]
    pub fn selected(&self, namespace: &str, selector: Node<'_>) -> Vec<Workload<'a>> {
        let rarest = selector.entries().map(|(key, value)| match (key.text(), value.text()) {
            (Some(key), Some(value)) => self.by_label.get(&(namespace, key, value)).map(Vec::as_slice).unwrap_or_default(),
            _ => &[],
        });
        match rarest.min_by_key(|workloads| workloads.len()) {
            Some(indexes) => {
                let candidates = indexes.iter().filter_map(|index| self.workloads.get(*index as usize).copied());
                candidates.filter(|workload| selects(selector, workload.labels())).collect()
            }
            None => self.workloads.iter().filter(|workload| workload.resource.namespace == namespace).copied().collect(),
        }
    }

    /// The workloads that a mapping of labels selects, in every namespace.
    #[must_use]
    pub fn selected_anywhere(&self, selector: Node<'_>) -> Vec<Workload<'a>> {
        let rarest = selector.entries().map(|(key, value)| match (key.text(), value.text()) {
            (Some(key), Some(value)) => self.by_label_anywhere.get(&(key, value)).map(Vec::as_slice).unwrap_or_default(),
            _ => &[],
        });
        match rarest.min_by_key(|workloads| workloads.len()) {
            Some(indexes) => {
                let candidates = indexes.iter().filter_map(|index| self.workloads.get(*index as usize).copied());
                candidates.filter(|workload| selects(selector, workload.labels())).collect()
            }
            None => self.workloads.clone(),
        }
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
            self.services_by_label.get(&(namespace, key.text()?, value.text()?)).map(Vec::as_slice)
        });
        candidates.flatten().copied().filter(move |service| service.selects(labels))
    }

    /// Whether the pods of a workload have a proxy; `None` where no file says.
    ///
    /// Labels of the pod before those of the namespace, and a label before an annotation, as the webhook decides: see
    /// `pkg/kube/inject/webhook.go`, 1.30.
    #[must_use]
    pub fn has_proxy(&self, workload: &Workload<'a>) -> Option<bool> {
        if workload.proxy().is_some() {
            return Some(true);
        }
        self.is_injected(workload)
    }

    /// The PeerAuthentication that decides for a port of a workload: its own, else the namespace's, else the mesh's. `None` where none of
    /// those given decides.
    #[must_use]
    pub fn peer_authentication(&self, workload: &Workload<'a>, port: i64) -> Option<PeerAuthentication<'a>> {
        let all = |namespace: &str| self.peer_authentications.get(namespace).into_iter().flatten().copied();
        let namespace = workload.resource.namespace;
        let decides = |policy: &PeerAuthentication<'a>| policy.mode_of_port(port).is_some();
        let own = all(namespace).find(|policy| {
            let selector = policy.0.selector();
            selector.is_some_and(|selector| selects(selector, workload.labels())) && decides(policy)
        });
        let of_namespace = |wanted: &str| all(wanted).find(|policy| policy.0.selector().is_none() && decides(policy));
        own.or_else(|| of_namespace(namespace)).or_else(|| of_namespace(ROOT_NAMESPACE))
    }

    /// Whether the webhook gives the pods of a workload a proxy, whatever their template holds; `None` where no file says.
    #[must_use]
    pub fn is_injected(&self, workload: &Workload<'a>) -> Option<bool> {
        if workload.pod.at(&["spec", "hostNetwork"]).and_then(Node::as_bool) == Some(true) {
            return Some(false);
        }
        let (labels, annotations) = (workload.labels(), workload.annotations());
        let own = labels.get("sidecar.istio.io/inject").or_else(|| annotations.get("sidecar.istio.io/inject"));
        match own {
            Some("false") => return Some(false),
            Some("true") => return Some(true),
            _ => {}
        }
        if labels.get("istio.io/rev").is_some() {
            return Some(true);
        }
        let namespace = self.namespace(workload.resource.namespace)?.labels();
        match namespace.get("istio-injection") {
            Some("enabled") => Some(true),
            Some("disabled") => Some(false),
            _ => Some(namespace.get("istio.io/rev").is_some()),
        }
    }

    /// The PeerAuthentication that decides for a port of a workload: its own, else the namespace's, else the mesh's. `None` where none of
    /// those given decides.
    #[must_use]
    pub fn peer_authentication(&self, workload: &Workload<'a>, port: i64) -> Option<PeerAuthentication<'a>> {
        let of = |namespace: &str| self.peer_authentications_of(namespace).iter().copied();
        let namespace = workload.resource.namespace;
        let own = of(namespace).find(|policy| {
            let selector = policy.0.selector();
            selector.is_some_and(|selector| selects(selector, workload.labels())) && policy.mode_of_port(port).is_some()
        });
        let of_namespace =
            |wanted: &str| of(wanted).find(|policy| policy.0.selector().is_none() && policy.mode_of_port(port).is_some());
        own.or_else(|| of_namespace(namespace)).or_else(|| of_namespace(ROOT_NAMESPACE))
    }

    /// All manifests of this kind, namespace and name: the one that counts, and other versions of it.
    pub fn versions<'s>(
        &'s self,
        kind: Kind,
        namespace: &'s str,
        name: &'s str,
    ) -> impl Iterator<Item = Resource<'a>> + use<'a, 's> {
        let indexes = self.by_name.get(&(kind, namespace, name)).map(Vec::as_slice).unwrap_or_default();
        indexes.iter().filter_map(|index| self.resources.get(*index as usize).copied())
    }

    /// Whether the Services of a namespace are to be expected beside a manifest that means one of them: it says which namespace it is in, or
    /// stands in a file with some of them. One that leaves its namespace to whoever applies it may belong to other files.
    #[must_use]
    pub fn expects_services(&self, resource: &Resource<'_>, namespace: &str) -> bool {
        resource.has_namespace()
            || resource.namespace != namespace
            || self.service_files.contains(&(resource.place().file, namespace))
    }

    /// Istio's Gateways of this name, in whatever namespace.
    #[must_use]
    pub fn gateways_named(&self, name: &str) -> &[Resource<'a>] {
        self.gateways.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// The manifests of a kind in a namespace, in order.
    pub fn in_namespace<'s>(&'s self, kind: Kind, namespace: &'s str) -> impl Iterator<Item = Resource<'a>> + use<'a, 's> {
    }

    /// The manifests of a kind in a namespace, in the order in which they were given.
    pub fn in_namespace<'m>(
        &'m self,
        kind: Kind,
        namespace: &'m str,
    ) -> impl Iterator<Item = Resource<'a>> + Clone + use<'a, 'm> {
        let indexes = self.by_namespace.get(&(kind, namespace)).map(Vec::as_slice).unwrap_or_default();
        indexes.iter().filter_map(|index| self.resources.get(*index as usize).copied())
    }

    /// The workloads that Services select, each with these Services.
    ///
    /// # Cost
    /// One look-up for each Service: call it once, not for each workload.
    pub fn services_by_workload(&self) -> Vec<(Workload<'a>, Vec<Service<'a>>)> {
        let mut pairs: BTreeMap<crate::document::Place, (Workload<'a>, Vec<Service<'a>>)> = BTreeMap::new();
        for service in self.services() {
            for workload in self.workloads_of(service) {
                pairs.entry(workload.resource.place()).or_insert_with(|| (workload, Vec::new())).1.push(service);
            }
        }
        pairs.into_values().collect()
    }

    /// The manifest that is meant where one in `file` names it: of several with one name that of the same file, else none.
    #[must_use]
    pub fn find_near(&self, kind: Kind, namespace: &str, name: &str, file: u32) -> Option<Resource<'a>> {
        let Some(indexes) = self.repeated.get(&(kind, namespace, name)) else { return self.find(kind, namespace, name) };
        let all = indexes.iter().filter_map(|index| self.resources.get(*index as usize).copied());
        let mut near = all.filter(|resource| resource.place().file == file);
        near.next().filter(|_| near.next().is_none())
    }

    /// The PeerAuthentications of a namespace.
    #[must_use]
    pub fn peer_authentications_of(&self, namespace: &str) -> &[PeerAuthentication<'a>] {
        self.peer_authentications.get(namespace).map(Vec::as_slice).unwrap_or_default()
    }

    /// The PeerAuthentication without selector that decides for a namespace: its own, else the mesh's.
    #[must_use]
    pub fn peer_authentication_of_namespace(&self, namespace: &str) -> Option<PeerAuthentication<'a>> {
        let of = |wanted: &str| {
            let mut all = self.peer_authentications_of(wanted).iter().copied();
            all.find(|policy| policy.0.selector().is_none() && policy.mode().is_some())
        };
        of(namespace).or_else(|| of(ROOT_NAMESPACE))
    }

    /// Whether the files hold workloads of this namespace.
    #[must_use]
    pub fn has_workloads(&self, namespace: &str) -> bool {
        self.workload_namespaces.contains(namespace)
    }

    /// Whether a file holds workloads of this namespace.
    #[must_use]
    pub fn has_workloads_in_file(&self, namespace: &str, file: u32) -> bool {
        self.workload_files.contains(&(namespace, file))
    }

    /// Whether a workload of any namespace has a label of this key.
    #[must_use]
    pub fn has_label_key(&self, key: &str) -> bool {
        self.by_label_anywhere.range((key, "")..).next().is_some_and(|((known, _), _)| *known == key)
    }

    /// The namespace whose policies hold for the whole mesh.
    #[must_use]
    pub fn root_namespace(&self) -> &'a str {
        let given = self.mesh_config.and_then(|config| config.get("rootNamespace")).and_then(Node::text);
        given.filter(|namespace| !namespace.is_empty()).unwrap_or(ROOT_NAMESPACE)
    }

    /// The extension provider of this name in the mesh configuration.
    #[must_use]
    pub fn extension_provider(&self, name: &str) -> Option<Node<'a>> {
        let mut providers = self.mesh_config?.list("extensionProviders");
        providers.find(|provider| provider.get("name").and_then(Node::text) == Some(name))
    }
}

/// The manifests in a document: itself, or the items of a list of them.
pub fn manifests<'a>(root: Node<'a>) -> impl Iterator<Item = Node<'a>> {
    let is_list = root.get("kind").and_then(Node::text).is_some_and(|kind| kind.ends_with("List"));
    let items = root.get("items").filter(|items| is_list && items.is_sequence());
    let own = items.is_none().then_some(root);
    own.into_iter().chain(items.into_iter().flat_map(Node::items))
}

/// A host as Istio completes it: only a name without a dot gets the namespace of the manifest that it stands in.
#[must_use]
pub fn full_host(host: &str, namespace: &str) -> String {
    if host.contains('.') || host.starts_with('*') { host.to_owned() } else { format!("{host}.{namespace}.svc.cluster.local") }
}

/// Whether two hosts of one request could be the same: equal, or one covers the other with its `*`.
#[must_use]
pub fn hosts_overlap(one: &str, other: &str) -> bool {
    match (one.strip_prefix('*'), other.strip_prefix('*')) {
        (Some(one), Some(other)) => one.ends_with(other) || other.ends_with(one),
        (Some(suffix), None) => other.ends_with(suffix),
        (None, Some(suffix)) => one.ends_with(suffix),
        (None, None) => one == other,
    }
}

/// Name and namespace of the Service that a full host name stands for.
#[must_use]
pub fn kubernetes_name(host: &str) -> Option<(&str, &str)> {
    host.strip_suffix(".svc.cluster.local")?.split_once('.').filter(|(_, namespace)| !namespace.contains('.'))
}

fn index(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Whether a namespace belongs to Kubernetes itself.
#[must_use]
pub fn is_system_namespace(namespace: &str) -> bool {
    matches!(namespace, "kube-system" | "kube-public" | "kube-node-lease" | "local-path-storage")
}
