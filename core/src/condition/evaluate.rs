//! Evaluates a condition: the engine behind every verdict.

use super::{Condition, Engine, Field, Literal, Observed};
use crate::cluster_name::ClusterName;
use crate::details::{Details, Word};
use crate::facts::{Decisive, text};
use crate::transport::TransportFailure;

impl Condition {
    /// Whether the condition holds.
    ///
    /// # Cost
    /// No allocation; nothing is evaluated that cannot change the answer.
    #[must_use]
    pub fn holds(&'static self, observed: &Observed<'_, '_>) -> bool {
        self.fold(observed)
    }
}

impl Engine for Observed<'_, '_> {
    type Out = bool;

    fn literal(&self, Literal { condition, negated }: Literal) -> bool {
        self.shows(condition) != negated
    }

    fn all(&self, mut parts: impl Iterator<Item = bool>) -> bool {
        parts.all(|holds| holds)
    }

    fn any(&self, mut parts: impl Iterator<Item = bool>) -> bool {
        parts.any(|holds| holds)
    }
}

impl Observed<'_, '_> {
    fn shows(&self, leaf: &'static Condition) -> bool {
        use Condition as C;
        let facts = self.facts;
        match leaf {
            C::All(_) | C::Any(_) | C::Not(_) => leaf.fold(self),
            C::Details(word) => self.details() == Some(Details::Word(*word)),
            C::Family(family) => facts.details.as_deref().is_some_and(|details| family.takes(details)),
            C::ResetBefore(wanted) => {
                matches!(self.details(), Some(Details::ResetBeforeResponse { reset, .. }) if reset == *wanted)
            }
            C::ResetAfter(wanted) => {
                matches!(self.details(), Some(Details::ResetAfterResponse { reset, .. }) if reset == *wanted)
            }
            C::Success => self.details().is_some_and(Details::is_success),
            C::Refusal => self.details().is_some_and(Details::refuses),
            C::Closed(reason) => self.closed() == Some(*reason),
            C::RbacDenied => self.policy().is_some(),
            C::BadCustomAction => self.policy().is_some_and(|policy| policy.ends_with(BAD_CUSTOM_ACTION)),
            C::UpstreamTransport(kind) => self.upstream_transport().is_some_and(|failure| failure.kind == Some(*kind)),
            C::DownstreamTransport(kind) => self.downstream_transport().is_some_and(|failure| failure.kind == Some(*kind)),
            C::UpstreamTls => self.upstream_transport().is_some_and(is_tls),
            C::DownstreamTls => self.downstream_transport().is_some_and(is_tls),
            C::UpstreamCodec(fault) => self.upstream_codec().is_some_and(|error| error.fault == *fault),
            C::DownstreamCodec(fault) => self.downstream_codec().is_some_and(|error| error.fault == *fault),
            C::Flag(flag) => facts.has_flag(*flag),
            C::FlagBeside(others) => facts.flags.is_some_and(|flags| flags.0 & !others.0 != 0),
            C::Status(status) => facts.status == Some(*status),
            C::StatusAtLeast(status) => facts.status.is_some_and(|code| code >= *status),
            C::StatusClass(hundred) => facts.status.is_some_and(|code| code / 100 == *hundred),
            C::GrpcFailed => facts.grpc_failure().is_some(),
            C::DurationBelow(limit) => facts.duration_ms.is_some_and(|duration| duration < *limit),
            C::Cluster(kind) => facts.cluster.as_deref() == Some(kind.as_str()),
            C::Route(name) => facts.route.as_deref() == Some(name.as_str()),
            C::UpstreamReused => facts.upstream_reused == Some(true) || facts.upstream_connection_age_us.is_some(),
            C::UpstreamIpv6 => facts.upstream_host.as_deref().is_some_and(|host| host.starts_with('[')),
            C::TlsPort => has_tls_port(facts),
            C::External => facts.cluster.as_deref().is_some_and(|cluster| ClusterName::parse(cluster).is_external()),
            C::Present(field) => field.is_present(self),
            C::Absent(field) => field.is_absent(self),
            C::Event(event) => facts.event == Some(*event),
        }
    }
}

/// The ports at which servers expect TLS by convention: HTTPS, HTTPS where no privileges are, Kubernetes' own API.
pub const TLS_PORTS: [&str; 3] = ["443", "8443", "6443"];

fn has_tls_port(facts: &Decisive<'_>) -> bool {
    let of_cluster = || match ClusterName::parse(facts.cluster.as_deref()?) {
        ClusterName::Service { port, .. } => Some(port),
        _ => None,
    };
    let of_host = || facts.upstream_host.as_deref()?.rsplit_once(':').map(|(_, port)| port);
    [of_cluster(), of_host()].into_iter().flatten().any(|port| TLS_PORTS.contains(&port))
}

fn is_tls(failure: TransportFailure<'_>) -> bool {
    failure.kind.is_some_and(|kind| !kind.is_socket())
}

/// How Istio names the policy that denies everything in place of a `CUSTOM` one; measured with istiod 1.29.6, and with
/// `default-deny-all-` in front up to 1.2x.
pub const BAD_CUSTOM_ACTION: &str = "due-to-bad-CUSTOM-action";

/// What Envoy before 1.14 wrote for every failure before the headers, whatever it was.
pub const SAYS_NOTHING: Word = Word::UpstreamResetBeforeResponseStarted;

impl Field {
    fn is_present(self, observed: &Observed<'_, '_>) -> bool {
        let facts = observed.facts;
        match self {
            Self::Details => observed.details().is_some_and(|details| details != Details::Word(SAYS_NOTHING)),
            Self::UpstreamTransportFailure => observed.upstream_transport().is_some(),
            Self::VirtualHost => text(facts.virtual_host.as_ref()).is_some(),
            Self::UpstreamHost => text(facts.upstream_host.as_ref()).is_some(),
            Self::Flags => facts.flags.is_some_and(|flags| !flags.is_empty()),
            Self::PolicyStatus => text(facts.policy_status.as_ref()).is_some(),
            Self::DownstreamTransportFailure => observed.downstream_transport().is_some(),
            Self::UpstreamCodecError => observed.upstream_codec().is_some(),
            Self::DownstreamCodecError => observed.downstream_codec().is_some(),
            Self::TerminationDetails => text(facts.termination_details.as_ref()).is_some(),
            Self::Event => facts.event.is_some(),
            Self::Duration => facts.duration_ms.is_some(),
        }
    }

    fn is_absent(self, observed: &Observed<'_, '_>) -> bool {
        match self {
            Self::VirtualHost => observed.facts.virtual_host.as_deref() == Some(""),
            _ => !self.is_present(observed),
        }
    }
}
