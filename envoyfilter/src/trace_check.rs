//! The check for trace context without the module in the path: a native filter notes what each request brings, and a sampled access
//! logger reports those that brought nothing.

use crate::filters::{all, expression};
use crate::loggers::module_logger;
use crate::module::Module;
use crate::yaml::{element, indented};

/// The type of the filter that copies headers into metadata.
pub const HEADER_TO_METADATA: &str = "type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config";

/// Of 10 000 requests, how many are checked unless somebody says otherwise.
pub const SAMPLE: u16 = 100;

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

/// The filter, to stand before Envoy's own tracing adds its headers.
///
/// Later rules win: missing until a header proves otherwise. A value that breaks its rule stays as it came, and so is not `present`.
pub fn filter() -> String {
    let rules = CONTEXTS.map(|(header, valid)| {
        element(&format!(
            "\
header: {header}
on_header_present:
  metadata_namespace: meshwhy
  key: trace_context
  regex_value_rewrite:
    substitution: present
    pattern: {{regex: '{valid}'}}
"
        ))
    });
    format!(
        "\
name: meshwhy.trace_check
typed_config:
  \"@type\": {HEADER_TO_METADATA}
  request_rules:
  - header: \":method\"
    on_header_present: {{metadata_namespace: meshwhy, key: trace_context, value: missing}}
{}",
        indented(2, &rules.concat())
    )
}

/// The logger of a sample of the requests without trace context.
pub fn logger(module: &Module, sample: u16) -> String {
    let sampled = format!(
        "\
runtime_filter:
  runtime_key: meshwhy.trace_check
  percent_sampled: {{numerator: {sample}, denominator: TEN_THOUSAND}}
"
    );
    let missing = expression("metadata.filter_metadata['meshwhy']['trace_context'] != 'present'");
    let configuration = r#"{"report": "trace_context", "records_per_interval": 10, "interval_ms": 10000}"#;
    module_logger(&all(&[sampled, missing]), configuration, module)
}
