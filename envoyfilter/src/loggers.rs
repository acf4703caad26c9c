//! The access loggers: the module's, and the JSON one of the native deployment.

use crate::Context;
use crate::yaml::Document;

/// What a logger is for; decides its native filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// HTTP requests that failed.
    Failures,
    /// HTTP requests that failed and that the module as HTTP filter does not report.
    UnreportedFailures,
    /// TCP connections that failed.
    TcpFailures,
    /// TLS handshakes that failed on this side.
    Handshakes,
    /// Sampled requests without trace context.
    TraceContext,
}

/// Host functions and callbacks that the module may use; the environment is not among them.
const CAPABILITIES: &[&str] = &[
    "proxy_on_vm_start",
    "proxy_on_configure",
    "proxy_on_tick",
    "proxy_on_log",
    "proxy_on_delete",
    "proxy_log",
    "proxy_get_property",
    "proxy_get_buffer_bytes",
    "proxy_get_current_time_nanoseconds",
    "proxy_set_tick_period_milliseconds",
    "proxy_define_metric",
    "proxy_increment_metric",
];

// Without a `runtime_key`, which Envoy requires before 1.35, it is spared two look-ups for each request.
// A gRPC failure has status 200, so the status alone is not enough; the gRPC filter alone would read a plain 200 as a failed call, hence
// the content type.
const FAILURES: &str = "\
or_filter:
  filters:
  - status_code_filter: {comparison: {op: GE, value: {default_value: 400}}}
  - response_flag_filter: {}
  # Without a response and without a flag: a guard of the codec closed the stream.
  - status_code_filter: {comparison: {op: EQ, value: {default_value: 0}}}
  - and_filter:
      filters:
      - header_filter:
          header:
            name: content-type
            string_match:
              prefix: application/grpc
      - grpc_status_filter:
          statuses: [OK]
          exclude: true";

impl Report {
    fn filter(self, document: &mut Document, indent: usize) {
        match self {
            Self::Failures => {
                document.line(indent, "filter:");
                document.text(indent + 2, FAILURES);
            }
            // The expression is evaluated for failures only: healthy traffic pays for the first filter alone.
            Self::UnreportedFailures => {
                document.text(indent, "filter:\n  and_filter:\n    filters:");
                document.text(indent + 4, &FAILURES.replacen("or_filter", "- or_filter", 1).replace("\n", "\n  "));
                document.text(
                    indent + 4,
                    "\
- extension_filter:
    name: envoy.access_loggers.extension_filters.cel
    typed_config:
      \"@type\": type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter
      expression: '!(''wasm.meshwhy.reported'' in filter_state)'",
                );
            }
            // A connection that an authorization policy refused has no flag.
            Self::TcpFailures => document.text(
                indent,
                "\
filter:
  or_filter:
    filters:
    - response_flag_filter: {}
    - extension_filter:
        name: envoy.access_loggers.extension_filters.cel
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter
          expression: 'connection.termination_details != \"\"'",
            ),
            // A connection that no filter chain takes fails before its handshake; other flags of a connection are told by its requests.
            Self::Handshakes => document.text(
                indent,
                "\
filter:
  or_filter:
    filters:
    - response_flag_filter:
        flags: [NR]
    - extension_filter:
        name: envoy.access_loggers.extension_filters.cel
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter
          expression: 'connection.transport_failure_reason != \"\"'",
            ),
            Self::TraceContext => document.text(
                indent,
                "\
filter:
  and_filter:
    filters:
    - runtime_filter:
        runtime_key: meshwhy.trace_check
        percent_sampled:
          numerator: 100
          denominator: TEN_THOUSAND
    - extension_filter:
        name: envoy.access_loggers.extension_filters.cel
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter
          expression: metadata.filter_metadata['meshwhy']['trace_context'] != 'present'",
            ),
        }
    }

    const fn configuration(self) -> &'static str {
        match self {
            Self::TraceContext => "\"report\": \"trace_context\", ",
            Self::Failures | Self::UnreportedFailures | Self::TcpFailures | Self::Handshakes => "",
        }
    }
}

pub fn wasm(document: &mut Document, indent: usize, side: &str, report: Report) {
    document.line(indent, "- name: envoy.access_loggers.wasm");
    report.filter(document, indent + 2);
    document.text(
        indent + 2,
        "\
typed_config:
  \"@type\": type.googleapis.com/envoy.extensions.access_loggers.wasm.v3.WasmAccessLog
  config:
    name: meshwhy
    root_id: meshwhy
    # A trap costs the records of about a second, never a request.
    failure_policy: FAIL_RELOAD
    configuration:
      \"@type\": type.googleapis.com/google.protobuf.StringValue",
    );
    let configuration =
        format!("{{\"side\": \"{side}\", {}\"records_per_interval\": 10, \"interval_ms\": 10000}}", report.configuration());
    document.line(indent + 8, &format!("value: '{configuration}'"));
    document.text(
        indent + 6,
        "\
# What the module may do; here and not in vm_config, so that Envoy before 1.40 takes it, too.
capability_restriction_config:
  allowed_capabilities:",
    );
    for capability in CAPABILITIES {
        document.line(indent + 10, &format!("{capability}: {{}}"));
    }
    document.text(
        indent + 6,
        "\
vm_config:
  vm_id: meshwhy
  runtime: envoy.wasm.runtime.v8
  code:
    local:
      filename: /var/lib/meshwhy/meshwhy.wasm",
    );
}

/// The attributes of a record, as `core::record` reads them.
const ATTRIBUTES: &[(&str, &str)] = &[
    ("http.response.status_code", "%RESPONSE_CODE%"),
    ("envoy.response_flags", "%RESPONSE_FLAGS%"),
    ("envoy.response_code_details", "%RESPONSE_CODE_DETAILS%"),
    ("envoy.upstream_transport_failure_reason", "%UPSTREAM_TRANSPORT_FAILURE_REASON%"),
    ("envoy.downstream_transport_failure_reason", "%DOWNSTREAM_TRANSPORT_FAILURE_REASON%"),
    ("envoy.connection_termination_details", "%CONNECTION_TERMINATION_DETAILS%"),
    ("rpc.grpc.status_code", "%GRPC_STATUS_NUMBER%"),
    ("network.protocol.version", "%PROTOCOL%"),
    ("envoy.upstream_cluster", "%UPSTREAM_CLUSTER_RAW%"),
    ("envoy.virtual_host_name", "%CEL(xds.virtual_host_name)%"),
    ("envoy.route_name", "%ROUTE_NAME%"),
    ("envoy.upstream_host", "%UPSTREAM_HOST%"),
    ("http.request.method", "%REQ(:METHOD)%"),
    // Without the query string, which may hold secrets.
    ("url.path", "%PATH(NQ)%"),
    ("server.address", "%REQ(:AUTHORITY)%"),
    ("envoy.request_id", "%REQ(X-REQUEST-ID)%"),
    ("k8s.pod.name", "%ENVIRONMENT(POD_NAME)%"),
    ("k8s.namespace.name", "%ENVIRONMENT(POD_NAMESPACE)%"),
    ("envoy.upstream_local_address", "%UPSTREAM_LOCAL_ADDRESS%"),
    ("envoy.upstream_connection_age_us", "%COMMON_DURATION(US_CX_BEG:DS_RX_BEG:us)%"),
    ("envoy.duration_ms", "%DURATION%"),
    ("envoy.downstream_local_address", "%DOWNSTREAM_LOCAL_ADDRESS%"),
    ("envoy.downstream_remote_address", "%DOWNSTREAM_REMOTE_ADDRESS%"),
    ("envoy.requested_server_name", "%REQUESTED_SERVER_NAME%"),
    ("envoy.start_time", "%START_TIME%"),
];

pub fn json(document: &mut Document, indent: usize, side: &str, report: Report) {
    document.line(indent, "- name: envoy.access_loggers.file");
    report.filter(document, indent + 2);
    document.text(
        indent + 2,
        "\
typed_config:
  \"@type\": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
  path: /dev/stdout
  log_format:
    json_format:
      meshwhy.record: \"1\"",
    );
    document.line(indent + 8, &format!("meshwhy.side: {side}"));
    if report == Report::UnreportedFailures {
        document.line(indent + 8, "meshwhy.unreported: \"true\"");
    }
    for (name, operator) in ATTRIBUTES {
        document.line(indent + 8, &format!("{name}: \"{operator}\""));
    }
}

/// The optional block of the observe deployment.
pub fn trace_check(document: &mut Document, contexts: &[Context]) {
    document.comment(2, "---- begin optional: trace check ----");
    document.text(
        2,
        "\
# Notes requests that arrive without trace context, before Envoy's own tracing adds its headers, and reports a sample of
# them. Costs healthy traffic one small native filter; remove everything up to the end mark if you do not want it.
# The runtime key meshwhy.trace_check sets the sample (of 10 000 requests).",
    );
    for context in contexts {
        document.text(2, "- applyTo: HTTP_FILTER\n  match:");
        document.line(6, &format!("context: {}", context.istio));
        document.text(
            6,
            "\
listener:
  filterChain:
    filter:
      name: envoy.filters.network.http_connection_manager",
        );
        document.text(
            4,
            "\
patch:
  operation: INSERT_FIRST
  value:
    name: meshwhy.trace_check
    typed_config:
      \"@type\": type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config
      request_rules:",
        );
        trace_rules(document, 10);
        document.text(2, "- applyTo: NETWORK_FILTER\n  match:");
        document.line(6, &format!("context: {}", context.istio));
        document.text(
            6,
            "\
listener:
  filterChain:
    filter:
      name: envoy.filters.network.http_connection_manager",
        );
        document.text(
            4,
            "\
patch:
  operation: MERGE
  value:
    typed_config:
      \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
      access_log:",
        );
        wasm(document, 10, context.side, Report::TraceContext);
    }
    document.comment(2, "---- end optional: trace check ----");
}

/// Headers that may carry a trace context, and what makes each valid.
///
/// Nearly as strict as `core::trace`: Envoy takes RE2 programs of at most 100 instructions (measured, 1.40), so span ids are
/// matched without their length, and all-zero ids and version `ff` pass.
const CONTEXTS: [(&str, &str); 5] = [
    ("x-b3-traceid", "^([0-9a-fA-F]{16}){1,2}$"),
    ("x-b3-sampled", "^(0|1|[tT][rR][uU][eE]|[fF][aA][lL][sS][eE])$"),
    ("x-b3-flags", "^1$"),
    ("b3", "^([01d]|([0-9a-fA-F]{16}){1,2}-[0-9a-fA-F]+(-[01d](-[0-9a-fA-F]+)?)?)$"),
    ("traceparent", "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]+-[0-9a-f]{2}(-.*)?$"),
];

/// Later rules win: missing until a header proves otherwise. A value that breaks its rule stays as it came, and so is not `present`.
fn trace_rules(document: &mut Document, indent: usize) {
    document.text(
        indent,
        "\
- header: \":method\"
  on_header_present: {metadata_namespace: meshwhy, key: trace_context, value: missing}",
    );
    for (header, valid) in CONTEXTS {
        document.line(indent, &format!("- header: {header}"));
        document.text(
            indent + 2,
            "\
on_header_present:
  metadata_namespace: meshwhy
  key: trace_context
  regex_value_rewrite:
    substitution: present",
        );
        document.line(indent + 6, &format!("pattern: {{regex: '{valid}'}}"));
    }
}
