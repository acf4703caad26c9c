//! What an entry of the catalogue is, and how entries are found.

use crate::causes::REGISTRY;
use crate::condition::Condition;
use crate::fix::{Confirm, Fix};

/// How sure a condition makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// Inferred: the facts fit and nothing contradicts.
    Likely,
    /// A constant of Envoy's names it.
    Certain,
}

impl Confidence {
    /// The word used in records and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Likely => "likely",
            Self::Certain => "certain",
        }
    }
}

/// Where on its way the request failed; the thousands digit of the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// `MW0xxx`: not known.
    Unknown,
    /// `MW1xxx`: the client's request was refused before routing.
    Downstream,
    /// `MW2xxx`: routing.
    Routing,
    /// `MW3xxx`: reaching the upstream.
    Connecting,
    /// `MW4xxx`: TLS and mutual TLS.
    Tls,
    /// `MW5xxx`: the upstream's response and timeouts.
    Response,
    /// `MW6xxx`: policy.
    Policy,
    /// `MW7xxx`: the proxy itself.
    Proxy,
    /// `MW8xxx`: telemetry.
    Telemetry,
    /// `MW9xxx`: control plane and pod life cycle.
    ControlPlane,
}

impl Stage {
    /// All stages, in the order of their digits.
    pub const ALL: [Self; 10] = [
        Self::Unknown,
        Self::Downstream,
        Self::Routing,
        Self::Connecting,
        Self::Tls,
        Self::Response,
        Self::Policy,
        Self::Proxy,
        Self::Telemetry,
        Self::ControlPlane,
    ];

    /// The stage of a code, by its thousands digit.
    #[must_use]
    pub const fn of(code: &str) -> Self {
        match code.as_bytes() {
            [b'M', b'W', b'1', ..] => Self::Downstream,
            [b'M', b'W', b'2', ..] => Self::Routing,
            [b'M', b'W', b'3', ..] => Self::Connecting,
            [b'M', b'W', b'4', ..] => Self::Tls,
            [b'M', b'W', b'5', ..] => Self::Response,
            [b'M', b'W', b'6', ..] => Self::Policy,
            [b'M', b'W', b'7', ..] => Self::Proxy,
            [b'M', b'W', b'8', ..] => Self::Telemetry,
            [b'M', b'W', b'9', ..] => Self::ControlPlane,
            _ => Self::Unknown,
        }
    }

    /// The word used in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Downstream => "downstream",
            Self::Routing => "routing",
            Self::Connecting => "connecting",
            Self::Tls => "tls",
            Self::Response => "response",
            Self::Policy => "policy",
            Self::Proxy => "proxy",
            Self::Telemetry => "telemetry",
            Self::ControlPlane => "control-plane",
        }
    }
}

/// A registered error type of RFC 9209 §2.3 (and the IANA registry "HTTP Proxy Error Types").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of RFC 9209")]
pub enum ErrorType {
    ConnectionLimitReached,
    ConnectionRefused,
    ConnectionTerminated,
    ConnectionTimeout,
    DestinationNotFound,
    DestinationUnavailable,
    DnsError,
    HttpProtocolError,
    HttpRequestDenied,
    HttpRequestError,
    HttpResponseBodySize,
    HttpResponseHeaderSectionSize,
    HttpResponseTimeout,
    ProxyConfigurationError,
    ProxyInternalError,
    TlsCertificateError,
    TlsProtocolError,
}

impl ErrorType {
    /// The token of the parameter `error`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConnectionLimitReached => "connection_limit_reached",
            Self::ConnectionRefused => "connection_refused",
            Self::ConnectionTerminated => "connection_terminated",
            Self::ConnectionTimeout => "connection_timeout",
            Self::DestinationNotFound => "destination_not_found",
            Self::DestinationUnavailable => "destination_unavailable",
            Self::DnsError => "dns_error",
            Self::HttpProtocolError => "http_protocol_error",
            Self::HttpRequestDenied => "http_request_denied",
            Self::HttpRequestError => "http_request_error",
            Self::HttpResponseBodySize => "http_response_body_size",
            Self::HttpResponseHeaderSectionSize => "http_response_header_section_size",
            Self::HttpResponseTimeout => "http_response_timeout",
            Self::ProxyConfigurationError => "proxy_configuration_error",
            Self::ProxyInternalError => "proxy_internal_error",
            Self::TlsCertificateError => "tls_certificate_error",
            Self::TlsProtocolError => "tls_protocol_error",
        }
    }
}

/// What a cause is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Nature {
    /// A proxy refused or failed the request, or could not do its work.
    Failure,
    /// The application answered with an error.
    Application,
    /// Nothing failed; it only looks as if.
    Benign,
    /// Nothing failed, but a trace lacks something.
    Telemetry,
}

/// Whose decision the outcome was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DecidedBy {
    /// A proxy.
    Proxy,
    /// The application behind it.
    Application,
    /// Whoever sent the request.
    Caller,
    /// The control plane.
    ControlPlane,
}

impl DecidedBy {
    /// Who decides where a cause does not name anybody.
    #[must_use]
    pub const fn of(nature: Nature, stage: Stage) -> Self {
        match (nature, stage) {
            (Nature::Application, _) => Self::Application,
            (_, Stage::ControlPlane) => Self::ControlPlane,
            _ => Self::Proxy,
        }
    }

    /// The word used in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proxy => "proxy",
            Self::Application => "application",
            Self::Caller => "caller",
            Self::ControlPlane => "control-plane",
        }
    }
}

/// The texts of a cause, as written in its folder.
#[cfg(feature = "texts")]
#[derive(Debug, Clone, Copy)]
pub struct Files {
    /// `en.md`.
    pub en: &'static str,
    /// `zh.md`.
    pub zh: &'static str,
    /// `cases.md`.
    pub cases: &'static str,
}

/// One entry of the catalogue.
#[derive(Debug)]
pub struct Cause {
    /// Permanent code, `MWnnnn`; never reused.
    pub code: &'static str,
    /// Kebab-case name; equals the folder's name with `-` for `_`.
    pub slug: &'static str,
    /// Version of meshwhy that introduced it.
    pub since: &'static str,
    /// The registered error type; `None` when the response is not an error.
    pub error: Option<ErrorType>,
    /// The more general cause that this one makes precise.
    pub refines: Option<&'static Cause>,
    /// What it is about.
    pub nature: Nature,
    /// Whose decision the outcome was.
    pub decided_by: DecidedBy,
    /// When it holds, and how sure each condition makes.
    pub conditions: &'static [(Confidence, Condition)],
    /// How to check that it really is this cause: read-only commands.
    pub confirm: &'static [Confirm],
    /// What to change.
    pub fixes: &'static [Fix],
    /// Pages and files that the texts rest on, with versions where they are paths.
    pub sources: &'static [&'static str],
    /// Texts in two languages.
    #[cfg(feature = "texts")]
    pub files: Files,
}

/// Declares the cause of the folder that the calling `mod.rs` is in.
///
/// `refines: x` stands for the cause of the folder `x`; `nature` is `Failure` unless given, and `decided_by` follows from it and from the
/// stage.
///
/// The texts and fixes exist only with the feature `texts`: the module carries conditions and names, no prose.
macro_rules! declare_cause {
    (
        code: $code:literal,
        slug: $slug:literal,
        since: $since:literal,
        error: $error:expr,
        $(refines: $general:ident,)?
        $(nature: $nature:ident,)?
        $(decided_by: $decided_by:ident,)?
        conditions: $conditions:expr,
        confirm: $confirm:expr,
        fixes: $fixes:expr,
        sources: $sources:expr $(,)?
    ) => {
        /// The declaration of this folder's cause.
        pub static CAUSE: $crate::catalogue::Cause = {
            use $crate::catalogue::vocabulary::*;
            const NATURE: Nature = first!($(Nature::$nature,)? Nature::Failure);
            Cause {
                code: $code,
                slug: $slug,
                since: $since,
                error: $error,
                refines: first!($(Some(&$crate::causes::$general::CAUSE),)? None),
                nature: NATURE,
                decided_by: first!($(DecidedBy::$decided_by,)? DecidedBy::of(NATURE, Stage::of($code))),
                conditions: $conditions,
                #[cfg(feature = "texts")]
                confirm: $confirm,
                #[cfg(not(feature = "texts"))]
                confirm: &[],
                #[cfg(feature = "texts")]
                fixes: $fixes,
                #[cfg(not(feature = "texts"))]
                fixes: &[],
                #[cfg(feature = "texts")]
                sources: $sources,
                #[cfg(not(feature = "texts"))]
                sources: &[],
                #[cfg(feature = "texts")]
                files: Files { en: include_str!("en.md"), zh: include_str!("zh.md"), cases: include_str!("cases.md") },
            }
        };
    };
}
pub(crate) use declare_cause;

/// The first of some expressions: a value that may be left out, then its default.
macro_rules! first {
    ($first:expr $(, $other:expr)*) => {
        $first
    };
}
pub(crate) use first;

/// The words of a declaration.
pub(crate) mod vocabulary {
    #[cfg(feature = "texts")]
    pub(crate) use super::Files;
    pub(crate) use super::{
        Cause,
        Confidence::{Certain, Likely},
        DecidedBy,
        ErrorType::*,
        Nature, Stage, first,
    };
    pub(crate) use crate::codec::CodecFault;
    pub(crate) use crate::condition::{ClusterKind, Condition::*, Field, RouteName};
    pub(crate) use crate::details::{self, CloseReason, Reset, Word};
    pub(crate) use crate::event;
    #[cfg(feature = "texts")]
    pub(crate) use crate::fix::{Applicability::*, Confirm, Fix, PatchKind, Step::*};
    pub(crate) use crate::flags::Flag as ResponseFlag;
    pub(crate) use crate::transport::TransportKind;
}

impl Cause {
    /// Where on its way the request failed.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        Stage::of(self.code)
    }

    /// Finds a cause by its code (`MW2001`, any case) or slug.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        REGISTRY.iter().copied().find(|cause| cause.code.eq_ignore_ascii_case(name) || cause.slug == name)
    }

    /// Whether this cause makes `other` precise, directly or over several steps.
    #[must_use]
    pub fn refines(&self, other: &Self) -> bool {
        std::iter::successors(self.refines, |general| general.refines).any(|general| general == other)
    }

    /// Whether this cause is `general` or makes it precise.
    #[must_use]
    pub fn is_of(&self, general: &Self) -> bool {
        self == general || self.refines(general)
    }
}

/// Each cause is there once.
impl PartialEq for Cause {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Cause {}
