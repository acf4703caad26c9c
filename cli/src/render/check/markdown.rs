//! Markdown for comments on a change.

use std::io::{self, Write};

use super::Answer;
use crate::escape;
use crate::render::Labels;

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

/// A backtick would end the code, a bar the cell.
pub(crate) fn code(text: &str) -> String {
    escape::line(text).replace('`', "'").replace('|', "\\|")
}

/// Text that Markdown shows as it is.
pub(crate) fn cell(text: &str) -> String {
    let mut out = String::new();
    for letter in escape::line(text).chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '@' | '#' => out.extend(['\\', letter]),
            _ => out.push(letter),
        }
    }
    out
}
