//! What a reader gets: a cause with its texts, and its steps filled with the facts at hand.
//!
//! Renderers turn a [`Explanation`] into text or JSON; nothing here knows of terminals.

use serde::Serialize;

use crate::catalogue::Cause;
use crate::facts::{Facts, text};
use crate::fix::{Applicability, Piece, Slot, Step, pieces};
use crate::texts::{Block, Lang};

/// The texts and steps of a cause for one reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// What happened: one sentence.
    pub what: &'static str,
    /// Paragraphs.
    pub why: Vec<&'static str>,
    /// Prose and steps in reading order.
    pub confirm: Vec<Part>,
    /// Prose and steps in reading order.
    pub fix: Vec<Part>,
    /// Slots whose value in the facts was refused, so that the placeholder stands.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused_slots: Vec<&'static str>,
    /// Pages and files that the text rests on.
    pub sources: &'static [&'static str],
}

/// A part of an explanation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Part {
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

/// Values for the slots of templates, taken from facts and validated.
#[derive(Debug, Default)]
pub struct Slots {
    values: Vec<(Slot, String)>,
    refused: Vec<&'static str>,
}

impl Slots {
    /// Takes what the facts offer; a value that a slot does not accept is left out and remembered.
    #[must_use]
    pub fn from_facts(facts: &Facts<'_>) -> Self {
        let mut slots = Self::default();
        slots.offer(Slot::Namespace, text(facts.namespace.as_ref()));
        slots.offer(Slot::Pod, text(facts.pod.as_ref()));
        slots.offer(Slot::Workload, text(facts.workload.as_ref()));
        slots.offer(
            Slot::UpstreamAddress,
            text(facts.upstream_host.as_ref()).filter(|host| host.parse::<std::net::SocketAddr>().is_ok()),
        );
        let cluster = text(facts.cluster.as_ref());
        slots.offer(Slot::Cluster, cluster);
        let mut parts = cluster.into_iter().flat_map(|cluster| cluster.split('|'));
        let (port, host) = (parts.nth(1), parts.nth(1).filter(|host| !host.is_empty()));
        let (authority_host, authority_port) =
            match text(facts.authority.as_ref()).map(|name| name.rsplit_once(':').unwrap_or((name, ""))) {
                Some((host, port)) => (Some(host), Some(port).filter(|port| !port.is_empty())),
                None => (None, None),
            };
        let host = host.or(authority_host);
        slots.offer(Slot::Host, host);
        slots.offer(Slot::Port, port.or(authority_port));
        let mut labels = host.into_iter().flat_map(|host| host.split('.'));
        slots.offer(Slot::Service, labels.next());
        let (namespace, kind) = (labels.next(), labels.next());
        slots.offer(Slot::ServiceNamespace, namespace.filter(|_| kind == Some("svc")));
        if let Some((namespace, name)) = facts.policy() {
            slots.offer(Slot::PolicyNamespace, Some(namespace));
            slots.offer(Slot::Policy, Some(name));
        }
        slots
    }

    fn offer(&mut self, slot: Slot, value: Option<&str>) {
        match value {
            Some(value) if slot.accepts(value) => self.values.push((slot, value.to_owned())),
            Some(_) => self.refused.push(slot.name()),
            None => {}
        }
    }

    /// Fills a template; a slot without a value becomes `<name>`.
    #[must_use]
    pub fn fill(&self, template: &'static str) -> String {
        let Ok(pieces) = pieces(template) else { return template.to_owned() };
        pieces.into_iter().fold(String::new(), |mut filled, piece| {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Slot(slot) => match self.values.iter().find(|(known, _)| *known == slot) {
                    Some((_, value)) => filled.push_str(value),
                    None => filled.extend(["<", slot.name(), ">"]),
                },
            }
            filled
        })
    }
}

impl Facts<'_> {
    /// Namespace and name of the AuthorizationPolicy that denied, from Istio's `ns[NAMESPACE]-policy[NAME]-rule[N]`.
    #[must_use]
    pub fn policy(&self) -> Option<(&str, &str)> {
        let crate::details::Details::RbacDenied { policy: Some(policy) } =
            crate::details::parse(self.details.as_deref().unwrap_or_default())
        else {
            return None;
        };
        let (namespace, rest) = policy.strip_prefix("ns[")?.split_once("]-policy[")?;
        Some((namespace, rest.split_once(']')?.0))
    }
}

impl Explanation {
    /// Explains `cause` in `lang`, with what `facts` offer for the slots.
    #[must_use]
    pub fn new(cause: &'static Cause, lang: Lang, facts: &Facts<'_>) -> Self {
        let slots = Slots::from_facts(facts);
        let Ok(text) = cause.text(lang) else {
            return Self {
                what: cause.slug,
                why: vec![],
                confirm: vec![],
                fix: vec![],
                refused_slots: vec![],
                sources: cause.sources,
            };
        };
        let part = |block: &Block| match *block {
            Block::Prose(text) => Some(Part::Prose { text }),
            Block::Confirm(id) => cause.confirm.iter().find(|confirm| confirm.id == id).map(|confirm| Part::Steps {
                id,
                applicability: None,
                steps: filled(confirm.steps, lang, &slots),
                verify: vec![],
            }),
            Block::Fix(id) => cause.fixes.iter().find(|fix| fix.id == id).map(|fix| Part::Steps {
                id,
                applicability: Some(fix.applicability.as_str()),
                steps: filled(fix.steps, lang, &slots),
                verify: filled(fix.verify, lang, &slots),
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
            refused_slots: slots.refused.clone(),
            sources: cause.sources,
        }
    }
}

impl Applicability {
    /// The word used in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Review => "review",
            Self::Manual => "manual",
        }
    }
}

fn filled(steps: &'static [Step], lang: Lang, slots: &Slots) -> Vec<FilledStep> {
    let fill = |step: &Step| match (*step, lang) {
        (Step::Command(template), _) => FilledStep::Command { text: slots.fill(template) },
        (Step::Patch(_, template), _) => FilledStep::Patch { text: slots.fill(template) },
        (Step::Note(text, _), Lang::En) | (Step::Note(_, text), Lang::Zh) => FilledStep::Note { text },
    };
    steps.iter().map(fill).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_values_stay_out_of_commands() {
        let facts = Facts { pod: Some("x; rm -rf /".into()), namespace: Some("shop".into()), ..Facts::default() };
        let slots = Slots::from_facts(&facts);
        assert_eq!(slots.fill("kubectl -n {namespace} logs {pod}"), "kubectl -n shop logs <pod>");
        assert_eq!(slots.refused, ["pod"]);
    }

    #[test]
    fn service_and_port_come_from_the_cluster() {
        let cluster = "outbound|9080||reviews.books.svc.cluster.local";
        let slots = Slots::from_facts(&Facts { cluster: Some(cluster.into()), ..Facts::default() });
        assert_eq!(slots.fill("{service}.{service_namespace}:{port} '{cluster}'"), format!("reviews.books:9080 '{cluster}'"));
    }
}
