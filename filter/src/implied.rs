//! What the details of a failure imply, and nobody needs to ask for.

use meshwhy_core::Decisive;
use meshwhy_core::condition::Observed;
use meshwhy_core::details::{Details, Reset, Word};

/// What is known once the details are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Implied {
    /// The status of the reply.
    pub status: Option<u16>,
    /// They say more than the flags of a reply do.
    pub clear: bool,
    /// They carry a copy of the upstream transport failure.
    pub transport: bool,
    /// Not refused by the codec, as 426, 431 and 400 are.
    pub routing: bool,
    /// There may be a route, and a cluster with it.
    pub route: bool,
    /// No route matched.
    pub no_route: bool,
    /// A host was looked for, and perhaps tried.
    pub upstream: bool,
    /// It failed as any route to this cluster would.
    pub by_cluster: bool,
}

impl Implied {
    /// What these details imply, or that there are none.
    #[must_use]
    pub fn by(text: Option<&str>) -> Self {
        let facts = Decisive { details: text.map(Into::into), ..Decisive::default() };
        let observed = Observed::new(&facts);
        let details = observed.details();
        let codec =
            |word: Word| word == Word::LowVersion || ["http1.", "http2."].iter().any(|head| word.as_str().starts_with(head));
        let routing = !matches!(details, Some(Details::Word(word)) if codec(word));
        let no_route = details == Some(Details::Word(Word::RouteNotFound));
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
            clear: details.is_some_and(|details| details != Details::Word(Word::ViaUpstream)),
            transport: observed.upstream_transport().is_some(),
            routing,
            route: routing && !no_route,
            no_route,
            upstream: routing && !ended_before,
            by_cluster: matches!(details, Some(Details::Word(Word::NoHealthyUpstream) | Details::ResetBeforeResponse { .. })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_that_says_why_needs_no_more_than_the_cluster() {
        let details = "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_111}";
        let implied = Implied::by(Some(details));
        assert_eq!((implied.status, implied.transport, implied.by_cluster), (Some(503), true, true));
    }

    #[test]
    fn nothing_implies_nothing() {
        let implied = Implied::by(None);
        assert_eq!((implied.status, implied.clear, implied.upstream, implied.route), (None, false, true, true));
    }

    #[test]
    fn what_the_codec_refused_has_no_route() {
        let implied = Implied::by(Some("low_version"));
        assert_eq!((implied.clear, implied.routing, implied.route, implied.upstream), (true, false, false, false));
    }
}
