//! Envoy's access-log filters: what failed, natively wherever Envoy has a filter for it.
//!
//! A native filter costs a tenth of a microsecond, an expression three and as many kilobytes of heap. Source: Envoy 1.40, measured.

use meshwhy_core::Flag;
use meshwhy_core::condition::HEALTHY_FLAGS;

use crate::yaml::{element, folded, indented, quoted};

/// A filter that holds when a CEL expression does. An attribute that is absent makes an expression fail, which counts as no match.
pub fn expression(expression: &str) -> String {
    const SHORT: usize = 60;
    let line = format!("expression: {}", quoted(expression));
    let expression = if expression.len() > SHORT { folded("expression", expression) } else { line };
    format!(
        "\
extension_filter:
  name: envoy.access_loggers.extension_filters.cel
  typed_config:
    \"@type\": type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter
{}",
        indented(4, &expression)
    )
}

/// A filter that holds for some statuses: without a `runtime_key`, which Envoy requires before 1.35 and looks up for each request.
pub fn status(operator: &str, status: u16) -> String {
    format!("status_code_filter: {{comparison: {{op: {operator}, value: {{default_value: {status}}}}}}}\n")
}

/// A filter that holds when all of several do; the first that does not spares the others.
pub fn all(filters: &[String]) -> String {
    joined("and_filter", filters)
}

fn any(filters: &[String]) -> String {
    joined("or_filter", filters)
}

fn joined(operator: &str, filters: &[String]) -> String {
    let filters: String = filters.iter().map(|filter| element(filter)).collect();
    format!("{operator}:\n  filters:\n{}", indented(2, &filters))
}

/// HTTP requests that failed: [`FAILS`](meshwhy_core::condition::FAILS) is the same for the facts of a log line.
pub fn failed_requests() -> String {
    let flags: Vec<_> = Flag::ALL.iter().filter(|flag| !HEALTHY_FLAGS.contains(**flag)).map(|flag| flag.short()).collect();
    let (first, second) = flags.split_at(flags.len() / 2);
    let flags = format!("response_flag_filter:\n  flags: [{},\n    {}]\n", first.join(", "), second.join(", "));
    // A stream that its caller cancelled, which gRPC clients do all the time; `DR` alone stands for resets by Envoy's own codec, too.
    let not_cancelled = expression("!response.code_details.endsWith('.remote_reset')");
    // Status 101 is an upgrade that ended.
    let broken_off = all(&[any(&[status("EQ", 0), all(&[status("GE", 200), flags])]), not_cancelled]);
    // A gRPC failure has status 200, and the gRPC filter alone would read a plain 200 as a failed call.
    let failed_call = all(&[
        "header_filter: {header: {name: content-type, string_match: {prefix: application/grpc}}}\n".to_owned(),
        "grpc_status_filter: {statuses: [OK], exclude: true}\n".to_owned(),
    ]);
    any(&[status("GE", 400), broken_off, failed_call])
}

/// HTTP requests that failed and that the module as HTTP filter does not report.
pub fn unreported_requests() -> String {
    // The expression is evaluated for failures only.
    all(&[failed_requests(), expression("!('wasm.meshwhy.reported' in filter_state)")])
}

/// TCP connections that failed; one that an authorization policy refused has no flag.
pub fn failed_connections() -> String {
    any(&["response_flag_filter: {}\n".to_owned(), expression("connection.termination_details != ''")])
}

/// Connections that came no further than the listener: no filter chain took them, or their TLS handshake failed. Since Envoy 1.37 the TLS
/// inspector leaves a reason `TLS_error|error:…` on connections that are simply not TLS.
pub fn failed_handshakes() -> String {
    let reason = "connection.transport_failure_reason";
    let failed = format!("{reason} != '' && !{reason}.startsWith('TLS_error|error:')");
    any(&["response_flag_filter: {flags: [NR]}\n".to_owned(), expression(&failed)])
}
