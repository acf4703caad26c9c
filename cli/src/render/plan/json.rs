//! JSON for programs.

use std::io::{self, Write};

use meshwhy_check::plan::PlanReport;
use serde::Serialize;

use super::PlanAnswer;
use crate::lang;
use crate::render::json::{SCHEMA, object};

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub(crate) struct Planned<'a> {
    schema: &'static str,
    lang: &'static str,
    #[serde(flatten)]
    report: &'a PlanReport,
}

pub(super) fn write(out: &mut dyn Write, answer: &PlanAnswer<'_>) -> io::Result<()> {
    object(out, &Planned { schema: SCHEMA, lang: lang::tag(answer.lang), report: answer.report })
}
