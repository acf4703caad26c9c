//! The access loggers: the module's, Envoy's JSON one, and the one that counts.

use meshwhy_core::facts::Fact;

use crate::filters::{failed_connections, failed_handshakes, failed_requests, unreported_requests};
use crate::module::{self, Module};
use crate::yaml::{element, indented};

/// Where a logger is attached, and so what Envoy knows there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoggerScope {
    /// The HTTP connection manager.
    Request,
    /// The same beside the module as HTTP filter, for what that one does not report.
    Unreported,
    /// The TCP proxy.
    Connection,
    /// The listener.
    Handshake,
}

impl LoggerScope {
    fn filter(self) -> String {
        match self {
            Self::Request => failed_requests(),
            Self::Unreported => unreported_requests(),
            Self::Connection => failed_connections(),
            Self::Handshake => failed_handshakes(),
        }
    }

    /// The facts that Envoy knows there.
    fn facts(self) -> impl Iterator<Item = Fact> {
        let own = match self {
            Self::Request | Self::Unreported => REQUEST,
            Self::Connection => CONNECTION,
            Self::Handshake => HANDSHAKE,
        };
        own.iter().chain(EVERYWHERE).copied()
    }
}

const EVERYWHERE: &[Fact] = &[
    Fact::Flags,
    Fact::Details,
    Fact::DownstreamLocalAddress,
    Fact::DownstreamRemoteAddress,
    Fact::StartTime,
    Fact::Pod,
    Fact::Namespace,
];

/// Every attribute costs a failing request about a microsecond. So the transport failure, which the details carry, is left out.
const REQUEST: &[Fact] = &[
    Fact::Status,
    Fact::GrpcStatus,
    Fact::Method,
    Fact::Path,
    Fact::Authority,
    Fact::RequestId,
    Fact::Route,
    Fact::Cluster,
    Fact::UpstreamHost,
    Fact::UpstreamLocalAddress,
    Fact::UpstreamConnectionAge,
    Fact::Duration,
];

/// Which filter answered, and whether the caller has proved who it is.
const ATTRIBUTES: &[Fact] = &[Fact::LocalReplyOwner, Fact::Mtls];

const CONNECTION: &[Fact] = &[
    Fact::Status,
    Fact::Cluster,
    Fact::UpstreamHost,
    Fact::UpstreamLocalAddress,
    Fact::UpstreamTransport,
    Fact::Termination,
    Fact::ServerName,
    Fact::Duration,
];

const HANDSHAKE: &[Fact] = &[Fact::Status, Fact::DownstreamTransport, Fact::Termination, Fact::ServerName, Fact::Duration];

/// The module as access logger. It need not ask which side it is on.
pub fn wasm(scope: LoggerScope, side: &str, module: &Module) -> String {
    let configuration = format!(r#"{{"side": "{side}", "records_per_interval": 10, "interval_ms": 10000}}"#);
    module_logger(&scope.filter(), &configuration, module)
}

/// The module as access logger that reports what a filter lets through, whether or not it failed.
pub fn module_logger(filter: &str, configuration: &str, module: &Module) -> String {
    let config = format!(
        "\
config:
  # A trap costs the records of about a second, never a request.
  failure_policy: FAIL_RELOAD
{}",
        indented(2, &module::plugin(configuration, module::OBSERVE, module))
    );
    logger("wasm", filter, "wasm.v3.WasmAccessLog", &config)
}

/// Envoy's own logger, which writes the facts and no verdict.
pub fn json(scope: LoggerScope, side: &str) -> String {
    let config = format!("path: /dev/stdout\nlog_format:\n  json_format:\n{}", indented(4, &fields(scope, side)));
    logger("file", &scope.filter(), "file.v3.FileAccessLog", &config)
}

/// The fields of such a line.
pub fn fields(scope: LoggerScope, side: &str) -> String {
    let mut fields = format!("meshwhy.record: \"1\"\nmeshwhy.side: {side}\n");
    if scope == LoggerScope::Unreported {
        fields.push_str("meshwhy.unreported: \"true\"\n");
    }
    if matches!(scope, LoggerScope::Request | LoggerScope::Unreported) {
        // What this proxy wrote into the header, or passes on: at a gateway the filter of `meshwhy-visibility` or the module has kept it.
        let header = match (side, scope) {
            ("gateway", LoggerScope::Unreported) => "FILTER_STATE(wasm.meshwhy.proxy_status:PLAIN)",
            ("gateway", _) => "DYNAMIC_METADATA(meshwhy:proxy_status)",
            _ => "RESP(PROXY-STATUS)",
        };
        fields.push_str(&format!("meshwhy.proxy_status: \"%{header}%\"\n"));
    }
    for fact in scope.facts() {
        if let (Some(name), Some(operator)) = (fact.record_attribute(), fact.operator()) {
            fields.push_str(&format!("{name}: \"%{operator}%\"\n"));
        }
    }
    fields
}

/// The fields of what Envoy has no operator for but an attribute (Envoy 1.34 and later).
#[must_use]
pub fn attributes() -> String {
    let field = |fact: &Fact| {
        let (first, rest) = fact.attribute().split_first()?;
        let path: String = rest.iter().map(|part| format!("['{part}']")).collect();
        Some(format!("{}: \"%CEL({first}{path})%\"\n", fact.record_attribute()?))
    };
    ATTRIBUTES.iter().filter_map(field).collect()
}

/// Envoy's logger that counts instead of writing.
///
/// Source: Envoy `envoy.access_loggers.stats`, 1.37–1.40; Istio's statistics inclusion list lets the prefix `istio` pass.
pub fn stats(side: &str) -> String {
    let config = format!(
        "\
stat_prefix: istio_meshwhy
counters:
- value_fixed: 1
  stat:
    name: failed_requests
    tags:
    - {{name: response_code, value_format: \"%RESPONSE_CODE%\"}}
    - {{name: flags, value_format: \"%RESPONSE_FLAGS%\"}}
    - {{name: side, value_format: {side}}}
"
    );
    logger("stats", &failed_requests(), "stats.v3.Config", &config)
}

fn logger(name: &str, filter: &str, kind: &str, config: &str) -> String {
    let typed_config = format!("\"@type\": type.googleapis.com/envoy.extensions.access_loggers.{kind}\n{config}");
    let (filter, typed_config) = (indented(2, filter), indented(2, &typed_config));
    element(&format!("name: envoy.access_loggers.{name}\nfilter:\n{filter}typed_config:\n{typed_config}"))
}
