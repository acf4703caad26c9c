//! What was looked at in a proxy.

use maud::{Markup, html};
use meshwhy_core::Lang;
use meshwhy_proxy::doctor::DoctorReport;
use meshwhy_proxy::matching::Truth;

use super::prose;
use crate::escape;
use crate::labels::{Labels, area};

/// The examination of one proxy as a part of a page.
#[must_use]
pub fn doctor(report: &DoctorReport, lang: Lang) -> Markup {
    let labels = Labels::of(lang);
    html! {
        h2 { (labels.proxy) @if let Some(proxy) = &report.proxy { " " (escape::line(proxy)) } }
        @for examined in report.examined.chunk_by(|one, other| one.area == other.area) {
            @if let Some(first) = examined.first() { h3 { (area(first.area, lang)) } }
            ul.examined {
                @for one in examined {
                    @let (class, word) = match one.good {
                        Truth::Yes => ("good", labels.good),
                        Truth::No => ("error", labels.bad),
                        Truth::Unknown => ("warning", labels.open),
                    };
                    li class=(class) {
                        span.mark { (word) } " " (prose(&escape::line(&one.what)))
                        @if let Some(action) = &one.action { p.faint { (prose(&escape::line(action))) } }
                    }
                }
            }
        }
    }
}
