//! Evaluates a condition on facts.

use super::{Condition, Field};
use crate::codec::CodecError;
use crate::details::{self, CloseReason, Details};
use crate::facts::{Facts, text};
use crate::transport::TransportFailure;

/// Facts with their texts understood once, since many conditions ask for the same ones.
#[derive(Debug, Clone, Copy)]
pub struct Observed<'f, 'a> {
    /// The facts themselves.
    pub facts: &'f Facts<'a>,
    pub(super) details: Option<Details<'f>>,
    pub(super) policy: Option<&'f str>,
    pub(super) upstream_transport: Option<TransportFailure<'f>>,
    pub(super) downstream_transport: Option<TransportFailure<'f>>,
    pub(super) upstream_codec: Option<CodecError<'f>>,
    pub(super) downstream_codec: Option<CodecError<'f>>,
    pub(super) closed: Option<CloseReason>,
}

impl<'f, 'a> Observed<'f, 'a> {
    /// Parses what can be parsed.
    #[must_use]
    pub fn new(facts: &'f Facts<'a>) -> Self {
        let details = facts.parsed_details();
        let termination = text(facts.termination_details.as_ref()).map(details::parse);
        let unfinished = || text(facts.termination_details.as_ref()).map(CloseReason::parse);
        Self {
            facts,
            details,
            policy: details.and_then(policy).or_else(|| termination.and_then(policy)),
            upstream_transport: facts.upstream_transport_beside(details),
            downstream_transport: facts.downstream_transport(),
            upstream_codec: facts.upstream_codec(),
            downstream_codec: facts.downstream_codec(),
            closed: match details {
                Some(Details::LocalDisconnect { reason, .. }) => Some(reason),
                _ => unfinished().filter(|reason| *reason == CloseReason::Handshake),
            },
        }
    }
}

/// The policy that denied, empty when none allowed.
fn policy(details: Details<'_>) -> Option<&str> {
    if let Details::RbacDenied { policy } = details { Some(policy.unwrap_or_default()) } else { None }
}

/// What came of evaluating a condition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Evaluation {
    /// The leaves that hold.
    pub held: Vec<&'static Condition>,
    /// The leaves that would have had to hold and do not.
    pub missing: Vec<&'static Condition>,
}

fn is_tls(failure: TransportFailure<'_>) -> bool {
    failure.kind.is_some_and(|kind| !kind.is_socket())
}

impl Condition {
    /// Whether the condition holds.
    #[must_use]
    pub fn holds(&self, observed: &Observed<'_, '_>) -> bool {
        let facts = observed.facts;
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(observed)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(observed)),
            Self::Not(part) => !part.holds(observed),
            Self::Details(word) => observed.details == Some(Details::Word(*word)),
            Self::Family(family) => facts.details.as_deref().is_some_and(|details| family.takes(details)),
            Self::ResetBefore(wanted) => {
                matches!(observed.details, Some(Details::ResetBeforeResponse { reset, .. }) if reset == *wanted)
            }
            Self::ResetAfter(wanted) => {
                matches!(observed.details, Some(Details::ResetAfterResponse { reset, .. }) if reset == *wanted)
            }
            Self::Closed(reason) => observed.closed == Some(*reason),
            Self::RbacDenied => observed.policy.is_some(),
            Self::BadCustomAction => observed.policy.is_some_and(|policy| policy.ends_with(BAD_CUSTOM_ACTION)),
            Self::UpstreamTransport(kind) => observed.upstream_transport.is_some_and(|failure| failure.kind == Some(*kind)),
            Self::DownstreamTransport(kind) => observed.downstream_transport.is_some_and(|failure| failure.kind == Some(*kind)),
            Self::UpstreamTls => observed.upstream_transport.is_some_and(is_tls),
            Self::DownstreamTls => observed.downstream_transport.is_some_and(is_tls),
            Self::UpstreamCodec(fault) => observed.upstream_codec.is_some_and(|error| error.fault == *fault),
            Self::DownstreamCodec(fault) => observed.downstream_codec.is_some_and(|error| error.fault == *fault),
            Self::Flag(flag) => facts.has_flag(*flag),
            Self::Status(status) => facts.status == Some(*status),
            Self::StatusAtLeast(status) => facts.status.is_some_and(|code| code >= *status),
            Self::StatusClass(hundred) => facts.status.is_some_and(|code| code / 100 == *hundred),
            Self::GrpcFailed => facts.grpc_failure().is_some(),
            Self::DurationBelow(limit) => facts.duration_ms.is_some_and(|duration| duration < *limit),
            Self::Cluster(kind) => facts.cluster.as_deref() == Some(kind.as_str()),
            Self::Route(name) => facts.route.as_deref() == Some(name.as_str()),
            Self::UpstreamReused => facts.upstream_reused == Some(true),
            Self::UpstreamIpv6 => facts.upstream_host.as_deref().is_some_and(|host| host.starts_with('[')),
            Self::Present(field) => field.is_present(observed),
            Self::Absent(field) => field.is_absent(observed),
            Self::Event(event) => facts.event == Some(*event),
        }
    }

    /// Evaluates with the reasons: which leaves held, and which were missing.
    #[must_use]
    pub fn explain(&'static self, facts: &Facts<'_>) -> Evaluation {
        let mut evaluation = Evaluation::default();
        self.collect(&Observed::new(facts), &mut evaluation);
        evaluation
    }

    fn collect(&'static self, facts: &Observed<'_, '_>, into: &mut Evaluation) {
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
        !matches!(self, Self::Absent(_) | Self::Not(_) | Self::StatusAtLeast(_) | Self::StatusClass(_) | Self::DurationBelow(_))
    }
}

/// How Istio names the policy that denies everything in place of a `CUSTOM` one; measured with istiod 1.29.6, and with
/// `default-deny-all-` in front up to 1.2x.
pub(super) const BAD_CUSTOM_ACTION: &str = "due-to-bad-CUSTOM-action";

impl Field {
    fn is_present(self, observed: &Observed<'_, '_>) -> bool {
        let facts = observed.facts;
        match self {
            Self::Details => text(facts.details.as_ref()).is_some(),
            Self::UpstreamTransportFailure => observed.upstream_transport.is_some(),
            Self::VirtualHost => text(facts.virtual_host.as_ref()).is_some(),
            Self::UpstreamHost => text(facts.upstream_host.as_ref()).is_some(),
            Self::Flags => facts.flags.is_some_and(|flags| !flags.is_empty()),
            Self::PolicyStatus => text(facts.policy_status.as_ref()).is_some(),
        }
    }

    fn is_absent(self, observed: &Observed<'_, '_>) -> bool {
        match self {
            Self::VirtualHost => observed.facts.virtual_host.as_deref() == Some(""),
            _ => !self.is_present(observed),
        }
    }
}
