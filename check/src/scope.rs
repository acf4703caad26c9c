//! Which workloads a policy holds for.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashSet};

use crate::document::{Node, is_placeholder};
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{Resource, ResourceKind, Workload, selects};

/// What a policy holds for, as far as the files say.
#[derive(Debug, Clone)]
pub enum PolicyScope<'a> {
    /// All of its namespace, or of the mesh.
    Everything,
    /// What its `targetRefs` name.
    Targets,
    /// These; never empty.
    Workloads(Vec<Workload<'a>>),
    /// No workload, although the files hold others that it could be meant for.
    Nothing(Node<'a>),
    /// Workloads that were not given.
    Elsewhere(Node<'a>),
}

/// The labels that Istio gives to the pods of a Gateway of the Gateway API.
pub const GATEWAY_NAME_LABELS: [&str; 2] = ["gateway.networking.k8s.io/gateway-name", "istio.io/gateway-name"];

impl<'a> PolicyScope<'a> {
    /// The scope of a policy.
    #[must_use]
    pub fn of(mesh: &Mesh<'a>, policy: &Resource<'a>) -> Self {
        if targets(policy).next().is_some() {
            return Self::Targets;
        }
        let Some(selector) = policy.selector() else { return Self::Everything };
        let is_for_mesh = policy.namespace == mesh.root_namespace() && spans_mesh(policy.kind);
        let selected = if is_for_mesh { mesh.selected_anywhere(selector) } else { mesh.selected(policy.namespace, selector) };
        let is_expected = || if is_for_mesh { knows_keys(mesh, selector) } else { knows_workloads_around(mesh, policy) };
        match selected {
            workloads if !workloads.is_empty() => Self::Workloads(workloads),
            _ if is_for_gateway(selector) || is_open(selector) || !is_expected() => Self::Elsewhere(selector),
            _ => Self::Nothing(selector),
        }
    }
}

/// Says of a policy that it holds for no workload, or that those were not given that it could hold for.
pub(crate) fn report_nothing_selected<'a>(mesh: &Mesh<'a>, policy: &Resource<'a>, findings: &mut Findings<'a>) {
    match PolicyScope::of(mesh, policy) {
        PolicyScope::Nothing(selector) => {
            let finding = Finding::new(policy, selector).with("selector", written(selector));
            findings.add(finding.with("policy", policy.name).likely());
        }
        PolicyScope::Elsewhere(selector) => findings.unknown(policy, selector, format!("workloads with {}", written(selector))),
        _ => {}
    }
}

/// The elements of a policy's `targetRef` and `targetRefs`.
pub fn targets<'a>(policy: &Resource<'a>) -> impl Iterator<Item = Node<'a>> + use<'a> {
    let spec = policy.spec();
    let single = spec.get("targetRef").filter(|target| target.is_mapping() && !target.is_empty());
    single.into_iter().chain(spec.list("targetRefs"))
}

/// A selector as people write it: `app=reviews,version=v1`.
#[must_use]
pub fn written(selector: Node<'_>) -> String {
    let pairs =
        selector.entries().map(|(key, value)| [key.text().unwrap_or_default(), value.text().unwrap_or_default()].join("="));
    pairs.collect::<Vec<_>>().join(",")
}

/// Whether a selector in the root namespace reaches into the others: see `pkg/model/authorization.go` and its siblings, 1.30.
const fn spans_mesh(kind: ResourceKind) -> bool {
    matches!(
        kind,
        ResourceKind::AuthorizationPolicy
            | ResourceKind::RequestAuthentication
            | ResourceKind::WasmPlugin
            | ResourceKind::TrafficExtension
            | ResourceKind::EnvoyFilter
    )
}

/// Gateways are often installed from a chart, and Istio itself makes the pods of a Gateway of the Gateway API.
fn is_for_gateway(selector: Node<'_>) -> bool {
    selector.entries().any(|(key, value)| {
        let key = key.text().unwrap_or_default();
        GATEWAY_NAME_LABELS.contains(&key)
            || key == "istio"
            || value.text().is_some_and(|value| value.contains("gateway") || value.contains("gw") || value.contains("ingress"))
    })
}

fn is_open(selector: Node<'_>) -> bool {
    selector.entries().any(|(_, value)| value.text().is_some_and(is_placeholder))
}

fn knows_keys(mesh: &Mesh<'_>, selector: Node<'_>) -> bool {
    selector.entries().all(|(key, _)| key.text().is_some_and(|key| mesh.has_label_key(key)))
}

/// Whether the workloads of a policy's namespace were given. Without a namespace a manifest belongs to what stands in its file.
fn knows_workloads_around(mesh: &Mesh<'_>, policy: &Resource<'_>) -> bool {
    if policy.has_namespace() {
        return mesh.has_workloads(policy.namespace);
    }
    mesh.has_workloads_in_file(policy.namespace, policy.place().file)
}

/// Policies by what they are for, so that the one with just the selector of another is found without looking through all.
#[derive(Debug, Default)]
pub struct Counterparts<'a> {
    by_namespace: HashMap<&'a str, Vec<Resource<'a>>>,
    by_selector: HashSet<(&'a str, Option<String>)>,
}

impl<'a> Counterparts<'a> {
    /// Those of some policies.
    pub fn of(policies: impl Iterator<Item = Resource<'a>>) -> Self {
        let mut all = Self::default();
        for policy in policies {
            all.by_namespace.entry(policy.namespace).or_default().push(policy);
            if targets(&policy).next().is_none() {
                all.by_selector.insert((policy.namespace, policy.selector().map(written)));
            }
        }
        all
    }

    /// Those of a policy's namespace and of the root namespace.
    pub fn near<'m>(
        &'m self,
        mesh: &Mesh<'a>,
        policy: &Resource<'a>,
    ) -> impl Iterator<Item = Resource<'a>> + Clone + use<'a, 'm> {
        let of = |namespace: &str| self.by_namespace.get(namespace).map(Vec::as_slice).unwrap_or_default();
        let root = if policy.namespace == mesh.root_namespace() { &[] } else { of(mesh.root_namespace()) };
        of(policy.namespace).iter().chain(root).copied()
    }

    /// Whether one of them may hold for a workload that a policy holds for.
    #[must_use]
    pub fn meet(&self, mesh: &Mesh<'a>, policy: &Resource<'a>) -> bool {
        let has = |selector: Option<String>| self.by_selector.contains(&(policy.namespace, selector));
        let is_selecting = targets(policy).next().is_none();
        is_selecting && (has(None) || has(policy.selector().map(written)))
            || self.near(mesh, policy).any(|other| may_meet(mesh, policy, &other))
    }
}

/// Whether two policies may hold for one workload; `true` where the files do not rule it out.
fn may_meet<'a>(mesh: &Mesh<'a>, one: &Resource<'a>, other: &Resource<'a>) -> bool {
    let reaches =
        |policy: &Resource<'a>, to: &Resource<'a>| policy.namespace == to.namespace || policy.namespace == mesh.root_namespace();
    if !reaches(one, other) && !reaches(other, one) {
        return false;
    }
    if one.selector().zip(other.selector()).is_some_and(|(one, other)| exclude_each_other(one, other)) {
        return false;
    }
    let takes = |policy: &Resource<'a>, workload: &Workload<'a>| {
        let is_near = policy.namespace == workload.resource.namespace || policy.namespace == mesh.root_namespace();
        is_near && policy.selector().is_none_or(|selector| selects(selector, workload.labels()))
    };
    match (PolicyScope::of(mesh, one), PolicyScope::of(mesh, other)) {
        (PolicyScope::Targets, PolicyScope::Targets) => {
            let name = |target: Node<'a>| target.get("name").and_then(Node::text);
            targets(one).any(|target| targets(other).any(|found| name(found) == name(target)))
        }
        (PolicyScope::Everything | PolicyScope::Targets, _) | (_, PolicyScope::Everything | PolicyScope::Targets) => true,
        (PolicyScope::Workloads(workloads), _) => workloads.iter().any(|workload| takes(other, workload)),
        (_, PolicyScope::Workloads(workloads)) => workloads.iter().any(|workload| takes(one, workload)),
        _ => true,
    }
}

/// Whether two selectors ask for different values of a label.
fn exclude_each_other(one: Node<'_>, other: Node<'_>) -> bool {
    one.entries().any(|(key, value)| {
        let opposite = key.text().and_then(|key| other.get(key));
        opposite.is_some_and(|opposite| opposite.text() != value.text())
    })
}

/// A manifest that holds for the same pods as others of its kind, so that only one of them counts.
#[derive(Debug, Clone)]
pub struct Conflict<'a> {
    /// The manifest.
    pub resource: Resource<'a>,
    /// The others, or some of many.
    pub others: Vec<Resource<'a>>,
    /// A workload that all of them select; `None` where they hold for a namespace.
    pub workload: Option<Workload<'a>>,
}

impl<'a> Conflict<'a> {
    /// The conflict as a finding at the manifest's name, with the words `others`, `workload` and `namespace`.
    #[must_use]
    pub fn finding(self, mesh: &Mesh<'a>) -> Finding<'a> {
        let mut names: Vec<_> = std::iter::once(&self.resource).chain(&self.others).map(|resource| resource.name).collect();
        names.sort_unstable();
        let finding = Finding::new(&self.resource, self.resource.name_node()).with("others", names.join(", "));
        let finding = finding.with("namespace", self.resource.namespace);
        let finding = self.others.iter().fold(finding, |finding, other| finding.beside(other, other.name_node()));
        let finding = mesh.weighed(finding);
        match self.workload {
            Some(workload) => {
                let node = workload.resource.name_node();
                finding.with("workload", workload.resource.name).beside(&workload.resource, node)
            }
            None => finding,
        }
    }
}

/// How many of those that a manifest conflicts with are named.
const MOST_OTHERS: usize = 5;

/// The manifests of a kind that hold for a whole namespace beside another.
#[must_use]
pub fn default_conflicts<'a>(mesh: &Mesh<'a>, kind: ResourceKind) -> Vec<Conflict<'a>> {
    let defaults = mesh.of(kind).filter(|resource| resource.selector().is_none() && targets(resource).next().is_none());
    let mut by_home: BTreeMap<_, Vec<Resource<'a>>> = BTreeMap::new();
    for resource in defaults {
        by_home.entry(home(&resource)).or_default().push(resource);
    }
    by_home.into_values().flat_map(|group| conflicts(&group, None)).collect()
}

/// The manifests of a kind that select a workload beside another, each once.
#[must_use]
pub fn selector_conflicts<'a>(mesh: &Mesh<'a>, kind: ResourceKind) -> Vec<Conflict<'a>> {
    let mut by_workload: BTreeMap<_, (Workload<'a>, Vec<Resource<'a>>)> = BTreeMap::new();
    for resource in mesh.of(kind).filter(|resource| targets(resource).next().is_none()) {
        let Some(selector) = resource.selector() else { continue };
        for workload in mesh.selected(resource.namespace, selector) {
            let key = (workload.resource.place(), home(&resource));
            by_workload.entry(key).or_insert_with(|| (workload, Vec::new())).1.push(resource);
        }
    }
    let mut seen = HashSet::default();
    let all = by_workload.into_values().flat_map(|(workload, group)| conflicts(&group, Some(workload)));
    all.filter(|conflict| seen.insert(conflict.resource.place())).collect()
}

/// The namespace of a manifest, and the file of one without: what leaves its namespace open may be an alternative to other files.
fn home<'a>(resource: &Resource<'a>) -> (&'a str, Option<u32>) {
    (resource.namespace, (!resource.has_namespace()).then(|| resource.place().file))
}

/// Each of a group beside the others. The same name twice is the same manifest twice.
fn conflicts<'a>(group: &[Resource<'a>], workload: Option<Workload<'a>>) -> Vec<Conflict<'a>> {
    let first = group.first().map(|resource| resource.name);
    if group.iter().all(|resource| Some(resource.name) == first) {
        return Vec::new();
    }
    let others =
        |resource: &Resource<'a>| group.iter().filter(|other| other.name != resource.name).take(MOST_OTHERS).copied().collect();
    group.iter().map(|resource| Conflict { resource: *resource, others: others(resource), workload }).collect()
}
