//! What Envoy, or a log line, told about one request or connection. No interpretation.

use std::borrow::Cow;

use crate::codec::{self, CodecError};
use crate::condition::{FAILS, Observed};
use crate::details::{self, Details};
use crate::event::Event;
use crate::flags::{Flag, ResponseFlags};
use crate::transport::{self, TransportFailure};

/// The way the traffic went through the proxy that speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Towards the workload that the proxy serves (`xds.listener_direction` 1).
    Inbound,
    /// Away from the workload (`xds.listener_direction` 2).
    Outbound,
    /// Through a gateway.
    Gateway,
}

impl Side {
    /// The word used in the annotation, in records and in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
            Self::Gateway => "gateway",
        }
    }

    /// Reads the word that [`Side::as_str`] gives.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Inbound, Self::Outbound, Self::Gateway].into_iter().find(|side| side.as_str() == word)
    }
}

/// Facts about one request or connection; every field is optional.
///
/// # Shape
/// Text is borrowed from the line, the record or the host's buffer and is untrusted. `None` means that the source does
/// not say; an empty text means that Envoy says there is none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts<'a> {
    /// Response status; 0 when no response was sent (TCP, resets).
    pub status: Option<u16>,
    /// Response flags. In reply-time facts late flags are missing: see `facts::Facts::details` first.
    pub flags: Option<ResponseFlags>,
    /// Response code details, as Envoy gives them; parse with [`Facts::parsed_details`], never search them.
    pub details: Option<Cow<'a, str>>,
    /// Why the downstream connection was ended.
    pub termination_details: Option<Cow<'a, str>>,
    /// Why the connection to the upstream could not be made.
    pub upstream_transport_failure: Option<Cow<'a, str>>,
    /// Why the connection from the downstream failed (listener level).
    pub downstream_transport_failure: Option<Cow<'a, str>>,
    /// Why Envoy closed the upstream connection itself (Envoy 1.38 and later, or its own log); parse with
    /// [`Facts::upstream_codec`].
    pub upstream_local_close: Option<Cow<'a, str>>,
    /// Why Envoy closed the downstream connection itself (Envoy 1.38 and later).
    pub downstream_local_close: Option<Cow<'a, str>>,
    /// What Mixer's policy check said (Istio 1.4 and earlier).
    pub policy_status: Option<Cow<'a, str>>,
    /// From the first byte of the request to the last of the response, in milliseconds.
    pub duration_ms: Option<u64>,
    /// Whether the upstream connection had served a request before, where the source says so.
    pub upstream_reused: Option<bool>,
    /// The gRPC status as a number; 0 is OK.
    pub grpc_status: Option<u32>,
    /// `HTTP/1.1`, `HTTP/2`, …
    pub protocol: Option<Cow<'a, str>>,
    /// Request method.
    pub method: Option<Cow<'a, str>>,
    /// Request path; the query string is cut by [`crate::redact`].
    pub path: Option<Cow<'a, str>>,
    /// Host that the client asked for.
    pub authority: Option<Cow<'a, str>>,
    /// `x-request-id`.
    pub request_id: Option<Cow<'a, str>>,
    /// 32 hex digits.
    pub trace_id: Option<Cow<'a, str>>,
    /// The virtual host that matched; empty when Envoy says that none did.
    pub virtual_host: Option<Cow<'a, str>>,
    /// Route name.
    pub route: Option<Cow<'a, str>>,
    /// Cluster name, such as `outbound|8080||reviews.default.svc.cluster.local`.
    pub cluster: Option<Cow<'a, str>>,
    /// Address of the upstream host last tried.
    pub upstream_host: Option<Cow<'a, str>>,
    /// Our end of the upstream connection; equals the server's `downstream_remote_address`.
    pub upstream_local_address: Option<Cow<'a, str>>,
    /// The address the client connected to.
    pub downstream_local_address: Option<Cow<'a, str>>,
    /// The client's address.
    pub downstream_remote_address: Option<Cow<'a, str>>,
    /// SNI of the downstream connection.
    pub server_name: Option<Cow<'a, str>>,
    /// Configuration name of the filter that produced the local reply (Envoy 1.29 and later).
    pub local_reply_owner: Option<Cow<'a, str>>,
    /// The cause code that a proxy wrote into its `Proxy-Status` member.
    pub annotated_code: Option<Cow<'a, str>>,
    /// The proxy that made this reply, where another one only passes it on: the name in its `Proxy-Status` member.
    pub relayed_from: Option<Cow<'a, str>>,
    /// Which way the traffic went.
    pub side: Option<Side>,
    /// Whether the downstream connection is mutual TLS.
    pub mtls: Option<bool>,
    /// The workload whose proxy speaks.
    pub workload: Option<Cow<'a, str>>,
    /// The namespace of the proxy.
    pub namespace: Option<Cow<'a, str>>,
    /// The pod of the proxy.
    pub pod: Option<Cow<'a, str>>,
    /// When the request started, as the source prints it.
    pub start_time: Option<Cow<'a, str>>,
    /// What the proxy noticed beside the response.
    pub event: Option<Event>,
}

impl<'a> Facts<'a> {
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

    /// Whether anything here says that something went wrong: [`FAILS`].
    #[must_use]
    pub fn shows_failure(&self) -> bool {
        FAILS.holds(&Observed::new(self))
    }

    /// Copies every borrowed text, so that the facts outlive their source.
    #[must_use]
    pub fn into_owned(self) -> Facts<'static> {
        let own = |text: Option<Cow<'a, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        Facts {
            status: self.status,
            flags: self.flags,
            details: own(self.details),
            termination_details: own(self.termination_details),
            upstream_transport_failure: own(self.upstream_transport_failure),
            downstream_transport_failure: own(self.downstream_transport_failure),
            upstream_local_close: own(self.upstream_local_close),
            downstream_local_close: own(self.downstream_local_close),
            policy_status: own(self.policy_status),
            duration_ms: self.duration_ms,
            upstream_reused: self.upstream_reused,
            grpc_status: self.grpc_status,
            protocol: own(self.protocol),
            method: own(self.method),
            path: own(self.path),
            authority: own(self.authority),
            request_id: own(self.request_id),
            trace_id: own(self.trace_id),
            virtual_host: own(self.virtual_host),
            route: own(self.route),
            cluster: own(self.cluster),
            upstream_host: own(self.upstream_host),
            upstream_local_address: own(self.upstream_local_address),
            downstream_local_address: own(self.downstream_local_address),
            downstream_remote_address: own(self.downstream_remote_address),
            server_name: own(self.server_name),
            local_reply_owner: own(self.local_reply_owner),
            annotated_code: own(self.annotated_code),
            relayed_from: own(self.relayed_from),
            side: self.side,
            mtls: self.mtls,
            workload: own(self.workload),
            namespace: own(self.namespace),
            pod: own(self.pod),
            start_time: own(self.start_time),
            event: self.event,
        }
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
        let failed = Facts { upstream_transport_failure: Some("delayed_connect_error:_111".into()), ..Facts::default() };
        assert!(failed.shows_failure());
        assert!(!Facts { status: Some(200), ..failed }.shows_failure());
    }
}
