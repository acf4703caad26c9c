//! Every block of every `cases.md` is judged, and every back-end that applies names the same cause.

#![expect(clippy::unwrap_used, reason = "a broken test must fail loudly")]

use std::path::Path;

use meshwhy_core::cause_cases::{CauseCases, broken, read_all};
use meshwhy_core::causes::REGISTRY;
use meshwhy_core::condition::{Condition, Engine, FAILS, Literal, Observed};
use meshwhy_core::{Decisive, Facts, Lang, Verdict, judge};

fn all_cases() -> Vec<CauseCases> {
    let causes = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/causes");
    read_all(|cause| std::fs::read_to_string(causes.join(cause.folder()).join("cases.md"))).unwrap()
}

#[test]
fn every_case_gets_its_verdict_and_every_cause_has_a_case_and_a_near_miss() {
    let broken = broken(&all_cases());
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// The facts of every case, with where they come from.
fn all_facts() -> Vec<(String, Facts<'static>)> {
    let cases = all_cases().into_iter().flat_map(|CauseCases { cause, cases }| cases.into_iter().map(move |case| (cause, case)));
    cases.map(|(cause, case)| (format!("{}: {}", cause.slug, case.heading), case.facts)).collect()
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
