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
    /// What the transport failure contains, where there is one.
    pub transport: Option<&'static str>,
}

const RESET_OVERFLOW: &str = "upstream_reset_before_response_started{overflow";
const RESET_TERMINATION: &str = "upstream_reset_before_response_started{connection_termination";
const RESET_CONNECTION_FAILURE: &str = "upstream_reset_before_response_started{remote_connection_failure";
const RESET_TIMEOUT: &str = "upstream_reset_before_response_started{connection_timeout";

/// The usual failures.
pub const USUAL: [Usual; 13] = [
    word(Sign::Flag(Flag::NR), "route_not_found"),
    word(Sign::Flag(Flag::NC), "cluster_not_found"),
    word(Sign::Flag(Flag::UH), "no_healthy_upstream"),
    word(Sign::Flag(Flag::UT), "upstream_response_timeout"),
    word(Sign::Flag(Flag::UAEX), "ext_authz_denied"),
    word(Sign::Flag(Flag::FI), "fault_filter_abort"),
    word(Sign::Status(426), "low_version"),
    word(Sign::Status(431), "http1.headers_too_large"),
    begin(Sign::Status(403), "rbac_access_denied_matched_policy["),
    begin(Sign::Flag(Flag::UO), RESET_OVERFLOW),
    begin(Sign::Flag(Flag::UC), RESET_TERMINATION),
    Usual { transport: Some("connect error: Connection refused"), ..begin(Sign::Flag(Flag::UF), RESET_CONNECTION_FAILURE) },
    begin(Sign::Flag(Flag::UF), RESET_TIMEOUT),
];

const fn word(sign: Sign, text: &'static str) -> Usual {
    Usual { sign, details: Known::Word(text), transport: None }
}

const fn begin(sign: Sign, text: &'static str) -> Usual {
    Usual { sign, details: Known::Begin(text), transport: None }
}

impl Usual {
    /// The expression that it must satisfy, and the causes that it may have then. What it leaves is recognised further down.
    pub fn condition(&self) -> (String, Chain) {
        let place = Place { details: self.details, transport: self.transport.is_some() };
        let (early, mut causes) = match self.transport {
            // Causes that rest on the transport failure exclude one another: this text leaves one.
            Some(text) => {
                let here = format!("upstream.transport_failure_reason.contains('{text}')");
                let last = chain(place).when.into_iter().find(|(condition, _)| condition.contains(&here)).map(|(_, code)| code);
                (here, Chain { when: Vec::new(), last })
            }
            None => ("!has(upstream.transport_failure_reason)".to_owned(), chain(place)),
        };
        // Without a cluster the expression fails, and the failure is left.
        let elsewhere = causes.leave_black_hole() || self.transport.is_some();
        // Of what is refused before, no upstream was tried.
        let tried =
            causes.stage().is_none_or(|stage| matches!(stage, Stage::Connecting | Stage::Tls | Stage::Response | Stage::Proxy));
        let details = match self.details {
            Known::Word(text) => format!("response.code_details == '{text}'"),
            Known::Begin(text) => format!("response.code_details.startsWith('{text}')"),
        };
        let parts = [
            Some(details),
            Some(early).filter(|_| tried),
            Some("xds.cluster_name != 'BlackHoleCluster'".to_owned()).filter(|_| elsewhere),
        ];
        (parts.into_iter().flatten().collect::<Vec<_>>().join(" && "), causes)
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
            assert!(!causes.is_empty(), "{condition}");
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
    fn an_earlier_attempt_and_the_black_hole_are_left_to_others() {
        let (condition, causes) = word(Sign::Flag(Flag::UH), "no_healthy_upstream").condition();
        let expected = "response.code_details == 'no_healthy_upstream' && !has(upstream.transport_failure_reason) && \
                        xds.cluster_name != 'BlackHoleCluster'";
        assert_eq!((condition.as_str(), causes.slugs()), (expected, vec!["no-healthy-endpoints"]));
    }
}
