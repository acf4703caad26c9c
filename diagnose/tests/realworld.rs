//! What people pasted when they asked for help, judged by the function behind `meshwhy explain`.
//!
//! `data/realworld*.jsonl`: 119 failures from public threads and posts, names and addresses replaced; each with the cause that the
//! thread found.

#![allow(clippy::unwrap_used, reason = "a broken case must fail loudly")]

use meshwhy_core::{Cause, Confidence};
use meshwhy_diagnose::{Analysis, Group};
use serde_json::Value;

/// Cases that the input alone does not decide, and why. An entry that is no longer needed fails.
const MISSED: &[(&str, &str)] = &[
    (
        "istio-51962-json-fragment",
        "a status and `connection_termination`: nothing tells plaintext from any other end of a connection",
    ),
    ("istio-50098-large-h2", "the body of every upstream protocol error; that headers were too large is known from elsewhere"),
    ("pinpoint-10016-431", "a bare 431: size and number of headers have the same status, and size is the commoner reason"),
    ("consul-10379-cds", "a routine line of a cluster update; what failed is in no line"),
];

/// Of all cases, how many of a hundred must be right.
const WANTED_PERCENT: usize = 96;

/// The one whose cause is none of the first three either.
const NOT_NAMED: &str = "consul-10379-cds";

fn cases() -> Vec<Value> {
    [include_str!("data/realworld.jsonl"), include_str!("data/realworld-2.jsonl")]
        .into_iter()
        .flat_map(str::lines)
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn top(case: &Value) -> Option<&'static str> {
    let analysis = Analysis::of(case["input"].as_str().unwrap().as_bytes());
    analysis.groups.first().map(|group| group.verdict.cause.slug)
}

/// Among the verdicts that are certain, one that is right; where none is certain there is nothing to be wrong about.
fn is_falsely_certain(case: &Value) -> bool {
    let analysis = Analysis::of(case["input"].as_str().unwrap().as_bytes());
    let certain = analysis.groups.first().filter(|group| group.verdict.confidence == Confidence::Certain);
    certain.is_some() && !is_right(case)
}

fn is_right(case: &Value) -> bool {
    let top = top(case);
    if case["expects_failure"] == false {
        return top.is_none();
    }
    let accepted =
        |slug: &str| case["expected_cause"] == slug || case["also_accept"].as_array().unwrap().iter().any(|other| other == slug);
    top.is_some_and(accepted)
}

/// The causes that a reader sees: the most telling verdict, then what is possible besides.
fn first_three(case: &Value) -> Vec<&'static str> {
    let analysis = Analysis::of(case["input"].as_str().unwrap().as_bytes());
    let alternatives = |group: &Group| group.verdict.alternatives(&group.facts).into_iter().map(|other| other.cause.slug);
    let verdicts = analysis.groups.iter().map(|group| group.verdict.cause.slug);
    verdicts.take(1).chain(analysis.groups.first().into_iter().flat_map(alternatives)).take(3).collect()
}

#[test]
fn no_failure_is_called_healthy_and_nothing_certain_is_wrong() {
    let analysis = |case: &Value| Analysis::of(case["input"].as_str().unwrap().as_bytes());
    let all_clear = |case: &Value| case["expects_failure"] == true && top(case).is_none() && analysis(case).recognised();
    let listed = |case: &Value| MISSED.iter().any(|(id, _)| case["id"] == *id);
    let wrong: Vec<_> = cases().into_iter().filter(|case| all_clear(case) || is_falsely_certain(case) && !listed(case)).collect();
    assert!(wrong.is_empty(), "{:#?}", wrong.iter().map(|case| (&case["id"], top(case))).collect::<Vec<_>>());
}

#[test]
fn every_expected_cause_is_in_the_catalogue() {
    for case in cases() {
        let slug = case["expected_cause"].as_str().unwrap();
        assert!(Cause::find(slug).is_some(), "{}: {slug}", case["id"]);
    }
}

#[test]
fn the_right_cause_comes_first_but_in_listed_cases() {
    let cases = cases();
    let wrong: Vec<&Value> = cases.iter().filter(|case| !is_right(case)).collect();
    let miss = |case: &&Value| format!("{}: expected {}, got {:?}", case["id"], case["expected_cause"], top(case));
    let ids: Vec<&str> = wrong.iter().map(|case| case["id"].as_str().unwrap()).collect();
    let listed: Vec<&str> = MISSED.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, listed, "the list of misses is stale:\n{}", wrong.iter().map(miss).collect::<Vec<_>>().join("\n"));
    assert!((cases.len() - wrong.len()) * 100 >= cases.len() * WANTED_PERCENT, "{} of {} are wrong", wrong.len(), cases.len());
}

#[test]
fn whoever_reads_on_finds_the_cause_among_the_first_three() {
    let is_named = |case: &Value| is_right(case) || first_three(case).iter().any(|slug| case["expected_cause"] == *slug);
    let wrong: Vec<_> = cases().into_iter().filter(|case| !is_named(case)).map(|case| case["id"].clone()).collect();
    assert_eq!(wrong, [NOT_NAMED]);
}
