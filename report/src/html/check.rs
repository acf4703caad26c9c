//! What is wrong in manifests: each finding with its line, then what the rules say.

use maud::{Markup, html};
use meshwhy_check::report::{CheckReport, ReportedFinding};
use meshwhy_check::source::Sources;
use meshwhy_core::Lang;

use super::{prose, steps};
use crate::escape;
use crate::labels::Labels;

/// Most findings that are shown; the command line shows all.
const MOST: usize = 500;

/// The answer of a check as a part of a page.
#[must_use]
pub fn check(report: &CheckReport, sources: &Sources<'_>, lang: Lang) -> Markup {
    let labels = Labels::of(lang);
    html! {
        dl {
            div { dt { (labels.documents_read) } dd { (report.documents) } }
            @for severity in ["error", "warning", "info"] {
                @let count = report.findings.iter().filter(|finding| finding.severity == severity).count();
                @if count > 0 { div { dt { (labels.severity(severity)) } dd { (count) } } }
            }
        }
        @if report.findings.is_empty() { p { (labels.nothing_found) } }
        @for finding in report.findings.iter().take(MOST) { (one(labels, sources, finding)) }
        @if report.findings.len() > MOST { p.faint { (labels.more_rows) ": " (report.findings.len() - MOST) } }
        @for rule in &report.rules {
            article id=(rule.code) tabindex="-1" {
                h2 { (rule.code) " " (rule.slug) }
                p { strong { (rule.headline) } }
                h3 { (labels.why) }
                @for paragraph in &rule.explanation.why { p { (prose(paragraph)) } }
                h3 { (labels.fix) }
                (steps(labels, &rule.explanation.fix))
                details { summary { (labels.confirm) } (steps(labels, &rule.explanation.confirm)) }
            }
        }
    }
}

fn one(labels: &Labels, sources: &Sources<'_>, finding: &ReportedFinding) -> Markup {
    let resource = finding.resource.as_deref().map(escape::line).unwrap_or_default();
    let line = sources.line(finding.place.file, finding.at.line);
    html! {
        section.finding {
            p {
                span class=(format!("severity {}", finding.severity)) { (labels.severity(finding.severity)) } " "
                a href=(format!("#{}", finding.code)) { (finding.code) " " (finding.slug) }
                @if finding.confidence == "likely" { " (" (labels.likely) ")" }
            }
            p { strong { (prose(&escape::line(&finding.message))) } }
            p.faint { (escape::line(&finding.at.to_string())) " " (resource) }
            @if !line.trim().is_empty() { pre tabindex="0" { (finding.at.line) " | " (escape::line(&line.replace('\t', " "))) } }
        }
    }
}
