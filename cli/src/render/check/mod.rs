//! The answer to `check`, one file per form.

mod github;
mod json;
mod junit;
pub(super) mod markdown;
mod sarif;
mod text;

use std::io::{self, Write};

use meshwhy_check::report::CheckReport;
use meshwhy_check::source::Sources;
use meshwhy_core::Lang;

use crate::args::CheckFormatArg;

#[cfg(feature = "schemas")]
pub(super) use json::Checked;

/// An answer, and what a renderer needs beside it.
pub(crate) struct Answer<'a> {
    pub(crate) report: &'a CheckReport,
    /// Excerpts come from here.
    pub(crate) sources: &'a Sources<'a>,
    pub(crate) lang: Lang,
    /// Whether to say what could not be decided.
    pub(crate) is_verbose: bool,
}

/// Writes the answer.
///
/// # Errors
/// The output cannot be written.
pub(crate) fn write(out: &mut dyn Write, answer: &Answer<'_>, format: CheckFormatArg) -> io::Result<()> {
    match format {
        CheckFormatArg::Text => text::write(out, answer),
        CheckFormatArg::Json => json::write(out, answer),
        CheckFormatArg::Sarif => sarif::write(out, answer),
        CheckFormatArg::Markdown => markdown::write(out, answer),
        CheckFormatArg::Junit => junit::write(out, answer),
        CheckFormatArg::Github => github::write(out, answer),
    }
}
