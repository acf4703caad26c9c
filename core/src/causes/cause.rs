//! What a cause is, and how it is declared.

use super::REGISTRY;
use crate::catalogue::{Entry, Registry};
use crate::condition::Condition;
use crate::{reads_like_its_entry, words};

words! {
    /// How sure a condition makes.
    pub enum Confidence {
        /// Inferred: the facts fit and nothing contradicts.
        Likely = "likely",
        /// A constant of Envoy's names it.
        Certain = "certain",
    }
}

words! {
    /// Where on its way the request failed; the thousands digit of the code.
    pub enum Stage {
        /// `MW0xxx`: not known.
        Unknown = "unknown",
        /// `MW1xxx`: the client's request was refused before routing.
        Downstream = "downstream",
        /// `MW2xxx`: routing.
        Routing = "routing",
        /// `MW3xxx`: reaching the upstream.
        Connecting = "connecting",
        /// `MW4xxx`: TLS and mutual TLS.
        Tls = "tls",
        /// `MW5xxx`: the upstream's response and timeouts.
        Response = "response",
        /// `MW6xxx`: policy.
        Policy = "policy",
        /// `MW7xxx`: the proxy itself.
        Proxy = "proxy",
        /// `MW8xxx`: telemetry.
        Telemetry = "telemetry",
        /// `MW9xxx`: control plane and pod life cycle.
        ControlPlane = "control-plane",
    }
}

impl Stage {
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
}

words! {
    /// A registered error type of RFC 9209 §2.3 (and the IANA registry "HTTP Proxy Error Types").
    #[expect(missing_docs, reason = "the names are those of RFC 9209")]
    pub enum ErrorType {
        ConnectionLimitReached = "connection_limit_reached",
        ConnectionRefused = "connection_refused",
        ConnectionTerminated = "connection_terminated",
        ConnectionTimeout = "connection_timeout",
        DestinationNotFound = "destination_not_found",
        DestinationUnavailable = "destination_unavailable",
        DnsError = "dns_error",
        HttpProtocolError = "http_protocol_error",
        HttpRequestDenied = "http_request_denied",
        HttpRequestError = "http_request_error",
        HttpResponseBodySize = "http_response_body_size",
        HttpResponseHeaderSectionSize = "http_response_header_section_size",
        HttpResponseTimeout = "http_response_timeout",
        ProxyConfigurationError = "proxy_configuration_error",
        ProxyInternalError = "proxy_internal_error",
        TlsCertificateError = "tls_certificate_error",
        TlsProtocolError = "tls_protocol_error",
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

words! {
    /// Whose decision the outcome was.
    pub enum DecidedBy {
        /// A proxy.
        Proxy = "proxy",
        /// The application behind it.
        Application = "application",
        /// Whoever sent the request.
        Caller = "caller",
        /// The control plane.
        ControlPlane = "control-plane",
    }
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
}

/// A cause of failures. It reads like its entry.
#[derive(Debug)]
pub struct Cause {
    /// Its names, texts and steps.
    pub entry: Entry,
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
    /// When it is possible beside what the facts make likely.
    #[cfg(feature = "texts")]
    pub suspected: &'static [Suspicion],
}

/// When facts leave a cause possible, and the observation that would decide.
#[cfg(feature = "texts")]
#[derive(Debug, Clone, Copy)]
pub struct Suspicion {
    /// What leaves it possible.
    pub when: Condition,
    /// What it would be proved by, as the end of a sentence that begins with "if".
    pub decide_by: &'static str,
    /// The same in Chinese.
    pub decide_by_zh: &'static str,
}

/// Declares the cause of the folder that the calling `mod.rs` is in.
///
/// `refines: x` stands for the cause of the folder `x`; `nature` is `Failure` unless given, and `decided_by` follows from it and from the
/// stage.
macro_rules! declare_cause {
    (
        code: $code:literal,
        slug: $slug:literal,
        since: $since:literal,
        $(former_slugs: $former_slugs:expr,)?
        $(status: $status:ident { $($detail:tt)* },)?
        error: $error:expr,
        $(refines: $general:ident,)?
        $(nature: $nature:ident,)?
        $(decided_by: $decided_by:ident,)?
        conditions: $conditions:expr,
        $(suspected: $suspected:expr,)?
        confirm: $confirm:expr,
        fixes: $fixes:expr,
        sources: $sources:expr $(,)?
    ) => {
        /// The declaration of this folder's cause.
        pub static CAUSE: $crate::Cause = {
            use $crate::causes::vocabulary::*;
            const NATURE: Nature = first!($(Nature::$nature,)? Nature::Failure);
            Cause {
                entry: entry! {
                    code: $code,
                    slug: $slug,
                    since: $since,
                    $(former_slugs: $former_slugs,)?
                    $(status: $status { $($detail)* },)?
                    confirm: $confirm,
                    fixes: $fixes,
                    sources: $sources
                },
                error: $error,
                refines: first!($(Some(&$crate::causes::$general::CAUSE),)? None),
                nature: NATURE,
                decided_by: first!($(DecidedBy::$decided_by,)? DecidedBy::of(NATURE, Stage::of($code))),
                conditions: $conditions,
                #[cfg(feature = "texts")]
                suspected: first!($($suspected,)? &[]),
            }
        };
    };
}
pub(crate) use declare_cause;

/// The words of a declaration.
pub(crate) mod vocabulary {
    #[cfg(feature = "texts")]
    pub(crate) use super::Suspicion;
    pub(crate) use super::{
        Cause,
        Confidence::{Certain, Likely},
        DecidedBy,
        ErrorType::*,
        Nature, Stage,
    };
    #[cfg(feature = "texts")]
    pub(crate) use crate::catalogue::fix::{Applicability::*, Confirm, Fix, PatchKind, Step::*};
    #[cfg(feature = "texts")]
    pub(crate) use crate::causes::steps::{
        OWN_NAMESPACE_ONLY, PROXY_MEMORY, http_connection_manager, http_filter, service_entry,
    };
    pub(crate) use crate::codec::CodecFault;
    pub(crate) use crate::condition::{ClusterKind, Condition::*, Field, RouteName};
    pub(crate) use crate::details::{self, CloseReason, Reset, Word};
    pub(crate) use crate::event;
    pub(crate) use crate::flags::Flag as ResponseFlag;
    pub(crate) use crate::transport::TransportKind;
    pub(crate) use crate::{entry, first};
}

impl Cause {
    /// Where on its way the request failed.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        Stage::of(self.entry.code)
    }

    /// Finds a cause: see [`Registry::find`](crate::catalogue::Registry::find).
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        REGISTRY.find(name)
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

impl Registry<Cause> {
    /// The causes in the order in which they are tried: refinements before what they refine, then by code.
    pub fn by_precision(&self) -> impl Iterator<Item = &'static Cause> {
        let depth = |cause: &'static Cause| std::iter::successors(Some(cause), |cause| cause.refines).take(self.len()).count();
        let deepest = self.iter().copied().map(depth).max().unwrap_or_default();
        (1..=deepest).rev().flat_map(move |wanted| self.iter().copied().filter(move |cause| depth(cause) == wanted))
    }
}

reads_like_its_entry!(Cause);
