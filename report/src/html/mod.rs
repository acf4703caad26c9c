//! HTML that needs nothing beside it: no request leaves it, and it can be read without scripts. It works under a policy that allows
//! neither inline handlers nor styles of single elements, so that whoever embeds it can forbid them.

mod check;
mod diagnosis;
mod doctor;

use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use meshwhy_core::catalogue::explanation::{ExplanationPart, FilledStep};

pub use check::check;
pub use doctor::doctor;

use crate::diagnosis::DiagnosisReport;
use crate::labels::Labels;
use crate::lang_tag;
use crate::paragraph::unfolded;
use diagnosis::Diagnosis;

/// What a report looks like.
pub const STYLE: &str = include_str!("style.css");
/// Searching, copying and keys of a report, also of one that comes into the page later.
pub const SCRIPT: &str = include_str!("script.js");

/// What the page may do: nothing but its own style and script.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/// A diagnosis as a page of its own.
#[must_use]
pub fn page(report: &DiagnosisReport, now: Timestamp) -> Markup {
    let diagnosis = Diagnosis::of(report, now);
    html! {
        (DOCTYPE)
        html lang=(lang_tag(report.lang)) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { "meshwhy" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { h1 { "meshwhy" } (diagnosis.head()) }
                main { (diagnosis.body()) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

/// A diagnosis as a part of a page that has [`STYLE`] and [`SCRIPT`].
#[must_use]
pub fn diagnosis(report: &DiagnosisReport, now: Timestamp) -> Markup {
    let diagnosis = Diagnosis::of(report, now);
    html! { (diagnosis.head()) (diagnosis.body()) }
}

/// Steps with their remarks.
fn steps(labels: &Labels, parts: &[ExplanationPart]) -> Markup {
    html! {
        @for part in parts {
            @match part {
                ExplanationPart::Prose { text } => p { (prose(text)) },
                ExplanationPart::Steps { applicability, steps, verify, .. } => {
                    @if let Some(word) = applicability { p.faint { (labels.applicability(word)) } }
                    @for step in steps { (self::step(labels, step)) }
                    @if !verify.is_empty() {
                        p.faint { (labels.verify) }
                        @for step in verify { (self::step(labels, step)) }
                    }
                },
            }
        }
    }
}

fn step(labels: &Labels, step: &FilledStep) -> Markup {
    match step {
        FilledStep::Command { text } | FilledStep::Patch { text } => code(labels, text),
        FilledStep::Note { text } => html! { p { (prose(text)) } },
    }
}

fn code(labels: &Labels, text: &str) -> Markup {
    html! { div.step { button type="button" data-done=(labels.copied) { (labels.copy) } pre tabindex="0" { (text) } } }
}

/// A paragraph, perhaps folded: what stands between backticks is code.
#[must_use]
pub fn prose(text: &str) -> Markup {
    let text = unfolded(text);
    html! {
        @for (at, piece) in text.split('`').enumerate() {
            @if at % 2 == 1 { code { (piece) } } @else { (piece) }
        }
    }
}
