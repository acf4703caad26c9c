//! Every rule on its own manifests: it fires where they are marked, and nowhere else.
//!
//! A folder may hold a `mesh.yaml`: the mesh configuration that its manifests are checked with; marks may stand in it, too.
//!
//! A mark is a comment line below the marked one, `#    ^^^ MWC201`: the carets stand under what a finding points at.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use meshwhy_check::document::{Place, parse};
use meshwhy_check::edit::apply;
use meshwhy_check::mesh::{Mesh, Settings};
use meshwhy_check::rules::{Message, Outcome, Persona, Rule, run};
use meshwhy_core::catalogue::laws;

fn folder(rule: &Rule) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules").join(rule.folder())
}

fn manifests(rule: &Rule, name: &str) -> Option<String> {
    fs::read_to_string(folder(rule).join(name)).ok()
}

fn mesh_config(rule: &Rule) -> Option<String> {
    manifests(rule, "mesh.yaml")
}

/// Line, column and code of what is found, lines and columns from 1.
type Spot = (usize, usize, String);

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

fn found(text: &str, mesh_config: Option<&str>, mut then: impl FnMut(&Outcome<'_>)) {
    let files = [parse(0, text)];
    let mesh_config = mesh_config.map(|text| parse(1, text));
    let config = mesh_config.as_ref().and_then(|file| file.documents.first()).map(|document| document.root());
    let settings = Settings::default();
    then(&run(&Mesh::new(&files, config, &settings)));
}

fn spots(text: &str, mesh_config: Option<&str>) -> BTreeSet<Spot> {
    let mut spots = BTreeSet::new();
    found(text, mesh_config, |findings| {
        let file = |index: u32| if index == 0 { text } else { mesh_config.unwrap_or_default() };
        let spot = |place: Place, code: &str| spot(file(place.file), place.start, code);
        spots = findings.found.iter().map(|(rule, finding)| spot(finding.place, rule.code)).collect();
    }

/// What is found in the manifests of a rule. What is pedantic is left to its own: nearly every annotation is alpha, for one.
fn spots(text: &str, owner: Option<&Rule>) -> BTreeSet<Spot> {
    let mut spots = BTreeSet::new();
    found(text, |findings| {
        let is_meant = |rule: &Rule| rule.persona != Persona::Pedantic || owner == Some(rule);
        let meant = findings.found.iter().filter(|(rule, _)| is_meant(rule));
        spots = meant.map(|(rule, finding)| spot(text, finding.place.start, rule.code)).collect();
    }

/// Settings with which a rule runs: for one about an upgrade, the upgrade that brings the change.
fn settings(rule: &Rule) -> Settings {
    Settings { upgrade: rule.upgrade.map(|minor| (minor - 1, minor)), ..Settings::default() }
}

fn found(text: &str, settings: &Settings, mut then: impl FnMut(&Outcome<'_>)) {
    let files = [parse(0, text)];
    then(&run(&Mesh::new(&files, None, settings)));
}

fn spots(text: &str, settings: &Settings) -> BTreeSet<Spot> {
    let mut spots = BTreeSet::new();
    found(text, settings, |findings| {
        spots = findings.found.iter().map(|(rule, finding)| spot(text, finding.place.start, rule.code)).collect();
    });
    spots
}

#[test]
fn the_catalogue_of_rules_keeps_the_laws() {
    let broken = laws::broken(Rule::all());
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn every_rule_fires_where_its_bad_manifests_are_marked_and_nowhere_else() {
    let mut wrong = Vec::new();
    for rule in Rule::all().iter() {
        let Some(text) = manifests(rule, "bad.yaml") else {
            wrong.push(format!("{}: no bad.yaml", rule.slug));
            continue;
        };
        let config = mesh_config(rule).unwrap_or_default();
        let (marks, spots) = (&marks(&text) | &marks(&config), spots(&text, mesh_config(rule).as_deref()));
        let (marks, spots) = (marks(&text), spots(&text, Some(rule)));
        let (marks, spots) = (marks(&text), spots(&text, &settings(rule)));
        if !marks.iter().any(|(_, _, code)| code == rule.code) {
            wrong.push(format!("{}: bad.yaml has no mark of {}", rule.slug, rule.code));
        }
        wrong.extend(marks.difference(&spots).map(|spot| format!("{}: bad.yaml: not found: {spot:?}", rule.slug)));
        wrong.extend(spots.difference(&marks).map(|spot| format!("{}: bad.yaml: not marked: {spot:?}", rule.slug)));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn no_rule_finds_anything_in_good_manifests() {
    let mut wrong = Vec::new();
    for rule in Rule::all().iter() {
        match manifests(rule, "good.yaml") {
            None => wrong.push(format!("{}: no good.yaml", rule.slug)),
            Some(text) => {
                let spots = spots(&text, mesh_config(rule).as_deref());
                wrong.extend(spots.iter().map(|spot| format!("{}: good.yaml: {spot:?}", rule.slug)));
            }
            Some(text) => wrong.extend(spots(&text, Some(rule)).iter().map(|spot| format!("{}: good.yaml: {spot:?}", rule.slug))),
                wrong.extend(spots(&text, &settings(rule)).iter().map(|spot| format!("{}: good.yaml: {spot:?}", rule.slug)))
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn an_edit_cures_what_it_is_for_and_gives_the_manifests_that_are_shown() {
    let mut wrong = Vec::new();
    for rule in Rule::all().iter() {
        let (Some(bad), fixed) = (manifests(rule, "bad.yaml"), manifests(rule, "fixed.yaml")) else { continue };
        let (mut edits, mut incurable) = (Vec::new(), 0);
        found(&bad, |findings| {
    }

        let mut edits = Vec::new();
        found(&bad, mesh_config(rule).as_deref(), |findings| {
    }

        let mut edits = Vec::new();
        found(&bad, &settings(rule), |findings| {
            let own = findings.found.iter().filter(|(found, _)| *found == *rule);
            incurable = own.clone().filter(|(_, finding)| finding.edits.is_empty()).count();
            edits = own.flat_map(|(_, finding)| finding.edits.clone()).collect();
        });
        if edits.is_empty() != fixed.is_none() {
            wrong.push(format!("{}: fixed.yaml and edits go together", rule.slug));
            continue;
        }
        let Some(fixed) = fixed else { continue };
        let applied = apply(&bad, &edits);
        let without_marks = |text: &str| -> String {
            text.lines().filter(|line| !(line.starts_with('#') && line.contains('^'))).map(|line| format!("{line}\n")).collect()
        };
        if without_marks(&applied) != fixed {
            wrong.push(format!("{}: fixed.yaml is not what the edits give:\n{}", rule.slug, without_marks(&applied)));
        }
        if spots(&fixed).iter().filter(|(_, _, code)| code == rule.code).count() > incurable {
    }

        if spots(&fixed, mesh_config(rule).as_deref()).iter().any(|(_, _, code)| code == rule.code) {
    }

        if spots(&fixed, Some(rule)).iter().any(|(_, _, code)| code == rule.code) {
    }

        if spots(&fixed, &settings(rule)).iter().any(|(_, _, code)| code == rule.code) {
            wrong.push(format!("{}: fires on fixed.yaml", rule.slug));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn messages_have_the_same_words_in_both_languages_and_findings_fill_them() {
    let mut wrong = Vec::new();
    for rule in Rule::all().iter() {
        let words = |text: &'static str| Message::words(text).collect::<BTreeSet<_>>();
        if words(rule.message.en) != words(rule.message.zh) {
            wrong.push(format!("{}: the two messages have other words", rule.slug));
        }
        found(&manifests(rule, "bad.yaml").unwrap_or_default(), mesh_config(rule).as_deref(), |findings| {
    }

        found(&manifests(rule, "bad.yaml").unwrap_or_default(), &settings(rule), |findings| {
            for (_, finding) in findings.found.iter().filter(|(found, _)| *found == *rule) {
                let given: BTreeSet<_> = finding.values.iter().map(|(name, _)| *name).collect();
                if !words(rule.message.en).is_subset(&given) {
                    wrong.push(format!("{}: {given:?} does not fill {:?}", rule.slug, words(rule.message.en)));
                }
            }
        });
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn all_good_manifests_together_yield_nothing() {
    let texts: Vec<(String, String)> =
        Rule::all().iter().filter_map(|rule| Some((rule.folder(), manifests(rule, "good.yaml")?))).collect();
    // Each folder's in namespaces of its own would hide what this test is for; folders keep their names apart.
    let text: String = texts.iter().map(|(_, text)| format!("---\n{text}\n")).collect();
    let spots = spots(&text, None);
    let spots = spots(&text, &Settings::default());
    assert!(spots.is_empty(), "{spots:#?}");
}

#[test]
fn a_rule_about_an_upgrade_is_silent_without_one_that_crosses_its_release() {
    let mut wrong = Vec::new();
    for (rule, minor) in Rule::all().iter().filter_map(|rule| Some((rule, rule.upgrade?))) {
        let text = manifests(rule, "bad.yaml").unwrap_or_default();
        for upgrade in [None, Some((minor - 2, minor - 1)), Some((minor, minor + 1))] {
            let fires = spots(&text, &Settings { upgrade, ..Settings::default() }).iter().any(|(_, _, code)| code == rule.code);
            wrong.extend(fires.then(|| format!("{}: fires for {upgrade:?}", rule.slug)));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
