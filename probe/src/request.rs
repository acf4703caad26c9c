//! What is asked, and how.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, TE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version};

use crate::target::Target;

/// How much of a body is kept unless more is asked for, in bytes.
const KEPT: usize = 64 * 1024;
/// Most bytes of the header that only fills.
pub const MAX_FILLER: usize = 1024 * 1024;

/// The version of HTTP that is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HttpVersion {
    /// What the server chooses of HTTP/2 and HTTP/1.1 in the TLS handshake; HTTP/1.1 without TLS.
    #[default]
    Chosen,
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
    /// HTTP/2: the only one offered in the TLS handshake; by prior knowledge without TLS.
    Http2,
    /// HTTP/2, whatever the TLS handshake says.
    Http2PriorKnowledge,
}

/// The server's name in the TLS handshake (SNI).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ServerNameSent {
    /// The host of the URL; none where that is an address.
    #[default]
    OfUrl,
    /// Another name. The certificate has to have it as well.
    Asked(String),
    /// Another name, which the certificate need not have.
    Wrong(String),
}

/// The ids of a trace that begins with the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// 16 hexadecimal digits.
    pub span_id: String,
}

impl TraceContext {
    /// New ids, random enough to be found again.
    #[must_use]
    pub fn begin() -> Self {
        let trace_id = format!("{:032x}", fastrand::u128(1..));
        Self { trace_id, span_id: format!("{:016x}", fastrand::u64(1..)) }
    }

    /// The value of `traceparent`, sampled.
    fn header(&self) -> Option<HeaderValue> {
        HeaderValue::try_from(format!("00-{}-{}-01", self.trace_id, self.span_id)).ok()
    }
}

/// One request.
#[derive(Debug, Clone)]
pub struct Request {
    /// Whom.
    pub target: Target,
    /// The version of HTTP.
    pub version: HttpVersion,
    /// The method.
    pub method: Method,
    /// Headers, each as it is sent; `host` among them takes the place of the URL's.
    pub headers: HeaderMap,
    /// Whether HTTP/1 is spoken without a Host header.
    pub without_host: bool,
    /// Bytes of a header that only fills; 0 leaves it out.
    pub filler: usize,
    /// The trace that begins here; headers of the user's outweigh it.
    pub trace: Option<TraceContext>,
    /// Whether it is a gRPC call; `body` is then its message, which is framed here.
    pub is_grpc: bool,
    /// The body.
    pub body: Bytes,
    /// The server's name in the TLS handshake.
    pub server_name: ServerNameSent,
    /// How long each phase may last.
    pub patience: Duration,
    /// How much of the response's body is kept, in bytes; at most 1 MiB.
    pub most_kept: usize,
}

impl Request {
    /// A plain GET.
    #[must_use]
    pub fn get(target: Target) -> Self {
        Self {
            target,
            version: HttpVersion::default(),
            method: Method::GET,
            headers: HeaderMap::new(),
            without_host: false,
            filler: 0,
            trace: None,
            is_grpc: false,
            body: Bytes::new(),
            server_name: ServerNameSent::default(),
            patience: Duration::from_secs(10),
            most_kept: KEPT,
        }
    }

    /// The protocols to offer in the TLS handshake.
    pub(crate) fn offered(&self) -> &'static [&'static [u8]] {
        match self.version {
            HttpVersion::Chosen if self.is_grpc => &[b"h2"],
            HttpVersion::Chosen => &[b"h2", b"http/1.1"],
            HttpVersion::Http10 | HttpVersion::Http11 => &[b"http/1.1"],
            HttpVersion::Http2 | HttpVersion::Http2PriorKnowledge => &[b"h2"],
        }
    }

    /// The version to speak, after the server chose a protocol.
    pub(crate) fn spoken(&self, chosen: Option<&[u8]>) -> Version {
        match self.version {
            HttpVersion::Http10 => Version::HTTP_10,
            HttpVersion::Http11 => Version::HTTP_11,
            HttpVersion::Http2 | HttpVersion::Http2PriorKnowledge => Version::HTTP_2,
            HttpVersion::Chosen if self.is_grpc || chosen == Some(b"h2") => Version::HTTP_2,
            HttpVersion::Chosen => Version::HTTP_11,
        }
    }

    /// The method that is sent: a gRPC call is a POST.
    #[must_use]
    pub fn sent_method(&self) -> Method {
        if self.is_grpc { Method::POST } else { self.method.clone() }
    }

    /// The headers that are sent in this version.
    pub(crate) fn sent_headers(&self, version: Version) -> HeaderMap {
        const AGENT: &str = concat!("meshwhy/", env!("CARGO_PKG_VERSION"));
        let mut headers = HeaderMap::new();
        let is_http2 = version == Version::HTTP_2;
        if let Ok(host) = HeaderValue::try_from(&self.target.authority)
            && !is_http2
        {
            headers.insert(HOST, host);
        }
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        if self.is_grpc {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
            headers.insert(TE, HeaderValue::from_static("trailers"));
        }
        if let Some(traceparent) = self.trace.as_ref().and_then(TraceContext::header) {
            headers.insert(HeaderName::from_static("traceparent"), traceparent);
        }
        for name in self.headers.keys() {
            headers.remove(name);
        }
        headers.extend(self.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        if is_http2 || self.without_host {
            headers.remove(HOST);
        }
        if self.filler > 0
            && let Ok(filler) = HeaderValue::try_from(vec![b'x'; self.filler.min(MAX_FILLER)])
        {
            headers.insert(HeaderName::from_static("x-meshwhy-filler"), filler);
        }
        headers
    }

    /// What stands in the request line, or in the pseudo-headers of HTTP/2.
    pub(crate) fn uri(&self, version: Version) -> Uri {
        let path = self.target.path_and_query.clone();
        if version != Version::HTTP_2 {
            return Uri::from(path);
        }
        let host = self.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or(&self.target.authority);
        let scheme = if self.target.is_tls { "https" } else { "http" };
        let whole = Uri::builder().scheme(scheme).authority(host).path_and_query(path.clone()).build();
        whole.unwrap_or_else(|_| Uri::from(path))
    }

    /// The body that is sent: the message of a gRPC call with its frame, not compressed.
    pub(crate) fn sent_body(&self) -> Bytes {
        if !self.is_grpc {
            return self.body.clone();
        }
        let length = u32::try_from(self.body.len()).unwrap_or(u32::MAX).to_be_bytes();
        [&[0], length.as_slice(), &self.body].concat().into()
    }
}
