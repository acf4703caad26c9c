//! Evaluates a condition on facts.

use super::{Condition, Field};
use crate::details::{Details, Word};
use crate::facts::{Facts, text};

/// A fact as evidence shows it: the name that logs use for it and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Name of the fact, such as `response_code_details`.
    pub name: &'static str,
    /// Its value, untrusted; cut to 200 characters.
    pub value: String,
}

/// What came of evaluating a condition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Evaluation {
    /// The leaves that hold.
    pub held: Vec<&'static Condition>,
    /// The leaves that would have had to hold and do not.
    pub missing: Vec<&'static Condition>,
}

impl Condition {
    /// Whether the condition holds.
    ///
    /// # Cost
    /// No allocation; parses details and transport failures once per leaf that asks for them.
    #[must_use]
    pub fn holds(&self, facts: &Facts<'_>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(facts)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(facts)),
            Self::Not(part) => !part.holds(facts),
            Self::Details(word) => facts.details.as_deref() == Some(word.as_str()),
            Self::ResetBefore(wanted) => {
                matches!(facts.parsed_details(), Some(Details::ResetBeforeResponse { reset, .. }) if reset == *wanted)
            }
            Self::ResetAfter(wanted) => {
                matches!(facts.parsed_details(), Some(Details::ResetAfterResponse { reset, .. }) if reset == *wanted)
            }
            Self::RbacDenied => matches!(facts.parsed_details(), Some(Details::RbacDenied { .. })),
            Self::UpstreamTransport(kind) => facts.upstream_transport().is_some_and(|failure| failure.kind == Some(*kind)),
            Self::DownstreamTransport(kind) => facts.downstream_transport().is_some_and(|failure| failure.kind == Some(*kind)),
            Self::Flag(flag) => facts.has_flag(*flag),
            Self::Status(status) => facts.status == Some(*status),
            Self::StatusAtLeast(status) => facts.status.is_some_and(|code| code >= *status),
            Self::Present(field) => field.is_present(facts),
            Self::Absent(field) => field.is_absent(facts),
            Self::Event(event) => facts.event == Some(*event),
        }
    }

    /// Evaluates with the reasons: which leaves held, and which were missing.
    #[must_use]
    pub fn explain(&'static self, facts: &Facts<'_>) -> Evaluation {
        let mut evaluation = Evaluation::default();
        self.collect(facts, &mut evaluation);
        evaluation
    }

    fn collect(&'static self, facts: &Facts<'_>, into: &mut Evaluation) {
        match self {
            Self::All(parts) => parts.iter().for_each(|part| part.collect(facts, into)),
            Self::Any(parts) => match parts.iter().find(|part| part.holds(facts)) {
                Some(part) => part.collect(facts, into),
                None => parts.iter().for_each(|part| part.collect(facts, into)),
            },
            leaf if leaf.holds(facts) => into.held.push(leaf),
            leaf => into.missing.push(leaf),
        }
    }

    /// Whether the condition holds by something that is there; one that holds by absence alone proves nothing.
    #[must_use]
    pub const fn is_positive(&self) -> bool {
        !matches!(self, Self::Absent(_) | Self::Not(_))
    }

    /// The fact that a leaf looks at, as it stands in `facts`; `None` for leaves that hold by absence.
    #[must_use]
    pub fn shown(&self, facts: &Facts<'_>) -> Option<Shown> {
        let show = |name, value: Option<&str>| value.map(|value| Shown { name, value: value.chars().take(200).collect() });
        match self {
            Self::All(_) | Self::Any(_) | Self::Not(_) => None,
            Self::Details(_) | Self::ResetBefore(_) | Self::ResetAfter(_) | Self::RbacDenied => {
                show("response_code_details", text(facts.details.as_ref()))
            }
            Self::UpstreamTransport(_) => match text(facts.upstream_transport_failure.as_ref()) {
                Some(reason) => show("upstream_transport_failure_reason", Some(reason)),
                None => show("response_code_details", text(facts.details.as_ref())),
            },
            Self::DownstreamTransport(_) => {
                show("downstream_transport_failure_reason", text(facts.downstream_transport_failure.as_ref()))
            }
            Self::Flag(_) => show("response_flags", facts.flags.map(|flags| flags.to_string()).as_deref()),
            Self::Status(_) | Self::StatusAtLeast(_) => {
                show("response_code", facts.status.map(|status| status.to_string()).as_deref())
            }
            Self::Present(field) | Self::Absent(field) => field.shown(facts),
            Self::Event(_) => show("event", facts.event.map(crate::facts::Event::as_str)),
        }
    }
}

impl Field {
    fn is_present(self, facts: &Facts<'_>) -> bool {
        match self {
            Self::Details => text(facts.details.as_ref()).is_some(),
            Self::UpstreamTransportFailure => facts.upstream_transport().is_some(),
            Self::VirtualHost => text(facts.virtual_host.as_ref()).is_some(),
            Self::UpstreamHost => text(facts.upstream_host.as_ref()).is_some(),
            Self::Flags => facts.flags.is_some_and(|flags| !flags.is_empty()),
        }
    }

    fn is_absent(self, facts: &Facts<'_>) -> bool {
        match self {
            Self::VirtualHost => facts.virtual_host.as_deref() == Some(""),
            _ => !self.is_present(facts),
        }
    }

    fn shown(self, facts: &Facts<'_>) -> Option<Shown> {
        let leaf = match self {
            Self::Details => Condition::Details(Word::ViaUpstream),
            Self::UpstreamTransportFailure => Condition::UpstreamTransport(crate::transport::TransportKind::ConnectionRefused),
            Self::Flags => Condition::Flag(crate::flags::Flag::NR),
            Self::VirtualHost => {
                let value = facts.virtual_host.as_deref()?;
                let value = if value.is_empty() { "(none)" } else { value };
                return Some(Shown { name: "virtual_host_name", value: value.chars().take(200).collect() });
            }
            Self::UpstreamHost => {
                let value = text(facts.upstream_host.as_ref())?;
                return Some(Shown { name: "upstream_host", value: value.chars().take(200).collect() });
            }
        };
        leaf.shown(facts)
    }
}
