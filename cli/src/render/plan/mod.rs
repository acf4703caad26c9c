//! The answer to `plan`, one file per form.

mod argocd;
mod json;
mod markdown;
mod shell;
mod text;

use std::io::{self, Write};

use meshwhy_check::plan::{Plan, PlanReport};
use meshwhy_check::source::Source;
use meshwhy_core::Lang;

use crate::args::PlanFormatArg;

#[cfg(feature = "schemas")]
pub(super) use json::Planned;

/// A plan, and what a renderer needs beside it.
pub(crate) struct PlanAnswer<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) report: &'a PlanReport,
    /// The files of NEW.
    pub(crate) new: &'a [Source],
    pub(crate) lang: Lang,
}

/// Writes the plan.
///
/// # Errors
/// The output cannot be written.
pub(crate) fn write(out: &mut dyn Write, answer: &PlanAnswer<'_>, format: PlanFormatArg) -> io::Result<()> {
    match format {
        PlanFormatArg::Text => text::write(out, answer),
        PlanFormatArg::Shell => shell::write(out, answer),
        PlanFormatArg::Argocd => argocd::write(out, answer),
        PlanFormatArg::Markdown => markdown::write(out, answer),
        PlanFormatArg::Json => json::write(out, answer),
    }
}
