//! Envoy's operators: what each stands for, and which texts it can give.
//!
//! Source: Envoy "access log format strings" page, 1.24–1.40.

use meshwhy_core::facts::Fact;
use meshwhy_core::facts::kind::ValueContent;

use crate::access_log::field::LogField;

/// An operator's meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Operator {
    pub(super) field: LogField,
    pub(super) content: ValueContent,
}

impl Operator {
    /// Looks up an operator; one that is of no use here is a text to be passed over.
    pub(super) fn find(name: &str, arguments: Option<&str>) -> Self {
        let field = match name {
            "RESPONSE_FLAGS_LONG" => LogField::Fact(Fact::Flags),
            "GRPC_STATUS" => LogField::Fact(Fact::GrpcStatus),
            "UPSTREAM_CLUSTER" => LogField::Fact(Fact::Cluster),
            "UPSTREAM_REMOTE_ADDRESS" => LogField::Fact(Fact::UpstreamHost),
            "COMMON_DURATION" if arguments == Some("US_CX_BEG:DS_RX_BEG:us") => LogField::Fact(Fact::UpstreamConnectionAge),
            "COMMON_DURATION" if arguments.is_some_and(|points| points.starts_with("US_CX_BEG:DS_RX_BEG")) => {
                LogField::ConnectionAge
            }
            "REQ" | "REQUEST_HEADER" => return header(arguments.unwrap_or_default()),
            "RESP" | "RESPONSE_HEADER" => return answer(arguments.unwrap_or_default()),
            "TRAILER" | "RESPONSE_TRAILER" => return answer(arguments.unwrap_or_default()),
            "DYNAMIC_METADATA" if arguments == Some("istio.mixer:status") => LogField::Fact(Fact::PolicyStatus),
            _ => Fact::ALL
                .iter()
                .find(|fact| fact.operator() == Some(name))
                .map_or(LogField::Ignored, |fact| LogField::Fact(*fact)),
        };
        let content = match field {
            LogField::Fact(Fact::StartTime) if arguments.is_some() => ValueContent::Text,
            LogField::Fact(fact) => fact.content(),
            LogField::Ignored if !is_word(name) => ValueContent::Foreign,
            _ => ValueContent::Word,
        };
        Self { field, content }
    }
}

/// `%REQ(X?Y)%`: the header X, or Y when there is no X.
fn header(names: &str) -> Operator {
    let is = |wanted: &str| names.split('?').any(|name| name.eq_ignore_ascii_case(wanted));
    let field = match () {
        () if is(":METHOD") => LogField::Fact(Fact::Method),
        () if is(":PATH") || is("X-ENVOY-ORIGINAL-PATH") => LogField::Fact(Fact::Path),
        () if is(":AUTHORITY") || is("HOST") => LogField::Fact(Fact::Authority),
        () if is("X-REQUEST-ID") => LogField::Fact(Fact::RequestId),
        () if is("TRACEPARENT") => LogField::TraceParent,
        () if is("X-B3-TRACEID") => LogField::Fact(Fact::TraceId),
        () => LogField::Ignored,
    };
    let content = match field {
        // A header, which the client may have filled with anything.
        LogField::Fact(Fact::TraceId) => ValueContent::Foreign,
        LogField::Fact(fact) => fact.content(),
        _ => ValueContent::Foreign,
    };
    Operator { field, content }
}

fn answer(names: &str) -> Operator {
    let is = |wanted: &str| names.split('?').any(|name| name.eq_ignore_ascii_case(wanted));
    let field = if is("PROXY-STATUS") {
        LogField::ProxyStatus
    } else if is("GRPC-STATUS") {
        LogField::Fact(Fact::GrpcStatus)
    } else {
        LogField::Ignored
    };
    let number = is("X-ENVOY-UPSTREAM-SERVICE-TIME") || is("GRPC-STATUS");
    Operator { field, content: if number { ValueContent::Word } else { ValueContent::Foreign } }
}

/// Whether an operator that is of no use here gives a number, an address or another single word.
fn is_word(name: &str) -> bool {
    const ENDINGS: [&str; 9] =
        ["DURATION", "_BYTES_RECEIVED", "_BYTES_SENT", "_ADDRESS", "_PORT", "_COUNT", "_ID", "_TLS_VERSION", "_TLS_CIPHER"];
    matches!(name, "BYTES_RECEIVED" | "BYTES_SENT" | "HOSTNAME" | "UPSTREAM_PROTOCOL")
        || ENDINGS.iter().any(|end| name.ends_with(end))
}
