//! The cases of the causes: facts, and the verdict that is due. Their texts are given, since nothing here reads files.

use std::fmt::Display;

use crate::catalogue::Status;
use crate::causes::REGISTRY;
use crate::condition::Observed;
use crate::{Cause, Facts, judge, record};

/// A cause that is in use, and its `cases.md`.
#[derive(Debug)]
pub struct CauseCases {
    /// The cause.
    pub cause: &'static Cause,
    /// Its cases in their order.
    pub cases: Vec<Case>,
}

/// One fenced block of a `cases.md`.
#[derive(Debug)]
pub struct Case {
    /// The heading above it, which says where it comes from.
    pub heading: String,
    /// The slug of the verdict, or `none`.
    pub verdict: String,
    /// The confidence, where the case insists on one.
    pub confidence: Option<String>,
    /// Whether the facts only look like the cause's.
    pub near_miss: bool,
    /// The facts.
    pub facts: Facts<'static>,
}

/// Reads the cases of every cause that is in use; what is retired has none.
///
/// # Errors
/// A text cannot be had, or a block of it is no case; the message says which.
pub fn read_all<E: Display>(text: impl Fn(&Cause) -> Result<String, E>) -> Result<Vec<CauseCases>, String> {
    let in_use = REGISTRY.iter().copied().filter(|cause| cause.status == Status::Stable);
    let read = |cause: &'static Cause| -> Result<CauseCases, String> {
        let text = text(cause).map_err(|error| error.to_string())?;
        Ok(CauseCases { cause, cases: parse(&text)? })
    };
    in_use.map(|cause| read(cause).map_err(|error| format!("{}: {error}", cause.slug))).collect()
}

fn parse(text: &str) -> Result<Vec<Case>, String> {
    let (mut cases, mut heading) = (Vec::new(), "");
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        heading = line.strip_prefix("## ").unwrap_or(heading);
        let Some(info) = line.strip_prefix("```json ") else { continue };
        let value = |key: &str| info.split_whitespace().find_map(|word| word.strip_prefix(key)).map(str::to_owned);
        let json: String = lines.by_ref().take_while(|line| *line != "```").collect();
        cases.push(Case {
            heading: heading.to_owned(),
            verdict: value("verdict=").ok_or_else(|| format!("{heading}: no verdict="))?,
            confidence: value("confidence="),
            near_miss: info.split_whitespace().any(|word| word == "near-miss"),
            facts: facts(&json).map_err(|error| format!("{heading}: {error}"))?,
        });
    }
    Ok(cases)
}

/// The facts of a block, which leaves out what makes a record of them.
fn facts(json: &str) -> Result<Facts<'static>, String> {
    let mut object: serde_json::Map<_, _> = serde_json::from_str(json).map_err(|error| error.to_string())?;
    object.insert("meshwhy.record".to_owned(), "1".into());
    record::from_object(&object).map(|record| record.facts).ok_or_else(|| "no record".to_owned())
}

/// How cases break what they are for: each gets its verdict and no equal one, and each cause has a case and a near miss.
#[must_use]
pub fn broken(all: &[CauseCases]) -> Vec<String> {
    let mut broken = Vec::new();
    for CauseCases { cause, cases } in all {
        // Where nothing failed there is no verdict.
        let own = if cause.slug == "none-success" { "none" } else { cause.slug };
        if !cases.iter().any(|case| case.verdict == own) || !cases.iter().any(|case| case.near_miss) {
            broken.push(format!("{}: `cases.md` lacks a case or a near miss", cause.slug));
        }
        for case in cases {
            broken.extend(wrong(cause, case).into_iter().chain(equals(case)).map(|why| {
                let heading = &case.heading;
                format!("{}: {heading}: {why}", cause.slug)
            }));
        }
    }
    broken
}

/// What is wrong with the verdict.
fn wrong(cause: &Cause, case: &Case) -> Option<String> {
    let verdict = judge(&case.facts);
    let slug = verdict.map_or("none", |verdict| verdict.cause.slug);
    if slug != case.verdict || (case.near_miss && slug == cause.slug) {
        return Some(format!("judged {slug}, expected {}", case.verdict));
    }
    let (confidence, expected) = (verdict?.confidence.as_str(), case.confidence.as_deref()?);
    (confidence != expected).then(|| format!("{confidence}, expected {expected}"))
}

/// The causes that the same facts name as well.
fn equals(case: &Case) -> impl Iterator<Item = String> {
    let (observed, verdict) = (Observed::new(&case.facts), judge(&case.facts));
    REGISTRY.iter().filter_map(move |other| {
        let verdict = verdict?;
        let mut ways = other.conditions.iter().filter(|(confidence, _)| *confidence == verdict.confidence);
        let is_equal = !verdict.cause.is_of(other) && ways.any(|(_, condition)| condition.holds(&observed));
        is_equal.then(|| {
            let (one, other) = (verdict.cause.slug, other.slug);
            format!("{one}, and also {other}; one of these must refine the other, or a condition is too wide")
        })
    })
}
