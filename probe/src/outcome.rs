//! What came of a request.

use std::time::Duration;

use http::Version;

use crate::certificate::ServerCertificate;
use crate::failure::{CertificateFault, ExchangeFailure, Failure};

/// What came of a request.
#[derive(Debug)]
pub struct Outcome {
    /// Whom the connection led to.
    pub peer: Option<String>,
    /// The TLS session, where there is one.
    pub tls: Option<TlsSession>,
    /// The headers that were sent, in their order; none where it did not get so far.
    pub sent: Vec<(String, String)>,
    /// From the beginning to the response's headers, or to the failure.
    pub duration: Duration,
    /// The response, or what kept the request from one.
    pub result: Result<Response, Failure>,
}

/// A TLS session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSession {
    /// `TLSv1.3`
    pub version: String,
    /// The protocol that the server chose.
    pub protocol: Option<String>,
    /// What the server showed.
    pub certificate: Option<ServerCertificate>,
    /// Why its certificate would have been refused, where that was not to be looked at.
    pub ignored: Option<CertificateFault>,
}

/// A response. Headers and trailers are of at most 256 KiB.
#[derive(Debug)]
pub struct Response {
    /// The version of HTTP.
    pub version: Version,
    /// The status.
    pub status: u16,
    /// Headers in their order; bytes that are no UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// The beginning of the body: the first 64 KiB, unless the request asks for more.
    pub body: Vec<u8>,
    /// How many bytes of the body came.
    pub length: u64,
    /// How the body ended.
    pub end: BodyEnd,
    /// Trailers.
    pub trailers: Vec<(String, String)>,
}

/// How a body ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyEnd {
    /// As it should.
    Complete,
    /// Here, after as much as is read: 1 MiB.
    Left,
    /// Here, since its end did not come in time.
    TimedOut,
    /// The server broke it off.
    Broken(ExchangeFailure),
}

impl Response {
    /// The first header or trailer of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.fields().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// All headers and trailers of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields().filter(move |(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    fn fields(&self) -> impl Iterator<Item = &(String, String)> {
        self.headers.iter().chain(&self.trailers)
    }

    /// The status of the gRPC call, where the response is one's.
    #[must_use]
    pub fn grpc_status(&self) -> Option<u32> {
        self.header("grpc-status").and_then(|status| status.trim().parse().ok())
    }
}

impl Outcome {
    /// Whether nobody was reached.
    #[must_use]
    pub const fn is_unreachable(&self) -> bool {
        matches!(self.result, Err(Failure::Connect(_)))
    }

    /// The status, where there is a response.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.result.as_ref().ok().map(|response| response.status)
    }

    /// Whether the request got the answer that it asked for: no status from 400 on, a body that did not break, and of a gRPC call (in
    /// whatever version of HTTP it came) the status OK.
    #[must_use]
    pub fn is_success(&self, is_grpc: bool) -> bool {
        let Ok(response) = &self.result else { return false };
        let ended = matches!(response.end, BodyEnd::Complete | BodyEnd::Left);
        let status = response.grpc_status();
        let has_grpc_status = response.header("grpc-status").is_some();
        let called = if is_grpc || has_grpc_status { status == Some(0) } else { true };
        response.status < 400 && ended && called
    }

    /// Takes values out of what the server sent that must not be shown, wherever it repeats them.
    pub fn conceal(&mut self, secrets: &[String]) {
        let conceal = |text: &mut String| {
            for secret in secrets {
                if text.contains(secret.as_str()) {
                    *text = text.replace(secret.as_str(), "…");
                }
            }
        };
        self.sent.iter_mut().for_each(|(_, value)| conceal(value));
        if let Ok(response) = &mut self.result {
            response.headers.iter_mut().chain(&mut response.trailers).for_each(|(_, value)| conceal(value));
            let mut body = String::from_utf8_lossy(&response.body).into_owned();
            conceal(&mut body);
            response.body = body.into_bytes();
        }
    }
}
