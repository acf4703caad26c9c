//! Markdown: a diagnosis that fits a ticket, and how text is kept from being taken for more than text.

use std::io::{self, Write};

use meshwhy_core::catalogue::explanation::{ExplanationPart, FilledStep};
use meshwhy_report::columns::{hop, seconds, service, target};

use super::Labels;
use super::diagnosis::overview::{beginning, explained};
use crate::escape;
use crate::report::{DiagnosisReport, Entry};

/// Writes the table, of at most `top` rows, and of the causes that count most why and the first fix.
pub(crate) fn diagnosis(out: &mut dyn Write, report: &DiagnosisReport, top: usize) -> io::Result<()> {
    let labels = Labels::of(report.lang);
    let Labels { count, cause, target, hop, first_seen, .. } = labels;
    if report.entries.is_empty() {
        let nothing = if report.not_shown > 0 { labels.others_failed } else { labels.nothing_found };
        return writeln!(out, "{nothing}");
    }
    writeln!(out, "| {count} | {cause} | {target} | {hop} | {first_seen} |\n| ---: | --- | --- | --- | --- |")?;
    for entry in report.entries.iter().take(top) {
        row(out, entry)?;
    }
    let left = report.entries.len().saturating_sub(top);
    if left > 0 {
        writeln!(out, "\n{}: {left}", labels.more_rows)?;
    }
    explained(report).try_for_each(|entry| explanation(out, labels, report, entry))
}

fn row(out: &mut dyn Write, entry: &Entry) -> io::Result<()> {
    let [target, hop, first] = [service(entry), hop(entry), seconds(entry.first_seen)].map(|text| cell(&text));
    writeln!(out, "| {} | {} {} | {target} | {hop} | {first} |", entry.count, entry.code, entry.slug)
}

fn explanation(out: &mut dyn Write, labels: &Labels, report: &DiagnosisReport, entry: &Entry) -> io::Result<()> {
    let confidence = labels.confidence(entry.confidence);
    writeln!(out, "\n### {} {} ({confidence})\n\n{}\n", entry.code, entry.slug, entry.headline)?;
    writeln!(out, "{}× `{}`", entry.count, span(&target(entry)))?;
    if let Some(example) = entry.examples.first() {
        let place = format!("{}:{}", example.source, example.line);
        writeln!(out, "\n`{}`: `{}`", span(&place), span(&example.text))?;
    }
    if let Some(Some(found)) = &entry.configuration {
        writeln!(out, "\n**{}**: `{}` {}", labels.configuration, span(&found.at.to_string()), cell(&found.message))?;
    }
    let why = entry.explanation.why.first().copied().unwrap_or_default();
    writeln!(out, "\n**{}**: {}\n\n**{}**", labels.why, beginning(why, report.lang), labels.fix)?;
    for part in &entry.explanation.fix {
        match part {
            ExplanationPart::Prose { text } => writeln!(out, "\n{text}")?,
            ExplanationPart::Steps { steps, .. } => {
                // The first of the fixes; the others stand in the full diagnosis.
                return steps.iter().try_for_each(|step| self::step(out, step));
            }
        }
    }
    Ok(())
}

fn step(out: &mut dyn Write, step: &FilledStep) -> io::Result<()> {
    match step {
        FilledStep::Command { text } => writeln!(out, "\n```sh\n{text}\n```"),
        FilledStep::Patch { text } => writeln!(out, "\n```yaml\n{}\n```", text.trim_end()),
        FilledStep::Note { text } => writeln!(out, "\n{text}"),
    }
}

/// Code in a paragraph: a backtick would end it.
pub(crate) fn span(text: &str) -> String {
    escape::line(text).replace('`', "'")
}

/// Code in a table, where a bar would end the cell.
pub(crate) fn code(text: &str) -> String {
    span(text).replace('|', "\\|")
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
