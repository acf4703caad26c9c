//! Text for people: each batch with its steps, why it stands there, and what to wait for.

use std::io::{self, Write};

use meshwhy_check::plan::PlannedStep;

use super::PlanAnswer;
use crate::escape;
use crate::render::Labels;
use crate::render::page::Page;

pub(super) fn write(out: &mut dyn Write, answer: &PlanAnswer<'_>) -> io::Result<()> {
    let labels = Labels::of(answer.lang);
    let mut page = Page::new(out);
    if answer.report.batches.is_empty() {
        return page.dim(labels.nothing_to_do);
    }
    for (number, batch) in (1..).zip(&answer.report.batches) {
        page.heading(&format!("{} {number}", labels.batch))?;
        batch.why.iter().try_for_each(|why| page.prose(&escape::line(why)))?;
        page.blank()?;
        batch.steps.iter().try_for_each(|step| page.line(&one(labels, step)))?;
        if !batch.waits.is_empty() {
            page.blank()?;
            page.prose(labels.then_wait)?;
            batch.waits.iter().try_for_each(|wait| page.note(&escape::line(&wait.what)))?;
        }
    }
    Ok(())
}

fn one(labels: &Labels, step: &PlannedStep) -> String {
    let between = if step.intermediate { format!(" ({})", labels.intermediate) } else { String::new() };
    let place = format!("{}:{}", escape::line(&step.at.file), step.at.line);
    format!("  {} {}{between}  {place}", labels.action(step.action), escape::line(&step.resource))
}
