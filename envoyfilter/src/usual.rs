//! Failures that are usual in a mesh, each behind a filter that Envoy evaluates natively, so that others pay next to nothing for it.
//!
//! Every attribute that an expression reads costs about a microsecond, a native filter a tenth of that. Source: Envoy 1.40, measured.

use meshwhy_core::{Flag, Stage};

use crate::decision::{Chain, Known, Place, chain};

/// What Envoy knows of a reply without an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It has this flag. Flags that are set too late match nothing, and the failure is recognised by its details.
    Flag(Flag),
    /// It has this status.
    Status(u16),
}

/// A usual failure.
#[derive(Debug, Clone, Copy)]
pub struct Usual {
    /// What to look at first.
    pub sign: Sign,
    /// Its details.
    pub details: Known<'static>,
    /// Whether no other details come with the sign.
    pub certain: bool,
    /// What the transport failure contains, where there is one.
    pub transport: Option<&'static str>,
}

const RESET_OVERFLOW: &str = "upstream_reset_before_response_started{overflow";
const RESET_TERMINATION: &str = "upstream_reset_before_response_started{connection_termination";
const RESET_CONNECTION_FAILURE: &str = "upstream_reset_before_response_started{remote_connection_failure";
const RESET_TIMEOUT: &str = "upstream_reset_before_response_started{connection_timeout";

/// The usual failures, the most usual first.
pub const USUAL: [Usual; 13] = [
    // No other details come with these flags: Envoy `source/common/router/router.cc`, 1.24–1.40.
    Usual { certain: true, ..word(Sign::Flag(Flag::NR), "route_not_found") },
    word(Sign::Flag(Flag::UH), "no_healthy_upstream"),
    Usual { transport: Some("connect error: Connection refused"), ..begin(Sign::Flag(Flag::UF), RESET_CONNECTION_FAILURE) },
    begin(Sign::Flag(Flag::UC), RESET_TERMINATION),
    word(Sign::Flag(Flag::UT), "response_timeout"),
    begin(Sign::Flag(Flag::UF), RESET_TIMEOUT),
    begin(Sign::Flag(Flag::UO), RESET_OVERFLOW),
    Usual { certain: true, ..word(Sign::Flag(Flag::NC), "cluster_not_found") },
    word(Sign::Flag(Flag::UAEX), "ext_authz_denied"),
    word(Sign::Flag(Flag::FI), "fault_filter_abort"),
    begin(Sign::Status(403), "rbac_access_denied_matched_policy["),
    word(Sign::Status(426), "low_version"),
    word(Sign::Status(431), "http1.headers_too_large"),
];

const fn word(sign: Sign, text: &'static str) -> Usual {
    Usual { sign, details: Known::Word(text), certain: false, transport: None }
}

const fn begin(sign: Sign, text: &'static str) -> Usual {
    Usual { sign, details: Known::Begin(text), certain: false, transport: None }
}

impl Usual {
    /// The expression that it must satisfy besides, and the causes that it may have then. What it leaves is recognised further down.
    pub fn condition(&self) -> (Option<String>, Chain) {
        let place = Place { details: self.details, transport: self.transport.is_some() };
        let causes = chain(place);
        if let Some(text) = self.transport {
            // Causes that rest on the transport failure exclude one another, whatever the details: this text leaves one.
            let here = format!("upstream.transport_failure_reason.contains('{text}')");
            let last = causes.when.into_iter().find(|(condition, _)| condition.contains(&here)).map(|(_, code)| code);
            return (Some(here), Chain { when: Vec::new(), last });
        }
        // Of what is refused before, no upstream was tried.
        let tried =
            causes.stage().is_none_or(|stage| matches!(stage, Stage::Connecting | Stage::Tls | Stage::Response | Stage::Proxy));
        let details = match self.details {
            Known::Word(text) => format!("response.code_details == '{text}'"),
            Known::Begin(text) => format!("response.code_details.startsWith('{text}')"),
        };
        let early = "!has(upstream.transport_failure_reason)".to_owned();
        let parts: Vec<_> =
            [Some(early).filter(|_| tried), Some(details).filter(|_| !self.certain)].into_iter().flatten().collect();
        (Some(parts.join(" && ")).filter(|expression| !expression.is_empty()), causes)
    }
}

#[cfg(test)]
mod tests {
    use meshwhy_core::condition::cel::LATE_FLAGS;
    use meshwhy_core::details::Word;

    use super::*;

    #[test]
    fn every_usual_failure_is_one_of_the_catalogue() {
        for usual in &USUAL {
            let (condition, causes) = usual.condition();
            assert!(!causes.is_empty(), "{condition:?}");
            if let Known::Word(text) = usual.details {
                assert!(Word::ALL.iter().any(|(word, _)| *word == text), "{text} is no word");
            }
        }
    }

    #[test]
    fn no_sign_comes_too_late() {
        let late = |usual: &Usual| matches!(usual.sign, Sign::Flag(flag) if LATE_FLAGS.contains(&flag));
        assert!(!USUAL.iter().any(late));
    }

    #[test]
    fn an_earlier_attempt_is_left_to_others() {
        let (condition, causes) = word(Sign::Flag(Flag::UH), "no_healthy_upstream").condition();
        let expected = "!has(upstream.transport_failure_reason) && response.code_details == 'no_healthy_upstream'";
        assert_eq!((condition.as_deref(), causes.slugs()), (Some(expected), vec!["no-healthy-endpoints"]));
    }

    #[test]
    fn what_the_sign_proves_is_not_asked_for() {
        let (condition, causes) = USUAL[0].condition();
        assert_eq!((condition, causes.slugs()), (None, vec!["no-virtual-host", "no-route"]));
    }
}
