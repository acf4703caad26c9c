//! What the details of a failure show, so that the host need not be asked for it.

use meshwhy_core::Decisive;
use meshwhy_core::condition::Observed;
use meshwhy_core::details::{Details, Reset, Word};

/// What is known once the details are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DetailsHints {
    /// The status of the reply.
    pub status: Option<u16>,
    /// The proxy made the reply itself.
    pub is_local_reply: bool,
    /// They say more than the flags of a reply do.
    pub decides_flags: bool,
    /// They carry a copy of the upstream transport failure.
    pub carries_transport_failure: bool,
    /// Not refused by the codec, as 426, 431 and 400 are.
    pub passed_codec: bool,
    /// No route matched.
    pub no_route: bool,
    /// A host may have been selected.
    pub may_have_host: bool,
    /// It failed as any route to this cluster would.
    pub route_is_irrelevant: bool,
}

impl DetailsHints {
    /// What these details show, or that there are none.
    #[must_use]
    pub fn of(text: Option<&str>) -> Self {
        let facts = Decisive { details: text.map(Into::into), ..Decisive::default() };
        let observed = Observed::new(&facts);
        let details = observed.details();
        let codec =
            |word: Word| word == Word::LowVersion || ["http1.", "http2."].iter().any(|head| word.as_str().starts_with(head));
        let passed_codec = !matches!(details, Some(Details::Word(word)) if codec(word));
        let ended_before = matches!(
            details,
            Some(
                Details::Word(
                    Word::RouteNotFound | Word::ClusterNotFound | Word::JwksRemoteFetchFailed | Word::NoHealthyUpstream
                ) | Details::ResetBeforeResponse { reset: Reset::Overflow, .. }
                    | Details::RbacDenied { .. }
                    | Details::JwtDenied { .. }
            )
        );
        Self {
            status: details.and_then(Details::status),
            is_local_reply: details.is_none_or(|details| !details.is_success()),
            decides_flags: details.is_some_and(|details| details != Details::Word(Word::ViaUpstream)),
            carries_transport_failure: observed.upstream_transport().is_some(),
            passed_codec,
            no_route: details == Some(Details::Word(Word::RouteNotFound)),
            may_have_host: passed_codec && !ended_before,
            route_is_irrelevant: matches!(
                details,
                Some(Details::Word(Word::NoHealthyUpstream) | Details::ResetBeforeResponse { .. })
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_that_says_why_needs_no_more_than_the_cluster() {
        let details = "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_111}";
        let hints = DetailsHints::of(Some(details));
        assert_eq!((hints.status, hints.carries_transport_failure, hints.route_is_irrelevant), (Some(503), true, true));
    }

    #[test]
    fn no_details_rule_nothing_out() {
        let hints = DetailsHints::of(None);
        assert_eq!((hints.status, hints.decides_flags), (None, false));
        assert!(hints.is_local_reply && hints.passed_codec && hints.may_have_host && !hints.no_route);
    }

    #[test]
    fn what_the_codec_refused_has_no_host() {
        let hints = DetailsHints::of(Some("low_version"));
        assert_eq!((hints.decides_flags, hints.passed_codec, hints.may_have_host), (true, false, false));
    }
}
