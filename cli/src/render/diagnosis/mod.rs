//! The answer to `diagnose`, one file per form; what it shares with other answers is beside this folder.

mod otlp;
pub(crate) mod overview;
mod sarif;

use std::io::{self, Write};

use jiff::Timestamp;
use meshwhy_report::html;

use crate::args::DiagnosisFormatArg;
use crate::options::Shown;
use crate::report::DiagnosisReport;

use super::{json, markdown, text};

/// Writes the answer.
///
/// # Errors
/// The output cannot be written.
pub(crate) fn write(out: &mut dyn Write, report: &DiagnosisReport, format: DiagnosisFormatArg, shown: &Shown) -> io::Result<()> {
    match format {
        DiagnosisFormatArg::Json => json::findings(out, report),
        DiagnosisFormatArg::Jsonl => json::finding_lines(out, report),
        DiagnosisFormatArg::Markdown => markdown::diagnosis(out, report, shown.top),
        DiagnosisFormatArg::Sarif => sarif::write(out, report),
        DiagnosisFormatArg::Otlp => otlp::write(out, report),
        DiagnosisFormatArg::Html => writeln!(out, "{}", html::page(report, Timestamp::now()).into_string()),
        DiagnosisFormatArg::Text if shown.in_full => text::findings(out, report),
        DiagnosisFormatArg::Text => overview::write(out, report, shown.top),
    }
}
