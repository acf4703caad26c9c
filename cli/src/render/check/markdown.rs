//! Markdown for comments on a change.

use std::io::{self, Write};

use super::Answer;
use crate::render::Labels;
use crate::render::markdown::{cell, code};

pub(super) fn write(out: &mut dyn Write, answer: &Answer<'_>) -> io::Result<()> {
    let labels = Labels::of(answer.lang);
    let findings = &answer.report.findings;
    if findings.is_empty() {
        return writeln!(out, "{}", labels.nothing_found);
    }
    writeln!(out, "| | {} | {} | {} |\n| --- | --- | --- | --- |", labels.rule, labels.place, labels.finding)?;
    for finding in findings {
        writeln!(
            out,
            "| {} | {} {} | `{}` | {} |",
            finding.severity,
            finding.code,
            finding.slug,
            code(&finding.at.to_string()),
            cell(&finding.message)
        )?;
    }
    Ok(())
}
