//! The usual variants of a request, each of which some proxy refuses.

use crate::request::{HttpVersion, Request, ServerNameSent, TraceContext};

/// A header larger than what Envoy takes unless told otherwise: 60 KiB in all.
///
/// Source: Envoy `HttpConnectionManager.max_request_headers_kb`, 1.40.
const LARGE: usize = 64 * 1024;

/// A name that no server has (RFC 6761).
const NO_NAME: &str = "meshwhy-probe.invalid";

/// One way to ask the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// As it was given: the control.
    Plain,
    /// In HTTP/1.0.
    Http10,
    /// In HTTP/1.1.
    Http11,
    /// In HTTP/2.
    Http2,
    /// With more headers than Envoy takes by default.
    LargeHeaders,
    /// Without a Host header.
    NoHost,
    /// With a server name in the TLS handshake that nobody has.
    WrongServerName,
    /// Without the headers that begin a trace.
    NoTraceContext,
}

/// Why a variant is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Omission {
    /// The plain request is one already.
    SameAsPlain,
    /// There is no TLS.
    NeedsTls,
    /// gRPC is spoken over HTTP/2 alone.
    NotForGrpc,
    /// Nobody was reached.
    Unreachable,
}

impl Variant {
    /// All of them, the control first.
    pub const ALL: [Self; 8] = [
        Self::Plain,
        Self::Http10,
        Self::Http11,
        Self::Http2,
        Self::LargeHeaders,
        Self::NoHost,
        Self::WrongServerName,
        Self::NoTraceContext,
    ];

    /// Its name for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Http10 => "http1.0",
            Self::Http11 => "http1.1",
            Self::Http2 => "http2",
            Self::LargeHeaders => "large-headers",
            Self::NoHost => "no-host",
            Self::WrongServerName => "wrong-sni",
            Self::NoTraceContext => "no-trace-context",
        }
    }

    /// The request in this variant.
    ///
    /// # Errors
    /// Why there is none.
    pub fn of(self, plain: &Request) -> Result<Request, Omission> {
        let (request, version) = (plain.clone(), plain.version);
        let asked = match self {
            Self::Plain => Ok(request),
            Self::Http10 | Self::Http11 | Self::NoHost if plain.is_grpc => Err(Omission::NotForGrpc),
            Self::Http10 if version == HttpVersion::Http10 => Err(Omission::SameAsPlain),
            Self::Http10 => Ok(Request { version: HttpVersion::Http10, ..request }),
            Self::Http11 if version == HttpVersion::Http11 => Err(Omission::SameAsPlain),
            Self::Http11 if version == HttpVersion::Chosen && !plain.target.is_tls => Err(Omission::SameAsPlain),
            Self::Http11 => Ok(Request { version: HttpVersion::Http11, ..request }),
            Self::Http2 if plain.is_grpc || matches!(version, HttpVersion::Http2 | HttpVersion::Http2PriorKnowledge) => {
                Err(Omission::SameAsPlain)
            }
            Self::Http2 => Ok(Request { version: HttpVersion::Http2, ..request }),
            Self::LargeHeaders if plain.filler >= LARGE => Err(Omission::SameAsPlain),
            Self::LargeHeaders => Ok(Request { filler: LARGE, ..request }),
            Self::NoHost if plain.without_host => Err(Omission::SameAsPlain),
            Self::NoHost => Ok(Request { without_host: true, version: HttpVersion::Http11, ..request }),
            Self::WrongServerName if !plain.target.is_tls => Err(Omission::NeedsTls),
            Self::WrongServerName => Ok(Request { server_name: ServerNameSent::Wrong(NO_NAME.to_owned()), ..request }),
            Self::NoTraceContext if plain.trace.is_none() => Err(Omission::SameAsPlain),
            Self::NoTraceContext => Ok(Request { trace: None, ..request }),
        };
        // Each request begins a trace of its own.
        asked.map(|request| Request { trace: request.trace.as_ref().map(|_| TraceContext::begin()), ..request })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Target;

    fn names(request: &Request) -> Vec<&'static str> {
        Variant::ALL.iter().filter(|variant| variant.of(request).is_ok()).map(|variant| variant.as_str()).collect()
    }

    #[test]
    fn what_would_change_nothing_is_left_out() {
        let plain = Request { trace: Some(TraceContext::begin()), ..Request::get(Target::parse("http://cart/").unwrap()) };
        assert_eq!(names(&plain), ["plain", "http1.0", "http2", "large-headers", "no-host", "no-trace-context"]);
        let tls = Request { trace: None, ..Request::get(Target::parse("https://cart/").unwrap()) };
        assert_eq!(names(&tls), ["plain", "http1.0", "http1.1", "http2", "large-headers", "no-host", "wrong-sni"]);
        assert_eq!(names(&Request { is_grpc: true, ..plain }), ["plain", "large-headers", "no-trace-context"]);
    }
}
