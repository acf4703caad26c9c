//! The facts that prove a verdict, as a reader gets to see them.

use super::{Condition, Engine, Field, Literal, Observed};
use crate::details::Family;
use crate::facts::{Decisive, Fact};

/// Longest value that is shown, in characters.
const LONGEST: usize = 200;

/// One fact that proves a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Which fact, as Envoy's access log names it.
    pub name: &'static str,
    /// Its value, untrusted; cut to 200 characters.
    pub value: String,
}

impl Shown {
    /// Cuts the value.
    #[must_use]
    pub fn new(name: &'static str, value: &str) -> Self {
        Self { name, value: value.chars().take(LONGEST).collect() }
    }
}

impl Fact {
    /// The fact as it stands in `facts`; `None` where they do not hold it.
    pub(crate) fn shown(self, facts: &Decisive<'_>) -> Option<Shown> {
        let value = match (self, facts.text(self)?) {
            (Self::VirtualHost, value) if value.is_empty() => "(none)".into(),
            (Self::Duration, value) => format!("{value} ms").into(),
            (_, value) => value,
        };
        (!value.is_empty()).then(|| Shown::new(self.key().unwrap_or(self.name()), &value))
    }
}

/// What came of evaluating a condition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Evaluation {
    /// The literals that hold.
    pub held: Vec<Literal>,
    /// The literals that would have had to hold and do not: none where the condition holds.
    pub missing: Vec<Literal>,
}

impl Condition {
    /// Evaluates with the reasons: which literals held, and which were missing.
    #[must_use]
    pub fn explain(&'static self, observed: &Observed<'_, '_>) -> Evaluation {
        self.fold(&Reasons(observed))
    }
}

/// The engine behind [`Condition::explain`].
struct Reasons<'o, 'f, 'a>(&'o Observed<'f, 'a>);

impl Engine for Reasons<'_, '_, '_> {
    type Out = Evaluation;

    const WHOLE_NEGATIONS: bool = true;

    fn literal(&self, literal: Literal) -> Evaluation {
        let mut evaluation = Evaluation::default();
        let list = if self.0.literal(literal) { &mut evaluation.held } else { &mut evaluation.missing };
        list.push(literal);
        evaluation
    }

    fn all(&self, parts: impl Iterator<Item = Evaluation>) -> Evaluation {
        parts.fold(Evaluation::default(), Evaluation::and)
    }

    fn any(&self, parts: impl Iterator<Item = Evaluation>) -> Evaluation {
        let mut none = Evaluation::default();
        for part in parts {
            if part.missing.is_empty() {
                return part;
            }
            none = none.and(part);
        }
        none
    }
}

impl Evaluation {
    fn and(mut self, other: Self) -> Self {
        self.held.extend(other.held);
        self.missing.extend(other.missing);
        self
    }
}

impl Literal {
    /// The fact that proves it, as it stands in `facts`; `None` where it is several.
    #[must_use]
    pub fn shown(&self, facts: &Decisive<'_>) -> Option<Shown> {
        let is_policy = matches!(self.condition, Condition::RbacDenied | Condition::BadCustomAction);
        let (_, candidates) = self.condition.proof();
        let mut shown = candidates.iter().filter(|_| !self.negated).filter_map(|fact| fact.shown(facts));
        shown.find(|shown| !is_policy || Family::RbacDenied.takes(&shown.value))
    }

    /// Whether the facts that would decide it are not given.
    #[must_use]
    pub fn is_open(&self, facts: &Decisive<'_>) -> bool {
        let (_, candidates) = self.condition.proof();
        !candidates.is_empty() && candidates.iter().all(|fact| fact.shown(facts).is_none())
    }

    /// Whether it holds by something that is there; one that holds by absence, or nearly always, proves nothing.
    #[must_use]
    pub const fn is_positive(&self) -> bool {
        !self.negated && self.condition.proof().0
    }
}

impl Condition {
    /// Whether a leaf that holds says something by itself, and the facts that it looks at, the first that is there before the others.
    const fn proof(&self) -> (bool, &'static [Fact]) {
        match self {
            Self::All(_) | Self::Any(_) | Self::Not(_) => (true, &[]),
            Self::Details(_)
            | Self::Family(_)
            | Self::ResetBefore(_)
            | Self::ResetAfter(_)
            | Self::Success
            | Self::Refusal
            | Self::Closed(_) => (true, &[Fact::Details]),
            Self::RbacDenied | Self::BadCustomAction => (true, &[Fact::Termination, Fact::Details]),
            Self::UpstreamTransport(_) | Self::UpstreamTls => (true, &[Fact::UpstreamTransport, Fact::Details]),
            Self::DownstreamTransport(_) | Self::DownstreamTls => (true, &[Fact::DownstreamTransport]),
            Self::UpstreamCodec(_) => (true, &[Fact::UpstreamLocalClose]),
            Self::DownstreamCodec(_) => (true, &[Fact::Details, Fact::DownstreamLocalClose]),
            Self::Flag(_) | Self::FlagBeside(_) => (true, &[Fact::Flags]),
            Self::Status(_) => (true, &[Fact::Status]),
            Self::StatusAtLeast(_) | Self::StatusClass(_) => (false, &[Fact::Status]),
            Self::GrpcFailed => (true, &[Fact::GrpcStatus]),
            Self::DurationBelow(_) => (false, &[Fact::Duration]),
            Self::Cluster(_) => (true, &[Fact::Cluster]),
            Self::Route(_) => (true, &[Fact::Route]),
            Self::UpstreamReused => (true, &[Fact::UpstreamConnectionAge, Fact::UpstreamReused]),
            Self::TlsPort => (false, &[Fact::Cluster, Fact::UpstreamHost]),
            Self::External => (false, &[Fact::Cluster]),
            Self::UpstreamIpv6 => (true, &[Fact::UpstreamHost]),
            Self::Event(_) => (true, &[Fact::Event]),
            Self::Present(field) => (true, field.facts()),
            Self::Absent(field) => (false, field.facts()),
        }
    }
}

impl Field {
    const fn facts(self) -> &'static [Fact] {
        match self {
            Self::Details => &[Fact::Details],
            Self::UpstreamTransportFailure => &[Fact::UpstreamTransport, Fact::Details],
            Self::VirtualHost => &[Fact::VirtualHost],
            Self::UpstreamHost => &[Fact::UpstreamHost],
            Self::Flags => &[Fact::Flags],
            Self::PolicyStatus => &[Fact::PolicyStatus],
            Self::DownstreamTransportFailure => &[Fact::DownstreamTransport],
            Self::UpstreamCodecError => &[Fact::UpstreamLocalClose],
            Self::DownstreamCodecError => &[Fact::Details, Fact::DownstreamLocalClose],
            Self::TerminationDetails => &[Fact::Termination],
            Self::Event => &[Fact::Event],
            Self::Duration => &[Fact::Duration],
        }
    }
}
