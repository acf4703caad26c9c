//! All manifests together: who is who, found through indexes that are built once.

mod config;
mod hosts;
mod names;
mod policies;
mod settings;
mod workloads;

use std::sync::OnceLock;

use rayon::iter::Either;
use rayon::prelude::*;

use crate::document::{Document, Fault, Node, Parsed, Place};
use crate::model::{ConfigDump, DestinationRule, Resource, ResourceKind, Service, VirtualService, Workload};
use crate::schema::{self, Problem, ProblemKind, validate};

use hosts::Hosts;
use names::Names;
use workloads::Workloads;

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
    names: Names<'a>,
    hosts: Hosts<'a>,
    workloads: Workloads<'a>,
    /// Whether a Helm chart brings more manifests than the files hold.
    has_charts: bool,
    /// Parts of manifests that stand elsewhere: only what they say themselves can be wrong.
    patches: Vec<Resource<'a>>,
    bare: OnceLock<Vec<Node<'a>>>,
    schema_problems: OnceLock<Vec<(Resource<'a>, Problem<'a>)>>,
    services_by_workload: OnceLock<Vec<(Workload<'a>, Vec<Service<'a>>)>>,
}

impl<'a> Mesh<'a> {
    /// The mesh of some files. Items of a `List` are manifests like others.
    #[must_use]
    pub fn new(files: impl IntoIterator<Item = &'a Parsed<'a>>, mesh_config: Option<Node<'a>>, settings: &'a Settings) -> Self {
        let files: Vec<_> = files.into_iter().collect();
        let read =
            |document: &'a Document<'a>| manifests(document.root()).filter_map(|root| Resource::read(root, &settings.namespace));
        let (patches, resources): (Vec<_>, Vec<_>) = files
            .par_iter()
            .flat_map(|file| file.documents.par_iter().flat_map_iter(read).map(|resource| (resource, file.mark.is_patch)))
            .partition_map(|(resource, is_patch)| if is_patch { Either::Left(resource) } else { Either::Right(resource) });
        let (names, (hosts, workloads)) =
            rayon::join(|| Names::new(&resources), || rayon::join(|| Hosts::new(&resources), || Workloads::new(&resources)));
        Self {
            mesh_config,
            settings,
            names,
            hosts,
            workloads,
            has_charts: files.iter().any(|file| file.mark.is_of_chart),
            resources,
            patches,
            files,
            bare: OnceLock::new(),
            schema_problems: OnceLock::new(),
            services_by_workload: OnceLock::new(),
        }
    }

    /// The documents of all files, those that are no manifests included.
    pub fn documents(&self) -> impl Iterator<Item = &'a Document<'a>> + use<'a, '_> {
        self.files.iter().copied().flat_map(|file| &file.documents)
    }

    /// The documents that name no kind: values of a chart, mesh networks, a bare configuration, dumps of proxies.
    pub fn bare(&self) -> &[Node<'a>] {
        self.bare.get_or_init(|| self.documents().map(Document::root).filter(|root| root.get("kind").is_none()).collect())
    }

    /// What proxies say that they run with.
    pub fn config_dumps(&self) -> impl Iterator<Item = ConfigDump<'a>> + use<'a, '_> {
        self.bare().iter().copied().filter_map(ConfigDump::of)
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
                let document = Some(resource.root.document()).filter(|document| document.root() == resource.root);
                if document.is_some_and(|document| document.is_valid.get() == Some(&true)) {
                    return Vec::new();
                }
                let schema = schema::of(resource.kind, resource.api_version);
                let problems = schema.map(|schema| validate(resource.root, schema)).unwrap_or_default();
                if let Some(document) = document {
                    document.is_valid.get_or_init(|| problems.is_empty());
                }
                problems.into_iter().map(|problem| (*resource, problem)).collect()
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

fn index(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}
