//! Every block of every `cases.md` is judged, and every back-end that applies names the same cause.

#![expect(clippy::panic, reason = "a law that is broken fails its test")]

use std::path::Path;

use meshwhy_core::catalogue::Status;
use meshwhy_core::causes::REGISTRY;
use meshwhy_core::condition::{Condition, Engine, FAILS, Literal, Observed};
use meshwhy_core::{Cause, Decisive, Facts, Lang, Verdict, judge, record};

/// One fenced block of a `cases.md`.
struct Case {
    heading: String,
    verdict: String,
    confidence: Option<String>,
    near_miss: bool,
    json: String,
}

impl Case {
    fn facts(&self, cause: &Cause) -> Facts<'static> {
        let object = serde_json::from_str(&self.json).unwrap_or_else(|error| panic!("{}: {}: {error}", cause.slug, self.heading));
        let mut object: serde_json::Map<_, _> = object;
        object.insert("meshwhy.record".to_owned(), "1".into());
        let record = record::from_object(&object).unwrap_or_else(|| panic!("{}: {}: no record", cause.slug, self.heading));
        record.facts
    }
}

/// What is retired has no cases.
fn in_use() -> impl Iterator<Item = &'static Cause> {
    REGISTRY.iter().copied().filter(|cause| cause.status == Status::Stable)
}

fn cases(cause: &Cause) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut heading = String::new();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/causes").join(cause.folder()).join("cases.md");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(text) = line.strip_prefix("## ") {
            heading = text.to_owned();
        }
        let Some(info) = line.strip_prefix("```json ") else { continue };
        let value = |key: &str| info.split_whitespace().find_map(|word| word.strip_prefix(key)).map(str::to_owned);
        cases.push(Case {
            heading: heading.clone(),
            verdict: value("verdict=").unwrap_or_else(|| panic!("{}: {heading}: no verdict=", cause.slug)),
            confidence: value("confidence="),
            near_miss: info.split_whitespace().any(|word| word == "near-miss"),
            json: lines.by_ref().take_while(|line| *line != "```").collect(),
        });
    }
    cases
}

#[test]
fn every_case_gets_its_verdict() {
    let mut wrong = Vec::new();
    for cause in in_use() {
        for case in cases(cause) {
            let facts = case.facts(cause);
            let verdict = judge(&facts);
            let slug = verdict.map_or("none", |verdict| verdict.cause.slug);
            if slug != case.verdict || (case.near_miss && slug == cause.slug) {
                wrong.push(format!("{}: {}: judged {slug}, expected {}", cause.slug, case.heading, case.verdict));
            }
            if let (Some(expected), Some(verdict)) = (case.confidence, verdict)
                && verdict.confidence.as_str() != expected
            {
                wrong.push(format!("{}: {}: {}, expected {expected}", cause.slug, case.heading, verdict.confidence.as_str()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_cause_has_a_case_and_a_near_miss() {
    let lacking: Vec<&str> = in_use()
        .filter(|cause| {
            let cases = cases(cause);
            // Where nothing failed there is no verdict.
            let own = if cause.slug == "none-success" { "none" } else { cause.slug };
            !cases.iter().any(|case| case.verdict == own) || !cases.iter().any(|case| case.near_miss)
        })
        .map(|cause| cause.slug)
        .collect();
    assert!(lacking.is_empty(), "{lacking:?} lack a case or a near miss");
}

#[test]
fn no_case_is_ambiguous() {
    let mut ambiguous = Vec::new();
    for cause in in_use() {
        for case in cases(cause) {
            let facts = case.facts(cause);
            let Some(verdict) = judge(&facts) else { continue };
            let equals = REGISTRY.iter().filter(|other| {
                let holds = other
                    .conditions
                    .iter()
                    .any(|(confidence, condition)| *confidence == verdict.confidence && condition.holds(&Observed::new(&facts)));
                holds && !verdict.cause.is_of(other)
            });
            ambiguous.extend(equals.map(|other| format!("{}: {}: also {}", cause.slug, case.heading, other.slug)));
        }
    }
    assert!(ambiguous.is_empty(), "one of these must refine the other, or a condition is too wide:\n{}", ambiguous.join("\n"));
}

/// The facts of every case, with where they come from.
fn all_facts() -> Vec<(String, Facts<'static>)> {
    let cases = in_use().flat_map(|cause| cases(cause).into_iter().map(move |case| (cause, case)));
    cases.map(|(cause, case)| (format!("{}: {}", cause.slug, case.heading), case.facts(cause))).collect()
}

fn conditions() -> impl Iterator<Item = &'static Condition> {
    REGISTRY.iter().flat_map(|cause| cause.conditions).map(|(_, condition)| condition).chain([&FAILS])
}

/// The engine with the least to it: all literals, negations moved down to the leaves.
struct Literals;

impl Engine for Literals {
    type Out = Vec<Literal>;

    fn literal(&self, literal: Literal) -> Vec<Literal> {
        vec![literal]
    }

    fn all(&self, parts: impl Iterator<Item = Vec<Literal>>) -> Vec<Literal> {
        parts.flatten().collect()
    }

    fn any(&self, parts: impl Iterator<Item = Vec<Literal>>) -> Vec<Literal> {
        parts.flatten().collect()
    }
}

/// An engine that cannot express some literals, and weakens them.
struct Weak<'o> {
    exact: &'o Observed<'o, 'o>,
    inexpressible: &'o [Literal],
}

impl Engine for Weak<'_> {
    type Out = bool;

    fn literal(&self, literal: Literal) -> bool {
        self.inexpressible.contains(&literal) || self.exact.literal(literal)
    }

    fn all(&self, parts: impl Iterator<Item = bool>) -> bool {
        self.exact.all(parts)
    }

    fn any(&self, parts: impl Iterator<Item = bool>) -> bool {
        self.exact.any(parts)
    }
}

#[test]
fn an_engine_that_weakens_literals_misses_nothing() {
    let literals: Vec<Vec<Literal>> = conditions().map(|condition| condition.fold(&Literals)).collect();
    for (place, facts) in all_facts() {
        let exact = Observed::new(&facts);
        for (condition, literals) in conditions().zip(&literals).filter(|(condition, _)| condition.holds(&exact)) {
            for inexpressible in literals.chunks(1).chain([literals.as_slice(), &[]]) {
                assert!(
                    condition.fold(&Weak { exact: &exact, inexpressible }),
                    "{place}: {condition:?} without {inexpressible:?}"
                );
            }
        }
    }
}

#[test]
fn what_fails_is_what_the_condition_says() {
    for (place, facts) in all_facts() {
        for flags in [facts.flags, None] {
            for status in [facts.status, Some(200)] {
                let facts = Decisive { flags, status, ..facts.decisive.clone() };
                assert_eq!(facts.shows_failure(), FAILS.holds(&Observed::new(&facts)), "{place}");
            }
        }
    }
}

#[test]
fn reasons_agree_with_the_evaluation() {
    for (place, facts) in all_facts() {
        let observed = Observed::new(&facts);
        for condition in conditions() {
            let reasons = condition.explain(&observed);
            assert_eq!(reasons.missing.is_empty(), condition.holds(&observed), "{place}: {condition:?}");
            assert!(reasons.held.iter().all(|literal| observed.literal(*literal)), "{place}: {reasons:?}");
            assert!(reasons.missing.iter().all(|literal| !observed.literal(*literal)), "{place}: {reasons:?}");
        }
    }
}

#[test]
fn the_index_finds_what_trying_every_condition_finds() {
    for (place, facts) in all_facts() {
        let Some(Verdict { cause, confidence, condition: Some(found) }) = judge(&facts) else { continue };
        let observed = Observed::new(&facts);
        let first = REGISTRY
            .by_precision()
            .flat_map(|cause| cause.conditions)
            .find(|(wanted, condition)| *wanted == confidence && condition.holds(&observed));
        assert_eq!(first.map(|(_, condition)| condition), Some(found), "{place}: {}", cause.slug);
    }
}

#[test]
fn prose_mentions_every_leaf() {
    for condition in conditions() {
        for lang in [Lang::En, Lang::Zh] {
            let prose = condition.prose(lang);
            for literal in condition.fold(&Literals) {
                let leaf = Literal { negated: false, ..literal }.prose(lang);
                assert!(prose.contains(&leaf), "{leaf} is missing: {prose}");
            }
        }
    }
}
