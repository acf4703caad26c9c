//! What a client has in hand that sent a request itself: a response, or what kept it from one. Nothing is printed and read again.

use meshwhy_core::Facts;

use crate::evidence;

/// A response and what was asked, each value as it came; at most 256 headers and lines of the body are looked at.
#[derive(Debug, Clone, Copy)]
pub struct ClientResponse<'a> {
    /// The method that was sent.
    pub method: &'a str,
    /// The path that was sent.
    pub path: &'a str,
    /// Headers that were sent.
    pub request_headers: &'a [(&'a str, &'a str)],
    /// The status.
    pub status: u16,
    /// Headers and trailers of the response.
    pub headers: &'a [(&'a str, &'a str)],
    /// The beginning of the body.
    pub body: &'a str,
}

impl<'a> ClientResponse<'a> {
    /// What the response says of itself, as the same response would that `curl -i` printed.
    #[must_use]
    pub fn facts(&self) -> Option<Facts<'a>> {
        evidence::received(self)
    }
}

/// What kept a client from a response; what its proxy or another client would have written down for it, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientFailure<'a> {
    /// No connection.
    NotConnected {
        /// `10.0.0.7:8080`; ports of Istio's own say more.
        address: &'a str,
        /// The error of the socket.
        error: ConnectError,
    },
    /// The connection was closed or reset before a response.
    Closed,
    /// The server answered a TLS handshake with something else.
    PlaintextForTls,
    /// The server answered plaintext with TLS.
    TlsWanted,
    /// The connection was closed or reset within the TLS handshake.
    HandshakeCut,
    /// The server refused the TLS handshake with this alert of RFC 8446.
    Alert(u8),
    /// The server's certificate is not of a trusted authority, or for another name.
    CertificateUntrusted,
    /// The server's certificate is not valid now.
    CertificateOutOfDate,
    /// An HTTP/2 stream was reset with `INTERNAL_ERROR` before any header.
    StreamReset,
    /// So was a stream whose headers were few and larger than what Envoy takes by default: 60 KiB.
    StreamResetForSize,
    /// The server speaks HTTP/2 and was asked in HTTP/1.
    Http2Only,
}

/// The error of a socket that cannot connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectError {
    /// `ECONNREFUSED`
    Refused,
    /// `ETIMEDOUT`, or the client's own patience ended.
    TimedOut,
    /// `EHOSTUNREACH`
    NoRouteToHost,
    /// `ENETUNREACH`
    NetworkUnreachable,
}

impl ConnectError {
    /// As Envoy would have it.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Refused => "delayed connect error: Connection refused",
            Self::TimedOut => "delayed connect error: Connection timed out",
            Self::NoRouteToHost => "delayed connect error: No route to host",
            Self::NetworkUnreachable => "delayed connect error: Network is unreachable",
        }
    }
}

impl ClientFailure<'_> {
    /// What it says; certain of nothing, since a client sees only its own end.
    #[must_use]
    pub fn facts(&self) -> Facts<'static> {
        evidence::seen_by_client(self)
    }
}

#[cfg(test)]
mod tests {
    use meshwhy_core::{Confidence, judge};

    use super::*;

    fn cause(facts: &Facts<'_>) -> (&'static str, Confidence) {
        let verdict = judge(facts).unwrap();
        (verdict.cause.slug, verdict.confidence)
    }

    #[test]
    fn what_a_client_sees_is_likely() {
        let refused = |address| ClientFailure::NotConnected { address, error: ConnectError::Refused };
        for (failure, slug) in [
            (refused("10.0.0.7:8080"), "upstream-connection-refused"),
            (ClientFailure::Closed, "upstream-closed-connection"),
            (ClientFailure::PlaintextForTls, "tls-to-plaintext-port"),
            (ClientFailure::TlsWanted, "plaintext-to-tls-port"),
            (ClientFailure::HandshakeCut, "tls-handshake-failed"),
            (ClientFailure::Alert(40), "tls-handshake-failed"),
            (ClientFailure::StreamReset, "too-many-headers"),
            (ClientFailure::StreamResetForSize, "headers-too-large"),
            (ClientFailure::CertificateUntrusted, "certificate-verify-failed"),
            (ClientFailure::CertificateOutOfDate, "certificate-expired"),
        ] {
            assert_eq!(cause(&failure.facts()), (slug, Confidence::Likely), "{failure:?}");
        }
        assert_eq!(cause(&refused("127.0.0.1:15000").facts()).0, "proxy-not-started");
    }

    #[test]
    fn a_bare_status_stays_open() {
        let response = ClientResponse { method: "GET", path: "/", request_headers: &[], status: 503, headers: &[], body: "" };
        assert_eq!(cause(&response.facts().unwrap()), ("unknown", Confidence::Likely));
    }

    #[test]
    fn a_body_says_what_it_says_and_no_more() {
        let response =
            |headers, body| ClientResponse { method: "GET", path: "/", request_headers: &[], status: 200, headers, body };
        let log_line = "[2026-11-21T06:00:00.000Z] \"GET / HTTP/1.1\" 503 UF upstream_reset_before_response_started - \"-\" 0 91";
        let facts = response(&[("server", "envoy")], log_line).facts().unwrap();
        assert!(judge(&facts).is_none(), "{facts:?}");
        let unhealthy = ClientResponse { status: 503, ..response(&[("server", "envoy")], "no healthy upstream") };
        assert_eq!(cause(&unhealthy.facts().unwrap()).0, "no-healthy-endpoints");
    }
}
