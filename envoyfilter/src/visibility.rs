//! What a gateway does with what the proxies behind it say: it keeps it for its own access log, and takes it out of what it sends.

use crate::patches::CONNECTION_MANAGER;
use crate::trace_check::HEADER_TO_METADATA;
use crate::yaml::element;

/// A patch that adds the filter; it sees the reply last, local replies included.
pub fn withheld() -> String {
    patch("meshwhy.visibility", true)
}

/// The same without taking anything out.
pub fn shown() -> String {
    patch("meshwhy.shown", false)
}

fn patch(name: &str, remove: bool) -> String {
    element(&format!(
        "\
applyTo: HTTP_FILTER
match:
  context: GATEWAY
  listener:
    filterChain:
      filter:
        name: {CONNECTION_MANAGER}
patch:
  operation: INSERT_FIRST
  value:
    name: {name}
    typed_config:
      \"@type\": {HEADER_TO_METADATA}
      response_rules:
      - header: proxy-status
        on_header_present: {{metadata_namespace: meshwhy, key: proxy_status}}
        remove: {remove}
"
    ))
}
