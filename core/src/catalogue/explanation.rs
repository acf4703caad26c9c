//! What a reader gets: an entry's texts, and its steps filled with the values at hand.
//!
//! Renderers turn an [`Explanation`] into text or JSON; nothing here knows of terminals.

use serde::Serialize;

use super::Entry;
use super::fix::Step;
use super::slot::{Fill, Piece, Slot, pieces};
use super::texts::{Block, Lang};

/// The texts and steps of an entry for one reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Explanation {
    /// What happened: one sentence.
    pub what: &'static str,
    /// Paragraphs.
    pub why: Vec<&'static str>,
    /// Prose and steps in reading order.
    pub confirm: Vec<ExplanationPart>,
    /// Prose and steps in reading order.
    pub fix: Vec<ExplanationPart>,
    /// Slots whose value was refused, so that the placeholder stands.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused_slots: Vec<&'static str>,
    /// Pages and files that the text rests on.
    pub sources: &'static [&'static str],
}

/// A part of an explanation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ExplanationPart {
    /// A paragraph.
    Prose {
        /// Its text.
        text: &'static str,
    },
    /// Steps that belong together.
    Steps {
        /// The confirmation's or fix's id.
        id: &'static str,
        /// How freely a fix may be applied; absent for confirmations.
        #[serde(skip_serializing_if = "Option::is_none")]
        applicability: Option<&'static str>,
        /// What to do.
        steps: Vec<FilledStep>,
        /// How to see that it worked; empty for confirmations.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        verify: Vec<FilledStep>,
    },
}

/// A step with its slots filled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FilledStep {
    /// A shell command; holds `<slot>` where a value is not known.
    Command {
        /// The command line.
        text: String,
    },
    /// YAML.
    Patch {
        /// The document or fragment.
        text: String,
    },
    /// A sentence.
    Note {
        /// Its text.
        text: &'static str,
    },
}

impl Explanation {
    /// Explains `entry` in `lang`, with what `values` offer for the slots.
    #[must_use]
    pub fn new(entry: &'static Entry, lang: Lang, values: &impl Fill) -> Self {
        let Ok(text) = entry.text(lang) else {
            return Self {
                what: entry.slug,
                why: vec![],
                confirm: vec![],
                fix: vec![],
                refused_slots: vec![],
                sources: entry.sources,
            };
        };
        let part =
            |block: &Block| match *block {
                Block::Prose(text) => Some(ExplanationPart::Prose { text }),
                Block::Confirm(id) => entry.confirm.iter().find(|confirm| confirm.id == id).map(|confirm| {
                    ExplanationPart::Steps { id, applicability: None, steps: filled(confirm.steps, lang, values), verify: vec![] }
                }),
                Block::Fix(id) => entry.fixes.iter().find(|fix| fix.id == id).map(|fix| ExplanationPart::Steps {
                    id,
                    applicability: Some(fix.applicability.as_str()),
                    steps: filled(fix.steps, lang, values),
                    verify: filled(fix.verify, lang, values),
                }),
            };
        let prose = |block: &Block| match *block {
            Block::Prose(text) => Some(text),
            Block::Confirm(_) | Block::Fix(_) => None,
        };
        Self {
            what: text.what,
            why: text.why.iter().filter_map(prose).collect(),
            confirm: text.confirm.iter().filter_map(part).collect(),
            fix: text.fix.iter().filter_map(part).collect(),
            refused_slots: refused(values),
            sources: entry.sources,
        }
    }
}

impl Explanation {
    /// The same for a reader whom steps and paragraphs with these words do not help: they go from what to confirm and to fix.
    #[must_use]
    pub fn without(mut self, words: &[&str]) -> Self {
        self.confirm = without(self.confirm, words);
        self.fix = without(self.fix, words);
        let holds_steps = |part: &ExplanationPart| matches!(part, ExplanationPart::Steps { .. });
        if !self.confirm.iter().chain(&self.fix).any(holds_steps) {
            self.refused_slots.clear();
        }
        self
    }
}

/// The parts that have none of the words. A sentence that only leads to steps goes with them.
fn without(parts: Vec<ExplanationPart>, words: &[&str]) -> Vec<ExplanationPart> {
    let mut kept: Vec<ExplanationPart> = Vec::new();
    for part in parts {
        if part.texts().iter().all(|text| !words.iter().any(|word| text.contains(word))) {
            kept.push(part);
        } else if matches!(part, ExplanationPart::Steps { .. }) && kept.last().is_some_and(ExplanationPart::is_one_sentence) {
            kept.pop();
        }
    }
    kept
}

impl ExplanationPart {
    /// Steps to confirm.
    #[must_use]
    pub fn steps(id: &'static str, steps: &'static [Step], lang: Lang, values: &impl Fill) -> Self {
        Self::Steps { id, applicability: None, steps: filled(steps, lang, values), verify: vec![] }
    }

    fn is_one_sentence(&self) -> bool {
        matches!(self, Self::Prose { text } if !text.contains(". ") && text.matches('。').count() < 2)
    }

    fn texts(&self) -> Vec<&str> {
        match self {
            Self::Prose { text } => vec![text],
            Self::Steps { steps, verify, .. } => steps.iter().chain(verify).map(FilledStep::text).collect(),
        }
    }
}

impl FilledStep {
    /// What it says.
    fn text(&self) -> &str {
        match self {
            Self::Command { text } | Self::Patch { text } => text,
            Self::Note { text } => text,
        }
    }
}

fn filled(steps: &'static [Step], lang: Lang, values: &impl Fill) -> Vec<FilledStep> {
    let fill = |step: &Step| match (*step, lang) {
        (Step::Command(template), _) => FilledStep::Command { text: fill(template, values) },
        (Step::Patch(_, template), _) => FilledStep::Patch { text: fill(template, values) },
        (Step::Note(text, _), Lang::En) | (Step::Note(_, text), Lang::Zh) => FilledStep::Note { text },
    };
    steps.iter().map(fill).collect()
}

/// Fills a template; a slot without an accepted value becomes `<name>`.
fn fill(template: &'static str, values: &impl Fill) -> String {
    let Ok(pieces) = pieces(template) else { return template.to_owned() };
    let mut filled = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Slot(slot) => match values.value(slot).filter(|value| slot.accepts(value)) {
                Some(value) => filled.push_str(value),
                None => filled.extend(["<", slot.name(), ">"]),
            },
        }
    }
    filled
}

fn refused(values: &impl Fill) -> Vec<&'static str> {
    let is_refused = |slot: &&Slot| values.value(**slot).is_some_and(|value| !slot.accepts(value));
    Slot::ALL.iter().filter(is_refused).map(|slot| slot.name()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Hostile;

    impl Fill for Hostile {
        fn value(&self, slot: Slot) -> Option<&str> {
            match slot {
                Slot::Pod => Some("x; rm -rf /"),
                Slot::Namespace => Some("shop"),
                _ => None,
            }
        }
    }

    #[test]
    fn hostile_values_stay_out_of_commands() {
        assert_eq!(fill("kubectl -n {namespace} logs {pod}", &Hostile), "kubectl -n shop logs <pod>");
        assert_eq!(refused(&Hostile), ["pod"]);
    }
}
