//! All rules on a mesh.

use rayon::prelude::*;

use super::{Persona, REGISTRY, Rule};
use crate::finding::{Finding, Findings, Undecided};
use crate::mesh::Mesh;

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
    let each: Vec<_> = due
        .into_par_iter()
        .map(|rule| {
            let mut findings = Findings::default();
            (rule.check)(mesh, &mut findings);
            (rule, findings)
        })
        .collect();
    let mut all = RuleOutcome::default();
    for (rule, findings) in each {
        all.found.extend(findings.found.into_iter().map(|finding| (rule, finding)));
        all.unknown.extend(findings.unknown.into_iter().map(|unknown| (rule, unknown)));
    }
    all.found.sort_by_key(|(rule, finding)| (finding.place, rule.code));
    all.unknown.sort_by_key(|(rule, unknown)| (unknown.place, rule.code));
    all
}
