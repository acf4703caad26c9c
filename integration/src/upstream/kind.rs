//! The ways in which an upstream can misbehave.

use serde::Deserialize;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error, StrDeserializer};

/// How an upstream behaves.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub enum UpstreamKind {
    /// `http-NNN`: answers with this status; `http` answers 200.
    Status(u16),
    /// Misbehaves.
    UpstreamFault(UpstreamFault),
}

/// What an upstream does instead of answering as it should.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum UpstreamFault {
    /// Does on each path what the path says.
    ByPath,
    /// Its port is closed.
    Refuse,
    /// Never completes a connection.
    Blackhole,
    /// Reads the request, then resets the connection.
    Reset,
    /// Reads the request, then closes the connection.
    Close,
    /// Answers 200 once and closes the connection a little later.
    CloseAfterIdle,
    /// Answers 200 once and closes the connection when the next request comes.
    CloseOnReuse,
    /// Answers 200 as soon as it has the head of the request.
    Early,
    /// Announces a longer body than it sends, then closes the connection.
    Cut,
    /// Reads and never answers.
    Hang,
    /// Answers 200 after a second.
    Slow,
    /// Answers 200 with one header of 100 KB.
    LargeHeader,
    /// Answers 200 with 200 headers.
    ManyHeaders,
    /// Answers 200 with a body of 64 KiB.
    LargeBody,
    /// Answers 503 with the `proxy-status` of a CDN and of a proxy with meshwhy.
    ProxyStatus,
    /// Answers 200 over TLS; closes the connection of a client that speaks plaintext.
    Tls,
    /// Shows a certificate of an authority that nobody trusts.
    TlsUntrusted,
    /// Shows a certificate whose time is over.
    TlsExpired,
    /// Asks for a client certificate.
    TlsMtls,
    /// Over TLS, chooses no application protocol but HTTP/2.
    TlsH2Only,
    /// Answers whatever comes, a TLS hello included, with a plaintext 400.
    PlainOnTls,
    /// Answers with bytes that are not HTTP.
    Garbage,
    /// Answers 200 over HTTP/2.
    H2,
    /// Resets every HTTP/2 stream.
    H2Reset,
    /// Refuses every HTTP/2 stream.
    H2Refuse,
    /// Begins an HTTP/2 response, then resets the stream.
    H2Cut,
    /// Ends every gRPC call with the status `INTERNAL`.
    GrpcError,
    /// A rate limit service that says `OVER_LIMIT`.
    OverLimit,
    /// An external processor that does with each part of a request what the header `x-process` wishes.
    Processor,
}

impl UpstreamKind {
    /// Whether it speaks HTTP/2.
    pub fn speaks_http2(self) -> bool {
        use UpstreamFault::{GrpcError, H2, H2Cut, H2Refuse, H2Reset, OverLimit, Processor};
        matches!(self, Self::UpstreamFault(H2 | H2Reset | H2Refuse | H2Cut | GrpcError | OverLimit | Processor))
    }
}

impl TryFrom<String> for UpstreamKind {
    type Error = Error;

    fn try_from(name: String) -> Result<Self, Error> {
        let status = name.strip_prefix("http-").and_then(|status| status.parse().ok());
        if let Some(status) = status.or((name == "http").then_some(200)) {
            return Ok(Self::Status(status));
        }
        let name: StrDeserializer<'_, Error> = name.as_str().into_deserializer();
        UpstreamFault::deserialize(name).map(Self::UpstreamFault)
    }
}
