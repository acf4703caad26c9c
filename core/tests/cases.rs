//! Every block of every `cases.md` is judged, and every back-end that applies names the same cause.

#![expect(clippy::panic, reason = "a law that is broken fails its test")]

use meshwhy_core::causes::REGISTRY;
use meshwhy_core::condition::Observed;
use meshwhy_core::{Cause, judge, record};

/// One fenced block of a `cases.md`.
struct Case {
    heading: String,
    verdict: String,
    confidence: Option<String>,
    near_miss: bool,
    json: String,
}

fn cases(cause: &Cause) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut heading = String::new();
    let mut lines = cause.files.cases.lines();
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
    for cause in REGISTRY {
        for case in cases(cause) {
            let object =
                serde_json::from_str(&case.json).unwrap_or_else(|error| panic!("{}: {}: {error}", cause.slug, case.heading));
            let mut object: serde_json::Map<_, _> = object;
            object.insert("meshwhy.record".to_owned(), "1".into());
            let facts = record::from_object(&object).unwrap().facts;
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
    let lacking: Vec<&str> = REGISTRY
        .iter()
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
    for cause in REGISTRY {
        for case in cases(cause) {
            let mut object: serde_json::Map<_, _> = serde_json::from_str(&case.json).unwrap();
            object.insert("meshwhy.record".to_owned(), "1".into());
            let facts = record::from_object(&object).unwrap().facts;
            let Some(verdict) = judge(&facts) else { continue };
            let equals = REGISTRY.iter().filter(|other| {
                let holds = other
                    .conditions
                    .iter()
                    .any(|(confidence, condition)| *confidence == verdict.confidence && condition.holds(&Observed::new(&facts)));
                holds && other.code != verdict.cause.code && !verdict.cause.refines(other)
            });
            ambiguous.extend(equals.map(|other| format!("{}: {}: also {}", cause.slug, case.heading, other.slug)));
        }
    }
    assert!(ambiguous.is_empty(), "one of these must refine the other, or a condition is too wide:\n{}", ambiguous.join("\n"));
}
