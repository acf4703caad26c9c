//! From one set of manifests to another, in steps that never name what is not there: make before break.
//!
//! A model, not a prediction: a batch is safe when every reference of every resource that is applied then is met, except those that OLD or
//! NEW leave open themselves. What the files do not hold is taken to be there and to stay.

mod between;
mod changes;
mod dependencies;
mod dependency;
mod mtls;
mod object;
mod reason;
mod report;
mod schedule;
mod state;
mod wait;

pub use dependency::Dependency;
pub use object::{ObjectName, as_json};
pub use reason::Reason;
pub use report::{PlanReport, PlannedBatch, PlannedStep, PlannedWait, StepPlace};
pub use wait::Wait;

use meshwhy_core::words;

use crate::document::Place;
use crate::edit::Edit;
use crate::mesh::Mesh;

words! {
    /// What a step does.
    pub enum Action {
        /// The resource is new.
        Create = "create",
        /// The resource changes.
        Replace = "replace",
        /// The resource goes.
        Delete = "delete",
    }
}

words! {
    /// Whose files a place is in.
    pub enum Side {
        /// What is applied today.
        Old = "old",
        /// What is to be applied.
        New = "new",
    }
}

/// One change of one resource.
#[derive(Debug, Clone)]
pub struct PlanStep {
    /// What is done.
    pub action: Action,
    /// To what.
    pub name: ObjectName,
    /// Whose file it is in.
    pub side: Side,
    /// Where in it.
    pub place: Place,
    /// What is applied, as one document; `None` for a deletion.
    pub text: Option<String>,
    /// Whether it is a version between OLD and NEW.
    pub is_between: bool,
    /// Whether pods of this Namespace must be restarted for it.
    pub restarts: bool,
}

/// Steps that may be applied together, in their order.
#[derive(Debug, Clone)]
pub struct PlanBatch {
    /// The steps.
    pub steps: Vec<PlanStep>,
    /// What to wait for after it.
    pub waits: Vec<Wait>,
    /// Why it stands here.
    pub reasons: Vec<Reason>,
}

/// All steps.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// In their order.
    pub batches: Vec<PlanBatch>,
    /// Edits of the files of NEW that write the batch of each resource into it as a wave of Argo CD.
    pub waves: Vec<Edit>,
    /// Resources into which none can be written, and their waves.
    pub unwritten_waves: Vec<(ObjectName, usize)>,
}

impl Plan {
    /// The steps from OLD to NEW.
    ///
    /// # Cost
    /// Every step that is not possible yet is looked at once for each batch.
    #[must_use]
    pub fn new(old: &Mesh<'_>, new: &Mesh<'_>) -> Self {
        let entries = changes::ObjectChanges::new(old, new);
        let mut plan = Self { batches: schedule::batches(entries, new), ..Self::default() };
        plan.write_waves(new);
        plan
    }

    /// Whether a step leaves something open that neither OLD nor NEW leave open.
    #[must_use]
    pub fn has_cycle(&self) -> bool {
        let is_cycle = |reason: &Reason| matches!(reason, Reason::Cycle { .. });
        self.batches.iter().any(|batch| batch.reasons.iter().any(is_cycle))
    }

    fn write_waves(&mut self, new: &Mesh<'_>) {
        let mut waves: std::collections::HashMap<&ObjectName, usize> = std::collections::HashMap::new();
        for (batch, wave) in self.batches.iter().zip(1..) {
            let applied = batch.steps.iter().filter(|step| step.side == Side::New && !step.is_between);
            waves.extend(applied.map(|step| (&step.name, wave)));
        }
        let (mut edits, mut unwritten) = (Vec::new(), Vec::new());
        for (name, root) in object::objects(new) {
            let Some(wave) = waves.get(&name) else { continue };
            match report::wave(root, *wave) {
                Some(edit) => edits.push(edit),
                None => unwritten.push((name, *wave)),
            }
        }
        (self.waves, self.unwritten_waves) = (edits, unwritten);
    }
}
