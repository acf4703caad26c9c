//! JSON for programs.

use std::io::{self, Write};

use meshwhy_check::report::CheckReport;
use serde::Serialize;

use super::Answer;
use crate::lang;
use crate::render::json::{SCHEMA, object};

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub(crate) struct Checked<'a> {
    schema: &'static str,
    lang: &'static str,
    #[serde(flatten)]
    report: &'a CheckReport,
}

pub(super) fn write(out: &mut dyn Write, answer: &Answer<'_>) -> io::Result<()> {
    object(out, &Checked { schema: SCHEMA, lang: lang::tag(answer.lang), report: answer.report })
}
