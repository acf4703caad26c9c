//! The manifests of NEW as one stream, the batch of each resource written into it as a sync wave; what does not change stays in wave 0.

use std::collections::HashMap;
use std::io::{self, Write};

use meshwhy_check::edit::{Edit, apply};

use super::PlanAnswer;
use crate::escape;
use crate::render::Labels;

pub(super) fn write(out: &mut dyn Write, answer: &PlanAnswer<'_>) -> io::Result<()> {
    let labels = Labels::of(answer.lang);
    if answer.report.batches.is_empty() {
        writeln!(out, "# {}", labels.nothing_to_do)?;
    }
    remarks(out, labels, answer)?;
    let mut edits: HashMap<usize, Vec<Edit>> = HashMap::new();
    for edit in &answer.plan.waves {
        edits.entry(edit.place.file as usize).or_default().push(edit.clone());
    }
    for (index, source) in answer.new.iter().enumerate() {
        let text = apply(&source.text, edits.get(&index).map(Vec::as_slice).unwrap_or_default());
        let text = text.trim_start_matches('\u{feff}');
        if !text.starts_with("---") {
            writeln!(out, "---")?;
        }
        write!(out, "{text}")?;
        if !text.ends_with('\n') {
            writeln!(out)?;
        }
    }
    Ok(())
}

/// What no annotation can say.
fn remarks(out: &mut dyn Write, labels: &Labels, answer: &PlanAnswer<'_>) -> io::Result<()> {
    for step in answer.report.batches.iter().flat_map(|batch| &batch.steps) {
        let remark = match (step.action, step.intermediate) {
            ("delete", _) => labels.not_in_new,
            (_, true) => labels.sync_twice,
            _ => continue,
        };
        writeln!(out, "# {}: {remark}", escape::line(&step.resource))?;
    }
    for (name, wave) in &answer.plan.unwritten_waves {
        writeln!(out, "# {}: {} {wave}", escape::line(&name.to_string()), labels.no_wave)?;
    }
    Ok(())
}
