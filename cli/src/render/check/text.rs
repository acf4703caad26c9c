//! Text for people: each finding with the line that it is in, then what its rule says.

use std::io::{self, Write};

use meshwhy_check::report::{Location, ReportedFinding};
use meshwhy_core::Cause;
use unicode_width::UnicodeWidthStr as _;

use super::Answer;
use crate::escape;
use crate::render::Labels;
use crate::render::page::{Emphasis, Page};
use crate::render::text::explanation;

/// Rules up to which each is explained at once; for more, the reader asks for the one that is of interest.
const EXPLAINED: usize = 3;
/// Longest excerpt, in columns.
const EXCERPT: usize = 120;

pub(super) fn write(out: &mut dyn Write, answer: &Answer<'_>) -> io::Result<()> {
    let labels = Labels::of(answer.lang);
    let report = answer.report;
    let mut page = Page::new(out);
    for finding in &report.findings {
        one(&mut page, answer, finding)?;
        page.blank()?;
    }
    if report.rules.len() <= EXPLAINED {
        for rule in &report.rules {
            page.title(&format!("{} {}", rule.code, rule.slug), labels.rule, rule.headline)?;
            explanation(&mut page, labels, &rule.explanation)?;
            page.blank()?;
        }
    }
    if answer.is_verbose {
        unknown(&mut page, answer)?;
    }
    for unmatched in &report.unmatched_suppressions {
        let place = unmatched.at.as_ref().map_or_else(|| "--ignore".to_owned(), place);
        page.dim(&format!("{place}: {} {}", escape::line(&unmatched.code), labels.suppresses_nothing))?;
    }
    tally(&mut page, answer)
}

fn one(page: &mut Page<'_>, answer: &Answer<'_>, finding: &ReportedFinding) -> io::Result<()> {
    let labels = Labels::of(answer.lang);
    let emphasis = match finding.severity {
        "error" => Emphasis::Error,
        "warning" => Emphasis::Warning,
        _ => Emphasis::Note,
    };
    let likely = if finding.confidence == "likely" { format!(" ({})", labels.likely) } else { String::new() };
    let name = format!("{} {}", finding.code, finding.slug);
    page.finding(emphasis, labels.severity(finding.severity), &name, &format!("{}{likely}", escape::line(&finding.message)))?;
    let resource = finding.resource.as_deref().map(|resource| format!("  {}", escape::line(resource))).unwrap_or_default();
    page.line(&format!("--> {}{resource}", place(&finding.at)))?;
    excerpt(page, answer, finding, emphasis)?;
    for related in &finding.related {
        let resource = related.resource.as_deref().map(escape::line).unwrap_or_default();
        page.line(&format!("  = {} {}  {resource}", labels.see_also, place(&related.at)))?;
    }
    if !finding.explains.is_empty() {
        let name = |code: &&str| Cause::find(code).map_or_else(|| (*code).to_owned(), |cause| format!("{code} {}", cause.slug));
        let causes: Vec<String> = finding.explains.iter().map(name).collect();
        page.line(&format!("  = {} {}", labels.requests_show, causes.join(", ")))?;
    }
    if finding.has_edit {
        page.line(&format!("  = {}", labels.has_edit))?;
    }
    Ok(())
}

/// The line of a finding, and marks under the place.
fn excerpt(page: &mut Page<'_>, answer: &Answer<'_>, finding: &ReportedFinding, emphasis: Emphasis) -> io::Result<()> {
    let at = &finding.at;
    let line = answer.sources.line(finding.place.file, at.line);
    let column = at.column.saturating_sub(1) as usize;
    let before: String = line.chars().take(column).collect();
    let end = if at.end_line == at.line { at.end_column.saturating_sub(1) as usize } else { line.chars().count() };
    let marked: String = line.chars().skip(column).take(end.saturating_sub(column).max(1)).collect();
    let (before, shown) = (escape::line(&before.replace('\t', " ")), escape::line(&line.replace('\t', " ")));
    if before.width() > EXCERPT || shown.trim().is_empty() {
        return Ok(());
    }
    let shown: String = shown.chars().take(EXCERPT).collect();
    let width = escape::line(&marked.replace('\t', " ")).width().clamp(1, EXCERPT - before.width().min(EXCERPT - 1));
    let number = at.line.to_string();
    page.line(&format!("{number} | {}", shown.trim_end()))?;
    page.marks(&format!("{} | {}", " ".repeat(number.len()), " ".repeat(before.width())), width, emphasis)
}

fn place(at: &Location) -> String {
    escape::line(&at.to_string())
}

fn unknown(page: &mut Page<'_>, answer: &Answer<'_>) -> io::Result<()> {
    let labels = Labels::of(answer.lang);
    for unknown in &answer.report.unknown {
        let what = format!("{} {}: {}", place(&unknown.at), unknown.code, labels.not_checked);
        page.dim(&format!("{what} {}", escape::line(&unknown.missing)))?;
    }
    Ok(())
}

fn tally(page: &mut Page<'_>, answer: &Answer<'_>) -> io::Result<()> {
    let labels = Labels::of(answer.lang);
    let report = answer.report;
    let count = |severity: &str| report.findings.iter().filter(|finding| finding.severity == severity).count();
    let mut parts = vec![format!("{}: {}", labels.documents_read, report.documents)];
    if report.documents != report.resources {
        parts.push(format!("{}: {}", labels.manifests, report.resources));
    }
    let counts = ["error", "warning", "info"].map(|severity| (labels.severity(severity), count(severity)));
    parts.extend(counts.into_iter().filter(|(_, count)| *count > 0).map(|(label, count)| format!("{label}: {count}")));
    if report.findings.is_empty() {
        parts.push(labels.nothing_found.to_owned());
    }
    if !report.unknown.is_empty() && !answer.is_verbose {
        parts.push(format!("{}: {}", labels.undecided, report.unknown.len()));
    }
    page.dim(&parts.join(" · "))?;
    if report.rules.len() > EXPLAINED {
        page.dim(labels.ask_for_rule)?;
    }
    Ok(())
}
