//! Compiles a condition to CEL, for Envoy to evaluate when it makes a local reply.
//!
//! Source: Envoy 1.40 attributes page and `envoy.access_loggers.extension_filters.cel`, measured: an absent attribute
//! makes the expression fail, which counts as no match; CEL has no bit operators; nesting stops at 32.

use super::evaluate::BAD_CUSTOM_ACTION;
use super::{Condition, Field};
use crate::details::Family;
use crate::flags::Flag;
use crate::transport::TransportKind;

impl Condition {
    /// The CEL expression; `None` when Envoy cannot know a leaf at reply time.
    #[must_use]
    pub fn cel(&self) -> Option<String> {
        Some(match self {
            Self::All(parts) => joined(parts, " && ")?,
            Self::Any(parts) => joined(parts, " || ")?,
            Self::Not(part) => format!("!({})", part.cel()?),
            Self::Details(word) => format!("response.code_details == '{}'", word.as_str()),
            Self::ResetBefore(reset) => {
                format!("response.code_details.startsWith('upstream_reset_before_response_started{{{}')", reset.as_str())
            }
            Self::Family(family) => {
                let begins = |prefix: &&str| format!("response.code_details.startsWith('{prefix}')");
                match family.prefixes().iter().map(begins).collect::<Vec<_>>().as_slice() {
                    [one] => one.clone(),
                    many => format!("({})", many.join(" || ")),
                }
            }
            Self::RbacDenied => Self::Family(Family::RbacDenied).cel()?,
            Self::BadCustomAction => {
                format!("{} && response.code_details.endsWith('{BAD_CUSTOM_ACTION}]')", Self::RbacDenied.cel()?)
            }
            Self::UpstreamTransport(kind) => transport(*kind),
            Self::UpstreamTls => {
                format!("({} || {})", transport(TransportKind::OtherTls), transport(TransportKind::SecretNotSupplied))
            }
            Self::Flag(flag) => format!("response.flags / {} % 2 == 1", flag.mask()),
            Self::Status(status) => format!("response.code == {status}"),
            Self::StatusAtLeast(status) => format!("response.code >= {status}"),
            Self::StatusClass(hundred) => format!("response.code / 100 == {hundred}"),
            Self::Cluster(kind) => format!("xds.cluster_name == '{}'", kind.as_str()),
            Self::Route(name) => format!("xds.route_name == '{}'", name.as_str()),
            Self::UpstreamIpv6 => "upstream.address.startsWith('[')".to_owned(),
            Self::Present(field) => format!("has({})", field.attribute()?),
            Self::Absent(field) => format!("!has({})", field.attribute()?),
            // After the response began, and for a connection that was cut, there is no local reply; a server-side handshake
            // that failed has no stream; the rest is known only when the request is over, or only to others.
            Self::ResetAfter(_)
            | Self::Closed(_)
            | Self::DownstreamTransport(_)
            | Self::DownstreamTls
            | Self::UpstreamCodec(_)
            | Self::DownstreamCodec(_)
            | Self::GrpcFailed
            | Self::DurationBelow(_)
            | Self::UpstreamReused
            | Self::Event(_) => return None,
        })
    }

    /// Whether the condition holding implies that the code details are one fixed word, safe to write into a header.
    #[must_use]
    pub fn fixes_details(&self) -> bool {
        match self {
            Self::Details(_) => true,
            Self::All(parts) => parts.iter().any(Self::fixes_details),
            Self::Any(parts) => !parts.is_empty() && parts.iter().all(Self::fixes_details),
            _ => false,
        }
    }
}

fn joined(parts: &[Condition], operator: &str) -> Option<String> {
    let all_needed = operator == " && ";
    // A part of an alternative that Envoy cannot know is left out; a part of a conjunction makes the whole unknowable.
    let (words, others): (Vec<_>, Vec<_>) = parts.iter().partition(|part| !all_needed && matches!(part, Condition::Details(_)));
    // One list, since Envoy's CEL nests each `||` and stops at a depth of 32.
    let words = if words.len() > 1 { Some(listed(&words)) } else { words.first().and_then(|word| word.cel()) };
    let known: Vec<String> = words.into_iter().chain(others.into_iter().filter_map(Condition::cel)).collect();
    if known.is_empty() || (all_needed && known.len() < parts.len()) {
        return None;
    }
    Some(match known.as_slice() {
        [one] => one.clone(),
        many => format!("({})", many.join(operator)),
    })
}

fn listed(words: &[&Condition]) -> String {
    let word = |condition: &&Condition| {
        if let Condition::Details(word) = condition { Some(format!("'{}'", word.as_str())) } else { None }
    };
    format!("response.code_details in [{}]", words.iter().filter_map(word).collect::<Vec<_>>().join(", "))
}

fn transport(kind: TransportKind) -> String {
    // The attribute keeps spaces where logs print `_`.
    format!("upstream.transport_failure_reason.contains('{}')", kind.raw())
}

impl Field {
    const fn attribute(self) -> Option<&'static str> {
        match self {
            Self::Details => Some("response.code_details"),
            Self::UpstreamTransportFailure => Some("upstream.transport_failure_reason"),
            Self::VirtualHost => Some("xds.virtual_host_name"),
            Self::UpstreamHost => Some("upstream.address"),
            Self::Flags | Self::PolicyStatus => None,
        }
    }
}

/// The flags that Envoy sets only after it has made the reply, so that no CEL condition may rest on them.
///
/// Source: measured on Envoy 1.40.
pub const LATE_FLAGS: &[Flag] = &[Flag::DPE, Flag::RL, Flag::RFCF];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::details::{Reset, Word};

    #[test]
    fn alternatives_that_envoy_cannot_know_are_left_out() {
        let any = Condition::Any(&[Condition::ResetBefore(Reset::ProtocolError), Condition::ResetAfter(Reset::ProtocolError)]);
        assert_eq!(
            any.cel().as_deref(),
            Some("response.code_details.startsWith('upstream_reset_before_response_started{protocol_error')")
        );
        let all = Condition::All(&[Condition::Status(200), Condition::ResetAfter(Reset::ProtocolError)]);
        assert_eq!(all.cel(), None);
    }

    #[test]
    fn no_reset_reason_begins_another_but_for_its_refinement() {
        // `startsWith` in CEL is as exact as the parser as long as this list does not grow unseen.
        let mut clashes = Vec::new();
        for one in Reset::ALL {
            for other in Reset::ALL {
                if one != other && other.as_str().starts_with(one.as_str()) {
                    clashes.push((one.as_str(), other.as_str()));
                }
            }
        }
        assert_eq!(clashes, [("remote_reset", "remote_reset_(no_error)")]);
    }

    #[test]
    fn details_are_fixed_only_when_every_way_fixes_them() {
        assert!(Condition::Any(&[Condition::Details(Word::LowVersion), Condition::Details(Word::Overload)]).fixes_details());
        assert!(!Condition::Any(&[Condition::Details(Word::LowVersion), Condition::Flag(Flag::NR)]).fixes_details());
    }
}
