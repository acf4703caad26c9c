//! A plan as its reader gets it: with words, files and lines.

use meshwhy_core::catalogue::texts::Lang;
use serde::Serialize;

use super::object::holds;
use super::wait::quoted;
use super::{Plan, PlanStep, Side};
use crate::document::{Node, Place, parse};
use crate::edit::{Edit, apply};
use crate::source::Sources;

/// The annotation that orders what Argo CD applies.
pub const WAVE: &str = "argocd.argoproj.io/sync-wave";

/// A plan.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct PlanReport {
    /// Steps that may be applied together, in order; none when nothing is to be done.
    pub batches: Vec<PlannedBatch>,
    /// Whether some step cannot be made without a gap.
    pub has_cycle: bool,
}

/// A batch.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct PlannedBatch {
    /// The steps, in the order in which they are applied.
    pub steps: Vec<PlannedStep>,
    /// What to wait for before the next batch.
    pub waits: Vec<PlannedWait>,
    /// Why the batch stands here.
    pub why: Vec<String>,
}

/// A step.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct PlannedStep {
    /// `create`, `replace` or `delete`.
    pub action: &'static str,
    /// The resource, as `Kind/namespace/name`.
    pub resource: String,
    /// Its API group, empty for Kubernetes' core.
    pub group: String,
    /// Where it is written.
    #[serde(flatten)]
    pub at: StepPlace,
    /// Whether it is a version between OLD and NEW.
    pub intermediate: bool,
    /// What is applied; absent for a deletion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    /// Kind and name, as `kubectl` takes them.
    #[serde(skip)]
    pub target: String,
    /// Its namespace; empty where it has none.
    #[serde(skip)]
    pub namespace: String,
}

/// A line of a file of OLD or NEW.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct StepPlace {
    /// `old` or `new`.
    pub side: &'static str,
    /// The file as it was given.
    pub file: String,
    /// Line from 1.
    pub line: u32,
}

/// Something to wait for.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct PlannedWait {
    /// In words.
    pub what: String,
    /// The command, word by word; not quoted for a shell.
    pub command: Vec<String>,
}

impl PlanReport {
    /// With the words of a language.
    #[must_use]
    pub fn new(plan: &Plan, old: &Sources<'_>, new: &Sources<'_>, lang: Lang) -> Self {
        let batches = plan.batches.iter().map(|batch| PlannedBatch {
            steps: batch.steps.iter().map(|step| planned(step, old, new)).collect(),
            waits: batch.waits.iter().map(|wait| PlannedWait { what: wait.text(lang), command: wait.command() }).collect(),
            why: batch.reasons.iter().map(|reason| reason.text(lang)).collect(),
        });
        Self { batches: batches.collect(), has_cycle: plan.has_cycle() }
    }
}

fn planned(step: &PlanStep, old: &Sources<'_>, new: &Sources<'_>) -> PlannedStep {
    let sources = if step.side == Side::Old { old } else { new };
    let Place { file, start, .. } = step.place;
    let name = sources.file(step.place).map(|source| source.name.clone()).unwrap_or_default();
    PlannedStep {
        action: step.action.as_str(),
        resource: step.name.to_string(),
        group: step.name.group.clone(),
        at: StepPlace { side: step.side.as_str(), file: name, line: sources.position(file, start).line },
        intermediate: step.is_between,
        manifest: step.text.clone(),
        target: format!("{}/{}", step.name.kubectl_kind(), step.name.name),
        namespace: step.name.namespace.clone(),
    }
}

/// The edit that writes a wave into a manifest; `None` where it would change something else.
pub(super) fn wave(root: Node<'_>, wave: usize) -> Option<Edit> {
    let metadata = root.get("metadata")?;
    let (key, value) = (quoted(WAVE), quoted(&wave.to_string()));
    let annotations = metadata.get("annotations").filter(|annotations| !annotations.is_empty());
    let edit = match (annotations, annotations.and_then(|annotations| annotations.get(WAVE))) {
        (_, Some(known)) => Edit::replace(known, value),
        (Some(annotations), None) => Edit::add_entry(annotations, &key, &value),
        (None, None) => match metadata.get("annotations") {
            Some(empty) if empty.is_mapping() => Edit::replace(empty, format!("{{{key}: {value}}}")),
            Some(_) => return None,
            None => {
                let start = root.document().root().place().start as usize;
                let is_json = root.document().text().get(start..).is_some_and(|text| text.starts_with('{'));
                let name = if is_json { "\"annotations\"" } else { "annotations" };
                Edit::add_entry(metadata, name, &format!("{{{key}: {value}}}"))
            }
        },
    };
    is_only_wave(root, &edit, wave).then_some(edit)
}

/// Whether the document means the same with the edit, but for the annotation.
fn is_only_wave(root: Node<'_>, edit: &Edit, wave: usize) -> bool {
    let text = root.document().text();
    let outer = root.document().root();
    let Place { start, end, .. } = outer.place();
    let (start, end) = (start as usize, (end as usize).max(edit.place.end as usize));
    let shift = u32::try_from(start).unwrap_or(u32::MAX);
    let Some(slice) = text.get(start..end) else { return false };
    if edit.place.start < shift {
        return false;
    }
    let moved = Place { start: edit.place.start - shift, end: edit.place.end - shift, ..edit.place };
    let edited = apply(slice, &[Edit { place: moved, text: edit.text.clone() }]);
    let mut wanted = root.to_json();
    let Some(metadata) = wanted.get_mut("metadata").and_then(serde_json::Value::as_object_mut) else { return false };
    let annotations = metadata.entry("annotations").or_insert_with(|| serde_json::Value::Object(serde_json::Map::new()));
    if annotations.is_null() {
        *annotations = serde_json::Value::Object(serde_json::Map::new());
    }
    let Some(annotations) = annotations.as_object_mut() else { return false };
    annotations.insert(WAVE.to_owned(), wave.to_string().into());
    if root == outer {
        return holds(&edited, &wanted);
    }
    let parsed = parse(0, &edited);
    let roots = parsed.documents.iter().flat_map(|document| crate::mesh::manifests(document.root()));
    parsed.faults.is_empty() && roots.into_iter().any(|root| root.to_json() == wanted)
}
