//! The patches of an EnvoyFilter, each an element of `configPatches`.

use meshwhy_core::Side;

use crate::yaml::{element, indented};

/// One place where an EnvoyFilter applies.
#[derive(Debug, Clone, Copy)]
pub struct PatchContext {
    /// Istio's name.
    pub istio: &'static str,
    /// Which way the traffic goes.
    pub side: Side,
    /// Whether Envoy may fail a handshake there; towards the workload of an outbound listener there is none.
    pub handshakes: bool,
}

/// From others to the workload.
pub const INBOUND: PatchContext = PatchContext { istio: "SIDECAR_INBOUND", side: Side::Inbound, handshakes: true };
/// From the workload to others.
pub const OUTBOUND: PatchContext = PatchContext { istio: "SIDECAR_OUTBOUND", side: Side::Outbound, handshakes: false };
/// At the edge.
pub const GATEWAY: PatchContext = PatchContext { istio: "GATEWAY", side: Side::Gateway, handshakes: true };

/// The filter that speaks HTTP.
pub const CONNECTION_MANAGER: &str = "envoy.filters.network.http_connection_manager";
const TCP_PROXY: &str = "envoy.filters.network.tcp_proxy";

/// Merges fields into every HTTP connection manager, of proxies whose version matches the pattern where it is not empty.
pub fn connection_manager(context: &PatchContext, istio_version: &str, value: &str) -> String {
    let comment = format!("# HTTP, {}.\n", context.side.as_str());
    comment + &network_filter(context, istio_version, CONNECTION_MANAGER, HTTP_CONNECTION_MANAGER, value)
}

/// Adds an access logger to every TCP proxy.
pub fn tcp_proxy(context: &PatchContext, logger: &str) -> String {
    let comment = format!("# TCP, {}: connections that are not HTTP.\n", context.side.as_str());
    comment + &network_filter(context, "", TCP_PROXY, TCP_PROXY_TYPE, &access_log(logger))
}

const HTTP_CONNECTION_MANAGER: &str =
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const TCP_PROXY_TYPE: &str = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";

fn network_filter(context: &PatchContext, istio_version: &str, name: &str, kind: &str, value: &str) -> String {
    let proxy = match istio_version {
        "" => String::new(),
        pattern => format!("proxy: {{proxyVersion: '{pattern}'}}\n"),
    };
    element(&format!(
        "\
applyTo: NETWORK_FILTER
match:
  context: {}
{}patch:
  operation: MERGE
  value:
    typed_config:
      \"@type\": {kind}
{}",
        context.istio,
        indented(2, &(proxy + &in_filter(name))),
        indented(6, value)
    ))
}

/// Inserts an HTTP filter before all others.
pub fn first_http_filter(context: &str, filter: &str) -> String {
    element(&format!(
        "applyTo: HTTP_FILTER\nmatch:\n  context: {context}\n{}patch:\n  operation: INSERT_FIRST\n  value:\n{}",
        indented(2, &in_filter(CONNECTION_MANAGER)),
        indented(4, filter)
    ))
}

fn in_filter(name: &str) -> String {
    format!("listener: {{filterChain: {{filter: {{name: {name}}}}}}}\n")
}

/// Adds an access logger to every listener.
pub fn listener(context: &PatchContext, logger: &str) -> String {
    format!(
        "# Listener, {}: connections that no filter chain took, and failed TLS handshakes, of which Istio itself logs nothing.\n{}",
        context.side.as_str(),
        element(&format!(
            "applyTo: LISTENER\nmatch: {{context: {}}}\npatch:\n  operation: MERGE\n  value:\n{}",
            context.istio,
            indented(4, &access_log(logger))
        ))
    )
}

/// The field that holds access loggers.
pub fn access_log(logger: &str) -> String {
    format!("access_log:\n{logger}")
}
