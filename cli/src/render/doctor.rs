//! What was looked at in a proxy.

use std::io::{self, Write};

use meshwhy_core::Lang;
use meshwhy_proxy::doctor::DoctorReport;
use meshwhy_proxy::matching::Truth;
use meshwhy_report::area;
use serde::Serialize;

use super::json;
use super::page::Page;
use crate::args::FormatArg;
use crate::escape;
use crate::lang;

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub(super) struct Examination<'a> {
    schema: &'static str,
    lang: &'static str,
    /// One for each proxy.
    proxies: &'a [DoctorReport],
}

/// Writes the reports.
pub(crate) fn write(out: &mut dyn Write, proxies: &[DoctorReport], lang: Lang, format: FormatArg) -> io::Result<()> {
    if format == FormatArg::Json {
        return json::object(out, &Examination { schema: json::SCHEMA, lang: lang::tag(lang), proxies });
    }
    let mut page = Page::new(out);
    for (number, report) in proxies.iter().enumerate() {
        if number > 0 {
            page.blank()?;
        }
        one(&mut page, report, lang)?;
    }
    Ok(())
}

fn one(page: &mut Page<'_>, report: &DoctorReport, lang: Lang) -> io::Result<()> {
    let of = [report.proxy.as_deref(), report.last_updated.as_deref()];
    let of: Vec<String> = of.into_iter().flatten().map(escape::line).collect();
    page.dim(&of.join("  "))?;
    for examined in report.examined.chunk_by(|one, other| one.area == other.area) {
        if let Some(first) = examined.first() {
            page.heading(area(first.area, lang))?;
        }
        for one in examined {
            page.checked(one.good, &escape::line(&one.what))?;
            if let Some(action) = &one.action {
                page.note(&escape::line(action))?;
            }
        }
    }
    let count = |good| report.examined.iter().filter(|examined| examined.good == good).count();
    page.blank()?;
    page.dim(&format!("✓ {}  ✗ {}  ? {}", count(Truth::Yes), count(Truth::No), count(Truth::Unknown)))
}
