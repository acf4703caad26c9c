//! The facts that prove a verdict, as a reader gets to see them.

use super::{Condition, Engine, Field, Literal, Observed};
use crate::details::Family;
use crate::event::Event;
use crate::facts::{Decisive, text};

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

/// A fact that can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fact {
    Details,
    Termination,
    Policy,
    UpstreamTransport,
    DownstreamTransport,
    UpstreamCodec,
    DownstreamCodec,
    Flags,
    Status,
    GrpcStatus,
    Duration,
    Cluster,
    Route,
    VirtualHost,
    UpstreamHost,
    UpstreamReused,
    PolicyStatus,
    Event,
}

impl Fact {
    /// The fact as it stands in `facts`; `None` where they do not hold it.
    pub(crate) fn show(self, facts: &Decisive<'_>) -> Option<Shown> {
        let details = || Self::Details.show(facts);
        let said = |name, value| Some(Shown::new(name, text(value)?));
        match self {
            Self::Details => said("response_code_details", facts.details.as_ref()),
            Self::Termination => said("connection_termination_details", facts.termination_details.as_ref()),
            Self::Policy => {
                Self::Termination.show(facts).filter(|termination| Family::RbacDenied.takes(&termination.value)).or_else(details)
            }
            Self::UpstreamTransport => {
                said("upstream_transport_failure_reason", facts.upstream_transport_failure.as_ref()).or_else(details)
            }
            Self::DownstreamTransport => said("downstream_transport_failure_reason", facts.downstream_transport_failure.as_ref()),
            Self::UpstreamCodec => said("upstream_local_close_reason", facts.upstream_local_close.as_ref()),
            Self::DownstreamCodec => {
                details().or_else(|| said("downstream_local_close_reason", facts.downstream_local_close.as_ref()))
            }
            Self::Flags => Some(Shown::new("response_flags", &facts.flags?.to_string())),
            Self::Status => Some(Shown::new("response_code", &facts.status?.to_string())),
            Self::GrpcStatus => Some(Shown::new("grpc_status", &facts.grpc_status?.to_string())),
            Self::Duration => Some(Shown::new("duration", &format!("{} ms", facts.duration_ms?))),
            Self::Cluster => said("upstream_cluster", facts.cluster.as_ref()),
            Self::Route => said("route_name", facts.route.as_ref()),
            Self::VirtualHost => {
                let value = facts.virtual_host.as_deref()?;
                Some(Shown::new("virtual_host_name", if value.is_empty() { "(none)" } else { value }))
            }
            Self::UpstreamHost => said("upstream_host", facts.upstream_host.as_ref()),
            Self::UpstreamReused => Some(Shown::new("upstream_reused", &facts.upstream_reused?.to_string())),
            Self::PolicyStatus => said("istio_policy_status", facts.policy_status.as_ref()),
            Self::Event => facts.event.map(Event::as_str).map(|event| Shown::new("event", event)),
        }
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
    /// The fact that a leaf looks at, as it stands in `facts`; `None` where it is several.
    #[must_use]
    pub fn shown(&self, facts: &Decisive<'_>) -> Option<Shown> {
        self.condition.fact().filter(|_| !self.negated)?.show(facts)
    }

    /// Whether it holds by something that is there; one that holds by absence alone proves nothing.
    #[must_use]
    pub const fn is_positive(&self) -> bool {
        use Condition::{Absent, DurationBelow, StatusAtLeast, StatusClass};
        !self.negated && !matches!(self.condition, Absent(_) | StatusAtLeast(_) | StatusClass(_) | DurationBelow(_))
    }
}

impl Condition {
    const fn fact(&self) -> Option<Fact> {
        Some(match self {
            Self::All(_) | Self::Any(_) | Self::Not(_) => return None,
            Self::Details(_)
            | Self::Family(_)
            | Self::ResetBefore(_)
            | Self::ResetAfter(_)
            | Self::Success
            | Self::Refusal
            | Self::Closed(_) => Fact::Details,
            Self::RbacDenied | Self::BadCustomAction => Fact::Policy,
            Self::UpstreamTransport(_) | Self::UpstreamTls => Fact::UpstreamTransport,
            Self::DownstreamTransport(_) | Self::DownstreamTls => Fact::DownstreamTransport,
            Self::UpstreamCodec(_) => Fact::UpstreamCodec,
            Self::DownstreamCodec(_) => Fact::DownstreamCodec,
            Self::Flag(_) | Self::FlagBeside(_) => Fact::Flags,
            Self::Status(_) | Self::StatusAtLeast(_) | Self::StatusClass(_) => Fact::Status,
            Self::GrpcFailed => Fact::GrpcStatus,
            Self::DurationBelow(_) => Fact::Duration,
            Self::Cluster(_) => Fact::Cluster,
            Self::Route(_) => Fact::Route,
            Self::UpstreamReused => Fact::UpstreamReused,
            Self::UpstreamIpv6 => Fact::UpstreamHost,
            Self::Event(_) => Fact::Event,
            Self::Present(field) | Self::Absent(field) => field.fact(),
        })
    }
}

impl Field {
    const fn fact(self) -> Fact {
        match self {
            Self::Details => Fact::Details,
            Self::UpstreamTransportFailure => Fact::UpstreamTransport,
            Self::VirtualHost => Fact::VirtualHost,
            Self::UpstreamHost => Fact::UpstreamHost,
            Self::Flags => Fact::Flags,
            Self::PolicyStatus => Fact::PolicyStatus,
            Self::DownstreamTransportFailure => Fact::DownstreamTransport,
            Self::UpstreamCodecError => Fact::UpstreamCodec,
            Self::DownstreamCodecError => Fact::DownstreamCodec,
            Self::TerminationDetails => Fact::Termination,
            Self::Event => Fact::Event,
        }
    }
}
