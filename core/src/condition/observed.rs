//! What is derived from the texts of facts: each understood once, and named here for every engine.

use crate::codec::CodecError;
use crate::details::{self, CloseReason, Details};
use crate::facts::{Decisive, text};
use crate::transport::TransportFailure;

/// Facts with their texts understood once, since many conditions ask for the same ones.
#[derive(Debug, Clone, Copy)]
pub struct Observed<'f, 'a> {
    /// The facts themselves.
    pub facts: &'f Decisive<'a>,
    /// The code details.
    pub details: Option<Details<'f>>,
    /// The policy that denied, by the code details or by those of the connection's end; empty when none allowed.
    pub policy: Option<&'f str>,
    /// The upstream transport failure, by its own field or by the copy in the code details.
    pub upstream_transport: Option<TransportFailure<'f>>,
    /// The downstream transport failure, unless a filter chain took the connection all the same.
    pub downstream_transport: Option<TransportFailure<'f>>,
    /// What the upstream codec reported.
    pub upstream_codec: Option<CodecError<'f>>,
    /// What the downstream codec reported, by the code details or by why the connection was closed.
    pub downstream_codec: Option<CodecError<'f>>,
    /// Why Envoy closed the downstream connection itself.
    pub closed: Option<CloseReason>,
}

impl<'f, 'a> Observed<'f, 'a> {
    /// Parses what can be parsed.
    #[must_use]
    pub fn new(facts: &'f Decisive<'a>) -> Self {
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
