//! A checklist.

use std::io::{self, Write};

use super::PlanAnswer;
use crate::escape;
use crate::render::Labels;
use crate::render::markdown::{cell, span};

pub(super) fn write(out: &mut dyn Write, answer: &PlanAnswer<'_>) -> io::Result<()> {
    let labels = Labels::of(answer.lang);
    if answer.report.batches.is_empty() {
        return writeln!(out, "{}", labels.nothing_to_do);
    }
    for (number, batch) in (1..).zip(&answer.report.batches) {
        writeln!(out, "## {} {number}\n", labels.batch)?;
        for why in &batch.why {
            writeln!(out, "{}\n", cell(why))?;
        }
        for step in &batch.steps {
            let between = if step.intermediate { format!(" ({})", labels.intermediate) } else { String::new() };
            let place = format!("{}:{}", step.at.file, step.at.line);
            let action = labels.action(step.action);
            writeln!(out, "- [ ] {action} `{}`{between} – `{}`", span(&step.resource), span(&place))?;
        }
        for wait in &batch.waits {
            let what = cell(&wait.what);
            writeln!(out, "- [ ] {} {what}: `{}`", labels.then_wait, span(&escape::line(&wait.command.join(" "))))?;
        }
        writeln!(out)?;
    }
    Ok(())
}
