//! Every resource of both sides with its versions.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashSet};

use super::dependencies::{Dependencies, facts};
use super::dependency::Dependency;
use super::mtls::{Mtls, MtlsBuilder, MtlsFacts};
use super::object::{ObjectName, intent, objects};
use crate::document::Node;
use crate::mesh::Mesh;

/// A version with its things as numbers.
#[derive(Debug, Default)]
pub(super) struct ObjectVersion {
    pub(super) provides: Vec<usize>,
    pub(super) needs: Vec<Vec<usize>>,
    pub(super) mtls: MtlsFacts,
    /// What is applied, where it is neither OLD nor NEW.
    pub(super) text: Option<String>,
}

/// Index of OLD among the versions of a resource; versions between OLD and NEW follow NEW.
pub(super) const OLD: usize = 0;
/// Index of NEW.
pub(super) const NEW: usize = 1;

/// A resource, on its way.
#[derive(Debug)]
pub(super) struct ObjectChange<'a, 'b> {
    pub(super) name: ObjectName,
    pub(super) old: Option<Node<'a>>,
    pub(super) new: Option<Node<'b>>,
    pub(super) versions: Vec<ObjectVersion>,
    pub(super) current: usize,
    /// Whether versions between were asked for.
    pub(super) is_split: bool,
}

/// All resources, and the things that they name.
#[derive(Debug, Default)]
pub(super) struct ObjectChanges<'a, 'b> {
    pub(super) all: Vec<ObjectChange<'a, 'b>>,
    pub(super) things: Vec<Dependency>,
    numbers: HashMap<Dependency, usize>,
    /// How many of the current versions provide a thing.
    pub(super) count: Vec<usize>,
    /// The entries that need a thing in some version.
    pub(super) needers: Vec<Vec<usize>>,
    /// The entries that provide a thing in NEW.
    pub(super) makers: HashMap<usize, Vec<usize>>,
    /// What clients use in OLD and in NEW.
    pub(super) kept: HashSet<usize>,
    /// Needs that OLD or NEW leave open.
    open: HashSet<(usize, Vec<usize>)>,
    pub(super) mtls: Mtls,
    /// Conflicts that OLD or NEW have, by unit.
    pub(super) tolerated: Vec<u8>,
    selectors: HashMap<(String, String, String), Vec<usize>>,
}

impl<'a, 'b> ObjectChanges<'a, 'b> {
    pub(super) fn new(old: &Mesh<'a>, new: &Mesh<'b>) -> Self {
        let mut roots: BTreeMap<ObjectName, (Option<Node<'a>>, Option<Node<'b>>)> = BTreeMap::new();
        for (name, root) in objects(old) {
            roots.entry(name).or_default().0 = Some(root);
        }
        for (name, root) in objects(new) {
            roots.entry(name).or_default().1 = Some(root);
        }
        let mut entries = Self::default();
        let mut read: Vec<[Option<Dependencies>; 2]> = Vec::new();
        for (name, (old_root, new_root)) in roots {
            let stays = old_root.is_some() && new_root.is_some();
            let before = old_root.map(|root| facts(&name, root, old, stays));
            let after = new_root.map(|root| facts(&name, root, new, stays));
            let is_same = old_root.zip(new_root).is_some_and(|(old, new)| intent(old) == intent(new));
            read.push([before, after]);
            let current = if is_same { NEW } else { OLD };
            entries.all.push(ObjectChange { name, old: old_root, new: new_root, versions: Vec::new(), current, is_split: false });
        }
        for needed in read.iter().flatten().flatten().flat_map(|facts| facts.needs.iter().flatten()) {
            entries.number(needed);
        }
        for (index, facts) in read.into_iter().enumerate() {
            let versions = facts.map(|facts| entries.version(facts.unwrap_or_default()));
            if let Some(entry) = entries.all.get_mut(index) {
                entry.versions.extend(versions);
            }
            entries.register(index);
        }
        entries.settle();
        entries.gather_mtls(old, new);
        entries
    }

    /// The number of a thing.
    fn number(&mut self, thing: &Dependency) -> usize {
        if let Some(number) = self.numbers.get(thing) {
            return *number;
        }
        let number = self.things.len();
        if let Dependency::Pods(namespace, labels) = thing
            && let Some((key, value)) = labels.first()
        {
            self.selectors.entry((namespace.clone(), key.clone(), value.clone())).or_default().push(number);
        }
        self.numbers.insert(thing.clone(), number);
        self.things.push(thing.clone());
        self.count.push(0);
        self.needers.push(Vec::new());
        number
    }

    pub(super) fn version(&mut self, facts: Dependencies) -> ObjectVersion {
        let mut provides: Vec<usize> = facts.provides.iter().map(|thing| self.number(thing)).collect();
        if let MtlsFacts::Workload(workload) = &facts.mtls {
            let key = |(key, value): &(String, String)| (workload.namespace.clone(), key.clone(), value.clone());
            let candidates = workload.labels.iter().filter_map(|pair| self.selectors.get(&key(pair))).flatten().copied();
            let selects = |number: &usize| match self.things.get(*number) {
                Some(Dependency::Pods(_, labels)) => labels.iter().all(|pair| workload.labels.contains(pair)),
                _ => false,
            };
            provides.extend(candidates.filter(selects));
        }
        provides.sort_unstable();
        provides.dedup();
        let needs = facts.needs.iter().map(|any| any.iter().map(|thing| self.number(thing)).collect()).collect();
        ObjectVersion { provides, needs, mtls: facts.mtls, text: None }
    }

    /// Who needs what a resource has in any version.
    pub(super) fn register(&mut self, index: usize) {
        let Some(entry) = self.all.get(index) else { return };
        for number in entry.versions.iter().flat_map(|version| version.needs.iter().flatten()) {
            if let Some(needers) = self.needers.get_mut(*number)
                && needers.last() != Some(&index)
            {
                needers.push(index);
            }
        }
    }

    /// Counts what OLD and NEW have, and drops the needs that either leaves open.
    fn settle(&mut self) {
        let count = |which: usize| {
            let mut count = vec![0_usize; self.things.len()];
            for number in self.all.iter().filter_map(|entry| entry.versions.get(which)).flat_map(|version| &version.provides) {
                if let Some(count) = count.get_mut(*number) {
                    *count += 1;
                }
            }
            count
        };
        let sides = [count(OLD), count(NEW)];
        let mut open = HashSet::default();
        for (index, entry) in self.all.iter().enumerate() {
            for (version, count) in entry.versions.iter().zip(&sides) {
                let has = |number: &usize| count.get(*number).is_some_and(|count| *count > 0);
                open.extend(version.needs.iter().filter(|any| !any.iter().any(has)).map(|any| (index, any.clone())));
            }
        }
        for (index, entry) in self.all.iter_mut().enumerate() {
            for version in &mut entry.versions {
                version.needs.retain(|any| !open.contains(&(index, any.clone())));
            }
            let made = entry.versions.get(NEW).into_iter().flat_map(|version| version.provides.iter().copied());
            made.for_each(|number| self.makers.entry(number).or_default().push(index));
        }
        let [old, new] = sides;
        let is_in_both = |(number, thing): &(usize, &Dependency)| {
            let has = |count: &[usize]| count.get(*number).is_some_and(|count| *count > 0);
            thing.is_used_by_clients() && has(&old) && has(&new)
        };
        self.kept = self.things.iter().enumerate().filter(is_in_both).map(|(number, _)| number).collect();
        self.count = old;
        self.open = open;
    }

    /// A version between OLD and NEW, without the needs that either leaves open.
    pub(super) fn add_between(&mut self, index: usize, facts: Dependencies, text: String) {
        let mut version = self.version(facts);
        version.needs.retain(|any| !self.open.contains(&(index, any.clone())));
        version.text = Some(text);
        if let Some(entry) = self.all.get_mut(index) {
            entry.versions.push(version);
        }
        self.register(index);
    }

    fn gather_mtls(&mut self, old: &Mesh<'_>, new: &Mesh<'_>) {
        let indexes: HashMap<ObjectName, usize> =
            self.all.iter().enumerate().map(|(index, entry)| (entry.name.clone(), index)).collect();
        let mut builder = MtlsBuilder::default();
        let mut workloads = Vec::new();
        for (index, entry) in self.all.iter().enumerate() {
            entry.versions.iter().for_each(|version| builder.version(index, &version.mtls));
            if entry.versions.iter().any(|version| matches!(version.mtls, MtlsFacts::Workload(_))) {
                workloads.push(index);
            }
        }
        builder.services(old, &indexes);
        builder.services(new, &indexes);
        static SILENT: MtlsFacts = MtlsFacts::Silent;
        let all = &self.all;
        let side = |which: usize| {
            move |index: usize| {
                all.get(index).and_then(|entry| entry.versions.get(which)).map_or(&SILENT, |version| &version.mtls)
            }
        };
        let (before, after) = (side(OLD), side(NEW));
        let mtls = builder.finish(&workloads, &before, &after);
        let bare = [mtls.has_bare_client(&before), mtls.has_bare_client(&after)];
        let conflicts = |unit| mtls.conflicts(unit, &before, bare[0]) | mtls.conflicts(unit, &after, bare[1]);
        self.tolerated = mtls.units.iter().map(conflicts).collect();
        self.mtls = mtls;
    }
}
