//! What Envoy, or a log line, told about one request or connection. No interpretation.

pub mod kind;
mod schema;

use std::borrow::Cow;
use std::ops::{Deref, DerefMut};

use crate::codec::{self, CodecError};
use crate::condition::Observed;
use crate::details::{self, Details};
use crate::flags::Flag;
use crate::transport::{self, TransportFailure};
use crate::words;

pub use schema::{Attribute, Context, Decisive, Fact, Facts};

words! {
    /// The way the traffic went through the proxy that speaks.
    pub enum Side {
        /// Towards the workload that the proxy serves (`xds.listener_direction` 1).
        Inbound = "inbound",
        /// Away from the workload (`xds.listener_direction` 2).
        Outbound = "outbound",
        /// Through a gateway.
        Gateway = "gateway",
    }
}

impl Side {
    /// Reads the word that [`Side::as_str`] gives.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|side| side.as_str() == word)
    }
}

/// Conditions look at nothing else, so that whoever has facts can ask about what decides.
impl<'a> Deref for Facts<'a> {
    type Target = Decisive<'a>;

    fn deref(&self) -> &Decisive<'a> {
        &self.decisive
    }
}

impl<'a> DerefMut for Facts<'a> {
    fn deref_mut(&mut self) -> &mut Decisive<'a> {
        &mut self.decisive
    }
}

impl<'a> From<Decisive<'a>> for Facts<'a> {
    fn from(decisive: Decisive<'a>) -> Self {
        Self { decisive, context: Context::default() }
    }
}

impl Decisive<'_> {
    /// The code details, understood; `None` when absent.
    #[must_use]
    pub fn parsed_details(&self) -> Option<Details<'_>> {
        text(self.details.as_ref()).map(details::parse)
    }

    /// The upstream transport failure, understood.
    ///
    /// The details carry a copy, which is used where the field itself is absent (body-only sources, old formats).
    #[must_use]
    pub fn upstream_transport(&self) -> Option<TransportFailure<'_>> {
        self.upstream_transport_beside(self.parsed_details())
    }

    /// The upstream transport failure beside details that are already understood.
    pub(crate) fn upstream_transport_beside<'f>(&'f self, details: Option<Details<'f>>) -> Option<TransportFailure<'f>> {
        let own = self.upstream_transport_failure.as_deref().and_then(transport::parse);
        own.or_else(|| match details? {
            Details::ResetBeforeResponse { transport, .. } | Details::ResetAfterResponse { transport, .. } => {
                transport.and_then(transport::parse)
            }
            _ => None,
        })
    }

    /// The downstream transport failure, understood.
    ///
    /// What the TLS inspector says of a connection that is not TLS counts only where no filter chain took the connection.
    #[must_use]
    pub fn downstream_transport(&self) -> Option<TransportFailure<'_>> {
        let text = self.downstream_transport_failure.as_deref()?;
        let taken = transport::is_of_inspector(text) && !self.no_filter_chain();
        if taken { None } else { transport::parse(text) }
    }

    fn no_filter_chain(&self) -> bool {
        let details = || self.details.as_deref() == Some(details::Word::FilterChainNotFound.as_str());
        self.has_flag(Flag::NR) || details()
    }

    /// What the upstream codec said, understood.
    #[must_use]
    pub fn upstream_codec(&self) -> Option<CodecError<'_>> {
        text(self.upstream_local_close.as_ref()).and_then(codec::recognise)
    }

    /// What the downstream codec said, understood; the details carry it where the connection was cut.
    #[must_use]
    pub fn downstream_codec(&self) -> Option<CodecError<'_>> {
        const HEADS: [&str; 2] = ["codec_error:", "downstream_local_disconnect(codec_error:"];
        let details = text(self.details.as_ref());
        let from_details = details.and_then(|text| HEADS.iter().find_map(|head| text.strip_prefix(head)));
        let from_close = || text(self.downstream_local_close.as_ref())?.strip_prefix("codec_error:");
        from_details.or_else(from_close).map(|text| codec::parse(text.trim_end_matches(')')))
    }

    /// The status of a failed gRPC call that HTTP calls a success; Envoy infers one from any other HTTP status.
    #[must_use]
    pub fn grpc_failure(&self) -> Option<u32> {
        self.grpc_status.filter(|grpc| *grpc != 0 && self.status.is_none_or(|status| status == 200))
    }

    /// Whether `flag` is known to be set.
    #[must_use]
    pub fn has_flag(&self, flag: Flag) -> bool {
        self.flags.is_some_and(|flags| flags.contains(flag))
    }

    /// Whether anything here says why a request failed, or that it did not; a status says neither.
    pub(crate) fn say_why(&self) -> bool {
        let texts = [
            &self.details,
            &self.termination_details,
            &self.upstream_transport_failure,
            &self.downstream_transport_failure,
            &self.upstream_local_close,
            &self.downstream_local_close,
            &self.policy_status,
        ];
        let said = texts.into_iter().any(|fact| text(fact.as_ref()).is_some());
        said || self.event.is_some() || self.flags.is_some_and(|flags| !flags.is_empty())
    }

    /// Whether anything here says that something went wrong: [`crate::condition::FAILS`].
    #[must_use]
    pub fn shows_failure(&self) -> bool {
        Observed::new(self).fails()
    }
}

/// The text of a fact, unless it is absent or empty.
#[must_use]
pub fn text<'t>(fact: Option<&'t Cow<'_, str>>) -> Option<&'t str> {
    fact.map(AsRef::as_ref).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retry_that_succeeded_is_healthy() {
        let failed = Decisive { upstream_transport_failure: Some("delayed_connect_error:_111".into()), ..Decisive::default() };
        assert!(failed.shows_failure());
        assert!(!Decisive { status: Some(200), ..failed }.shows_failure());
    }
}
