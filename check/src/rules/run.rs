//! All rules on a mesh.

use rayon::prelude::*;

use super::rule::Check;
use super::{Persona, REGISTRY, Rule};
use crate::finding::{Finding, Findings, Undecided};
use crate::mesh::Mesh;
use crate::model::{Metadata, Resource, ResourceKind};

/// What all rules found, each with the rule that says so, in the order of files and places.
#[derive(Debug, Default)]
pub struct RuleOutcome<'a> {
    /// What is wrong.
    pub found: Vec<(&'static Rule, Finding<'a>)>,
    /// What could not be decided.
    pub unknown: Vec<(&'static Rule, Undecided<'a>)>,
}

/// Runs every rule that has something to look at, on all cores.
#[must_use]
pub fn run<'a>(mesh: &Mesh<'a>) -> RuleOutcome<'a> {
    run_for(mesh, Persona::ALL)
}

/// Runs the rules for everybody, and those for some readers, that have something to look at.
#[must_use]
pub fn run_for<'a>(mesh: &Mesh<'a>, personas: &[Persona]) -> RuleOutcome<'a> {
    let is_due = |rule: &&Rule| {
        let is_wanted = rule.persona == Persona::Regular || personas.contains(&rule.persona);
        let has_kind = rule.kinds.is_empty() || rule.kinds.iter().any(|kind| mesh.has(*kind));
        is_wanted && has_kind && rule.upgrade.is_none_or(|minor| mesh.settings.crosses(minor))
    };
    let due: Vec<&'static Rule> = REGISTRY.iter().copied().filter(is_due).collect();
    let mut all = RuleOutcome::default();
    let (on_mesh, on_each) = rayon::join(|| on_mesh(mesh, &due), || on_each(mesh, &due));
    for (rule, findings) in on_mesh.into_iter().chain(on_each) {
        all.found.extend(findings.found.into_iter().map(|finding| (rule, finding)));
        all.unknown.extend(findings.unknown.into_iter().map(|unknown| (rule, unknown)));
    }
    all.found.sort_by_key(|(rule, finding)| (finding.place, rule.code));
    all.unknown.sort_by_key(|(rule, unknown)| (unknown.place, rule.code));
    all
}

/// What one rule found.
type Found<'a> = (&'static Rule, Findings<'a>);

fn on_mesh<'a>(mesh: &Mesh<'a>, due: &[&'static Rule]) -> Vec<Found<'a>> {
    let found = |rule: &&'static Rule| {
        let Check::Mesh(check) = rule.check else { return None };
        let mut findings = Findings::default();
        check(mesh, &mut findings);
        Some((*rule, findings))
    };
    due.par_iter().filter_map(found).collect()
}

fn on_each<'a>(mesh: &Mesh<'a>, due: &[&'static Rule]) -> Vec<Found<'a>> {
    let found = |resource: &Resource<'a>| {
        let all: Vec<_> = Metadata::all(*resource).collect();
        let checked = due.iter().filter_map(move |rule| {
            let mut findings = Findings::default();
            match rule.check {
                Check::Each(kinds, check) if is_among(resource.kind, if kinds.is_empty() { rule.kinds } else { kinds }) => {
                    check(mesh, *resource, &mut findings);
                }
                Check::Metadata(check) => all.iter().for_each(|metadata| check(mesh, *metadata, &mut findings)),
                Check::Each(..) | Check::Mesh(_) => {}
            }
            let is_empty = findings.found.is_empty() && findings.unknown.is_empty();
            (!is_empty).then_some((*rule, findings))
        });
        checked.collect::<Vec<_>>()
    };
    mesh.resources.par_iter().flat_map_iter(found).collect()
}

/// Whether a kind is one of those that are looked at; where none is named, all are.
fn is_among(kind: ResourceKind, kinds: &[ResourceKind]) -> bool {
    kinds.is_empty() || kinds.contains(&kind)
}
