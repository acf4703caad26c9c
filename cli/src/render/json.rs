//! JSON for programs: one object, versioned, the same keys in every language.

use std::io::{self, Write};

use serde::Serialize;

use crate::analysis::Tally;
use crate::escape;
use crate::lang;
use crate::report::{Entry, Report};

/// Value of the key `schema`.
pub(crate) const SCHEMA: &str = "meshwhy/1";

#[derive(Serialize)]
struct Verdicts<'a> {
    schema: &'static str,
    lang: &'static str,
    verdicts: &'a [Entry],
    lines: Tally,
    unreadable_lines: u64,
}

#[derive(Serialize)]
struct Findings<'a> {
    schema: &'static str,
    lang: &'static str,
    findings: &'a [Entry],
    lines: Tally,
}

/// Writes the answer to `explain`.
pub(crate) fn verdicts(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let (lang, lines) = (lang::tag(report.lang), report.tally);
    object(out, &Verdicts { schema: SCHEMA, lang, verdicts: &report.entries, lines, unreadable_lines: lines.unreadable })
}

/// Writes the answer to `diagnose`.
pub(crate) fn findings(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let lang = lang::tag(report.lang);
    object(out, &Findings { schema: SCHEMA, lang, findings: &report.entries, lines: report.tally })
}

/// Writes one object and a line end.
pub(crate) fn object(out: &mut dyn Write, object: &impl Serialize) -> io::Result<()> {
    let json = serde_json::to_string_pretty(object)?;
    writeln!(out, "{}", escape::json(&json))
}
