//! What is derived from the texts of facts: each understood once, and named here for every engine.

use std::cell::OnceCell;

use crate::codec::CodecError;
use crate::details::{self, CloseReason, Details};
use crate::facts::{Decisive, text};
use crate::transport::TransportFailure;

/// Facts with what their texts mean, each understood when it is first asked for: many conditions ask for the same ones, and most facts
/// need few of them.
#[derive(Debug, Clone)]
pub struct Observed<'f, 'a> {
    /// The facts themselves.
    pub facts: &'f Decisive<'a>,
    details: OnceCell<Option<Details<'f>>>,
    upstream_transport: OnceCell<Option<TransportFailure<'f>>>,
    downstream_transport: OnceCell<Option<TransportFailure<'f>>>,
    upstream_codec: OnceCell<Option<CodecError<'f>>>,
    downstream_codec: OnceCell<Option<CodecError<'f>>>,
}

impl<'f, 'a> Observed<'f, 'a> {
    /// Takes facts; nothing is parsed yet.
    #[must_use]
    pub const fn new(facts: &'f Decisive<'a>) -> Self {
        Self {
            facts,
            details: OnceCell::new(),
            upstream_transport: OnceCell::new(),
            downstream_transport: OnceCell::new(),
            upstream_codec: OnceCell::new(),
            downstream_codec: OnceCell::new(),
        }
    }

    /// The code details.
    pub fn details(&self) -> Option<Details<'f>> {
        *self.details.get_or_init(|| self.facts.parsed_details())
    }

    /// The policy that denied, by the code details or by those of the connection's end; empty when none allowed.
    pub fn policy(&self) -> Option<&'f str> {
        let by_termination = || text(self.facts.termination_details.as_ref()).map(details::parse).and_then(policy);
        self.details().and_then(policy).or_else(by_termination)
    }

    /// The upstream transport failure, by its own field or by the copy in the code details.
    pub fn upstream_transport(&self) -> Option<TransportFailure<'f>> {
        *self.upstream_transport.get_or_init(|| self.facts.upstream_transport_beside(self.details()))
    }

    /// The downstream transport failure, unless a filter chain took the connection all the same.
    pub fn downstream_transport(&self) -> Option<TransportFailure<'f>> {
        *self.downstream_transport.get_or_init(|| self.facts.downstream_transport())
    }

    /// What the upstream codec reported.
    pub fn upstream_codec(&self) -> Option<CodecError<'f>> {
        *self.upstream_codec.get_or_init(|| self.facts.upstream_codec())
    }

    /// What the downstream codec reported, by the code details or by why the connection was closed.
    pub fn downstream_codec(&self) -> Option<CodecError<'f>> {
        *self.downstream_codec.get_or_init(|| self.facts.downstream_codec())
    }

    /// Why Envoy closed the downstream connection itself.
    pub fn closed(&self) -> Option<CloseReason> {
        let unfinished = || text(self.facts.termination_details.as_ref()).map(CloseReason::parse);
        match self.details() {
            Some(Details::LocalDisconnect { reason, .. }) => Some(reason),
            _ => unfinished().filter(|reason| *reason == CloseReason::Handshake),
        }
    }
}

/// The policy that denied, empty when none allowed.
fn policy(details: Details<'_>) -> Option<&str> {
    if let Details::RbacDenied { policy } = details { Some(policy.unwrap_or_default()) } else { None }
}
