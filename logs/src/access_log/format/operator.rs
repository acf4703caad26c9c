//! Envoy's operators: what each stands for, and which texts it can give.
//!
//! Source: Envoy "access log format strings" page, 1.24–1.40.

use crate::access_log::field::Field;

/// Which texts an operator can give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// One word without quotes.
    Word,
    /// One word that a client chooses: no white space, but perhaps whatever else separates values.
    Chosen,
    /// Any text, but not one that a client chooses.
    Text,
    /// Anything, chosen by the client or the application.
    Foreign,
}

/// An operator's meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Operator {
    pub(super) field: Field,
    pub(super) content: Content,
}

impl Operator {
    /// Looks up an operator; one that is of no use here is a text to be passed over.
    pub(super) fn find(name: &str, arguments: Option<&str>) -> Self {
        use Content::{Foreign, Text, Word};
        use Field as F;
        let (field, content) = match name {
            "RESPONSE_CODE" => (F::Status, Word),
            "RESPONSE_FLAGS" | "RESPONSE_FLAGS_LONG" => (F::Flags, Word),
            "RESPONSE_CODE_DETAILS" => (F::Details, Text),
            "CONNECTION_TERMINATION_DETAILS" => (F::Termination, Text),
            "UPSTREAM_TRANSPORT_FAILURE_REASON" => (F::UpstreamTransport, Text),
            "DOWNSTREAM_TRANSPORT_FAILURE_REASON" => (F::DownstreamTransport, Text),
            "UPSTREAM_LOCAL_CLOSE_REASON" => (F::UpstreamLocalClose, Text),
            "DOWNSTREAM_LOCAL_CLOSE_REASON" => (F::DownstreamLocalClose, Text),
            "GRPC_STATUS" | "GRPC_STATUS_NUMBER" => (F::GrpcStatus, Word),
            "PROTOCOL" => (F::Protocol, Word),
            "TRACE_ID" => (F::TraceId, Word),
            "ROUTE_NAME" => (F::Route, Text),
            "VIRTUAL_HOST_NAME" => (F::VirtualHost, Text),
            "UPSTREAM_CLUSTER" | "UPSTREAM_CLUSTER_RAW" => (F::Cluster, Word),
            "UPSTREAM_HOST" | "UPSTREAM_REMOTE_ADDRESS" => (F::UpstreamHost, Word),
            "UPSTREAM_LOCAL_ADDRESS" => (F::UpstreamLocalAddress, Word),
            "DOWNSTREAM_LOCAL_ADDRESS" => (F::DownstreamLocalAddress, Word),
            "DOWNSTREAM_REMOTE_ADDRESS" => (F::DownstreamRemoteAddress, Word),
            "REQUESTED_SERVER_NAME" => (F::ServerName, Word),
            "START_TIME" if arguments.is_none() => (F::StartTime, Word),
            "START_TIME" => (F::StartTime, Text),
            "DURATION" => (F::Duration, Word),
            // How long before the request the connection was made; nothing when it was made for the request.
            "COMMON_DURATION" if arguments.is_some_and(|points| points.starts_with("US_CX_BEG:DS_RX_BEG")) => {
                (F::ConnectionAge, Word)
            }
            "REQ" | "REQUEST_HEADER" => return header(arguments.unwrap_or_default()),
            "RESP" | "RESPONSE_HEADER" => return answer(arguments.unwrap_or_default()),
            "TRAILER" | "RESPONSE_TRAILER" => return answer(arguments.unwrap_or_default()),
            "DYNAMIC_METADATA" if arguments == Some("istio.mixer:status") => (F::PolicyStatus, Text),
            _ if is_word(name) => (F::Ignored, Word),
            _ => (F::Ignored, Foreign),
        };
        Self { field, content }
    }
}

/// `%REQ(X?Y)%`: the header X, or Y when there is no X.
fn header(names: &str) -> Operator {
    let is = |wanted: &str| names.split('?').any(|name| name.eq_ignore_ascii_case(wanted));
    let (field, content) = if is(":METHOD") {
        (Field::Method, Content::Word)
    } else if is(":PATH") || is("X-ENVOY-ORIGINAL-PATH") {
        (Field::Path, Content::Chosen)
    } else if is(":AUTHORITY") || is("HOST") {
        (Field::Authority, Content::Chosen)
    } else if is("X-REQUEST-ID") {
        (Field::RequestId, Content::Chosen)
    } else if is("TRACEPARENT") {
        (Field::TraceParent, Content::Foreign)
    } else if is("X-B3-TRACEID") {
        (Field::TraceId, Content::Foreign)
    } else {
        (Field::Ignored, Content::Foreign)
    };
    Operator { field, content }
}

fn answer(names: &str) -> Operator {
    let is = |wanted: &str| names.split('?').any(|name| name.eq_ignore_ascii_case(wanted));
    let field = if is("PROXY-STATUS") {
        Field::ProxyStatus
    } else if is("GRPC-STATUS") {
        Field::GrpcStatus
    } else {
        Field::Ignored
    };
    let number = is("X-ENVOY-UPSTREAM-SERVICE-TIME") || is("GRPC-STATUS");
    Operator { field, content: if number { Content::Word } else { Content::Foreign } }
}

/// Whether an operator that is of no use here gives a number, an address or another single word.
fn is_word(name: &str) -> bool {
    const ENDINGS: [&str; 9] =
        ["DURATION", "_BYTES_RECEIVED", "_BYTES_SENT", "_ADDRESS", "_PORT", "_COUNT", "_ID", "_TLS_VERSION", "_TLS_CIPHER"];
    matches!(name, "BYTES_RECEIVED" | "BYTES_SENT" | "HOSTNAME" | "UPSTREAM_PROTOCOL")
        || ENDINGS.iter().any(|end| name.ends_with(end))
}
