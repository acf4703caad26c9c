//! What is derived from the texts of facts: each understood once, and named here for every engine.

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
