//! Gateways tell nobody: what the proxies behind them say is kept for logs and taken out of what they send.

use crate::yaml::element;

/// A patch that adds the filter; it sees the reply last, local replies included.
pub fn patch() -> String {
    element(
        "\
applyTo: HTTP_FILTER
match:
  context: GATEWAY
  listener:
    filterChain:
      filter:
        name: envoy.filters.network.http_connection_manager
patch:
  operation: INSERT_FIRST
  value:
    name: meshwhy.visibility
    typed_config:
      \"@type\": type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config
      response_rules:
      - header: proxy-status
        on_header_present: {metadata_namespace: meshwhy, key: proxy_status}
        remove: true
",
    )
}
