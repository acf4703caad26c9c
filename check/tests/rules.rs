//! Every rule on its own manifests: it fires where they are marked, and nowhere else.
//!
//! A mark is a comment line below the marked one, `#    ^^^ MWC201`: the carets stand under what a finding points at. A folder may hold a
//! `mesh.yaml`: the mesh configuration that its manifests are checked with; marks may stand in it, too. A rule about an upgrade is run with the
//! upgrade that brings the change.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use meshwhy_check::document::parse;
use meshwhy_check::edit::apply;
use meshwhy_check::mesh::{Mesh, Settings};
use meshwhy_check::rules::{Message, Persona, Rule, RuleOutcome, run};
use meshwhy_core::catalogue::laws;

fn folder(rule: &Rule) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules").join(rule.folder())
}

fn manifests(rule: &Rule, name: &str) -> Option<String> {
    fs::read_to_string(folder(rule).join(name)).ok()
}

/// What is checked together.
#[derive(Default)]
struct Given {
    text: String,
    mesh_config: Option<String>,
    settings: Settings,
    /// The rule whose manifests they are. What only some readers want is left to its own: nearly every annotation is alpha, for one.
    owner: Option<&'static Rule>,
}

/// Line, column and code of what is found, lines and columns from 1.
type Spot = (usize, usize, String);

impl Given {
    /// A file of a rule's folder.
    fn of(rule: &'static Rule, name: &str) -> Option<Self> {
        let settings = Settings { upgrade: rule.upgrade.map(|minor| (minor - 1, minor)), ..Settings::default() };
        Some(Self { text: manifests(rule, name)?, mesh_config: manifests(rule, "mesh.yaml"), settings, owner: Some(rule) })
    }

    fn check(&self, mut then: impl FnMut(&RuleOutcome<'_>)) {
        let mesh_config = self.mesh_config.as_ref().map(|text| parse(1, text));
        let config = mesh_config.as_ref().and_then(|file| file.documents.first()).map(|document| document.root());
        let files = [parse(0, &self.text)];
        then(&run(&Mesh::new(&files, config, &self.settings)));
    }

    fn spots(&self) -> BTreeSet<Spot> {
        let mut spots = BTreeSet::new();
        self.check(|findings| {
            let is_meant = |rule: &Rule| rule.persona == Persona::Regular || self.owner.is_some_and(|owner| owner == rule);
            let file = |index: u32| if index == 0 { self.text.as_str() } else { self.mesh_config.as_deref().unwrap_or_default() };
            let meant = findings.found.iter().filter(|(rule, _)| is_meant(rule));
            spots = meant.map(|(rule, finding)| spot(file(finding.place.file), finding.place.start, rule.code)).collect();
        });
        spots
    }

    fn marks(&self) -> BTreeSet<Spot> {
        &marks(&self.text) | &marks(self.mesh_config.as_deref().unwrap_or_default())
    }
}

fn spot(text: &str, offset: u32, code: &str) -> Spot {
    let before = text.get(..offset as usize).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1, code.to_owned())
}

fn marks(text: &str) -> BTreeSet<Spot> {
    let mut marks = BTreeSet::new();
    let mut marked = 0;
    for (at, line) in text.lines().enumerate() {
        let carets = line
            .strip_prefix('#')
            .and_then(|rest| rest.find('^').map(|column| (column + 2, rest.trim_start_matches([' ', '^']).trim())));
        match carets {
            Some((column, codes)) if codes.starts_with("MWC") => {
                marks.extend(codes.split_whitespace().map(|code| (marked, column, code.to_owned())));
            }
            _ => marked = at + 1,
        }
    }
    marks
}

/// Collects what is wrong with rules, and fails with all of it.
fn each_rule(mut look: impl FnMut(&'static Rule, &mut Vec<String>)) {
    let mut wrong = Vec::new();
    Rule::all().iter().for_each(|rule| look(rule, &mut wrong));
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_catalogue_of_rules_keeps_the_laws() {
    let broken = laws::broken(Rule::all());
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn every_rule_fires_where_its_bad_manifests_are_marked_and_nowhere_else() {
    each_rule(|rule, wrong| {
        let Some(bad) = Given::of(rule, "bad.yaml") else { return wrong.push(format!("{}: no bad.yaml", rule.slug)) };
        let (marks, spots) = (bad.marks(), bad.spots());
        if !marks.iter().any(|(_, _, code)| code == rule.code) {
            wrong.push(format!("{}: bad.yaml has no mark of {}", rule.slug, rule.code));
        }
        wrong.extend(marks.difference(&spots).map(|spot| format!("{}: bad.yaml: not found: {spot:?}", rule.slug)));
        wrong.extend(spots.difference(&marks).map(|spot| format!("{}: bad.yaml: not marked: {spot:?}", rule.slug)));
    });
}

#[test]
fn no_rule_finds_anything_in_good_manifests() {
    each_rule(|rule, wrong| match Given::of(rule, "good.yaml") {
        None => wrong.push(format!("{}: no good.yaml", rule.slug)),
        Some(good) => wrong.extend(good.spots().iter().map(|spot| format!("{}: good.yaml: {spot:?}", rule.slug))),
    });
}

#[test]
fn an_edit_cures_what_it_is_for_and_gives_the_manifests_that_are_shown() {
    each_rule(|rule, wrong| {
        let (Some(bad), fixed) = (Given::of(rule, "bad.yaml"), Given::of(rule, "fixed.yaml")) else { return };
        let (mut edits, mut incurable) = (Vec::new(), 0);
        bad.check(|findings| {
            let own = findings.found.iter().filter(|(found, _)| *found == rule);
            incurable = own.clone().filter(|(_, finding)| finding.edits.is_empty()).count();
            edits = own.flat_map(|(_, finding)| finding.edits.clone()).collect();
        });
        if edits.is_empty() != fixed.is_none() {
            return wrong.push(format!("{}: fixed.yaml and edits go together", rule.slug));
        }
        let Some(fixed) = fixed else { return };
        let is_mark = |line: &&str| line.starts_with('#') && line.contains('^');
        let applied = apply(&bad.text, &edits);
        let applied: String = applied.lines().filter(|line| !is_mark(line)).map(|line| format!("{line}\n")).collect();
        if applied != fixed.text {
            wrong.push(format!("{}: fixed.yaml is not what the edits give:\n{applied}", rule.slug));
        }
        if fixed.spots().iter().filter(|(_, _, code)| code == rule.code).count() > incurable {
            wrong.push(format!("{}: fires on fixed.yaml", rule.slug));
        }
    });
}

#[test]
fn messages_have_the_same_words_in_both_languages_and_findings_fill_them() {
    each_rule(|rule, wrong| {
        let words = |text: &'static str| Message::words(text).collect::<BTreeSet<_>>();
        if words(rule.message.en) != words(rule.message.zh) {
            wrong.push(format!("{}: the two messages have other words", rule.slug));
        }
        let Some(bad) = Given::of(rule, "bad.yaml") else { return };
        bad.check(|findings| {
            for (_, finding) in findings.found.iter().filter(|(found, _)| *found == rule) {
                let given: BTreeSet<_> = finding.values.iter().map(|(name, _)| *name).collect();
                if !words(rule.message.en).is_subset(&given) {
                    wrong.push(format!("{}: {given:?} does not fill {:?}", rule.slug, words(rule.message.en)));
                }
            }
        });
    });
}

#[test]
fn a_rule_about_an_upgrade_is_silent_without_one_that_crosses_its_release() {
    each_rule(|rule, wrong| {
        let Some((minor, mut bad)) = rule.upgrade.zip(Given::of(rule, "bad.yaml")) else { return };
        for upgrade in [None, Some((minor - 2, minor - 1)), Some((minor, minor + 1))] {
            bad.settings.upgrade = upgrade;
            let fires = bad.spots().iter().any(|(_, _, code)| code == rule.code);
            wrong.extend(fires.then(|| format!("{}: fires for {upgrade:?}", rule.slug)));
        }
    });
}

#[test]
fn all_good_manifests_together_yield_nothing() {
    let texts: Vec<(&str, String)> =
        Rule::all().iter().filter_map(|rule| Some((rule.slug, manifests(rule, "good.yaml")?))).collect();
    let files: Vec<_> = (0..).zip(&texts).map(|(index, (_, text))| parse(index, text)).collect();
    let settings = Settings::default();
    let outcome = run(&Mesh::new(&files, None, &settings));
    let meant = outcome.found.iter().filter(|(rule, _)| rule.persona == Persona::Regular);
    let found = meant.map(|(rule, finding)| {
        let (slug, text) = &texts[finding.place.file as usize];
        format!("{slug}: {:?}", spot(text, finding.place.start, rule.code))
    });
    let found: Vec<String> = found.collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}
