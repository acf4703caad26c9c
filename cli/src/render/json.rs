//! JSON for programs: one object, versioned, the same keys in every language.

use std::io::{self, Write};

use meshwhy_core::causes::unknown;
use meshwhy_diagnose::{Tally, Totals};
use meshwhy_logs::decoded::Decoded;
use serde::Serialize;

use crate::escape;
use crate::lang;
use crate::report::{Alternative, DiagnosisReport, Entry, Example, Observed};

/// Value of the key `schema`.
pub(crate) const SCHEMA: &str = "meshwhy/1";

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub(super) struct Verdicts<'a> {
    schema: &'static str,
    lang: &'static str,
    verdicts: Vec<Verdict<'a>>,
    /// What stands in base64 in the input.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    decoded: &'a [Decoded],
    lines: Tally,
    unreadable_lines: u64,
}

/// One answer of several, best first.
#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(super) enum Verdict<'a> {
    Judged(&'a Entry),
    Possible(&'a Alternative),
}

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub(super) struct Findings<'a> {
    schema: &'static str,
    lang: &'static str,
    findings: &'a [Entry],
    /// Failures that were not asked for: of other causes, targets and times.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_shown: Option<u64>,
    lines: Tally,
    totals: Totals,
    /// The time that the lines are of.
    #[serde(skip_serializing_if = "Option::is_none")]
    observed: Option<&'a Observed>,
    /// The first lines that were not understood; at most three.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    unparsed_examples: &'a [Example],
}

/// A line of `diagnose --format jsonl`.
#[derive(Serialize)]
struct FindingLine<'a> {
    schema: &'static str,
    lang: &'static str,
    #[serde(flatten)]
    finding: &'a Entry,
}

/// Writes the answer to `explain`.
pub(crate) fn verdicts(out: &mut dyn Write, report: &DiagnosisReport) -> io::Result<()> {
    let (lang, lines) = (lang::tag(report.lang), report.tally);
    let verdicts = answers(report);
    object(out, &Verdicts { schema: SCHEMA, lang, verdicts, decoded: &report.decoded, lines, unreadable_lines: lines.unreadable })
}

/// The answers of a report, best first: what is unknown comes behind what is possible.
pub(super) fn answers(report: &DiagnosisReport) -> Vec<Verdict<'_>> {
    let (unknown, known): (Vec<_>, Vec<_>) = report.entries.iter().partition(|entry| entry.code == unknown::CAUSE.code);
    let possible = report.alternatives().into_iter().map(Verdict::Possible);
    known.into_iter().map(Verdict::Judged).chain(possible).chain(unknown.into_iter().map(Verdict::Judged)).collect()
}

/// Writes the answer to `diagnose`.
pub(crate) fn findings(out: &mut dyn Write, report: &DiagnosisReport) -> io::Result<()> {
    let (lang, not_shown) = (lang::tag(report.lang), Some(report.not_shown).filter(|count| *count > 0));
    object(
        out,
        &Findings {
            schema: SCHEMA,
            lang,
            findings: &report.entries,
            not_shown,
            lines: report.tally,
            totals: report.totals,
            observed: report.observed.as_ref(),
            unparsed_examples: &report.unparsed,
        },
    )
}

/// Writes the findings of `diagnose`, each on a line of its own.
pub(crate) fn finding_lines(out: &mut dyn Write, report: &DiagnosisReport) -> io::Result<()> {
    for finding in &report.entries {
        serde_json::to_writer(escape::Json(out), &FindingLine { schema: SCHEMA, lang: lang::tag(report.lang), finding })?;
        writeln!(out)?;
    }
    Ok(())
}

/// Writes one object and a line end.
pub(crate) fn object(out: &mut dyn Write, object: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(escape::Json(out), object)?;
    writeln!(out)
}
