//! The clusters that istiod makes.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::bootstrap::endpoint;
use crate::certificates::Certificates;
use crate::merge::overlay;

/// What Istio's proxies offer each other; `istio-http/1.1` is what Istio's own filter adds, which Envoy does not have.
const ALPN: [&str; 3] = ["istio-peer-exchange", "istio", "istio-http/1.1"];

/// A cluster of these endpoints.
pub fn cluster(name: &str, endpoints: &[SocketAddr]) -> Value {
    let endpoints: Vec<_> = endpoints.iter().copied().map(endpoint).collect();
    let most =
        json!({"max_connections": u32::MAX, "max_pending_requests": u32::MAX, "max_requests": u32::MAX, "max_retries": u32::MAX});
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "10s",
        "circuit_breakers": {"thresholds": [most]},
        "alt_stat_name": format!("{name};"),
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]},
    })
}

/// Another service as a client sees it, by mutual TLS where `account` says who the client is.
pub fn outbound(host: &str, port: u16, endpoints: &[SocketAddr], account: Option<&str>, certificates: &Certificates) -> Value {
    let mut outbound = cluster(&outbound_name(host, port), endpoints);
    let Some(account) = account else { return outbound };
    let (certificate, key) = certificates.workload(account);
    let tls = json!({"name": "envoy.transport_sockets.tls", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        "sni": format!("outbound_.{port}_._.{host}"),
        "common_tls_context": {
            "alpn_protocols": ALPN,
            "tls_certificates": [{"certificate_chain": {"filename": certificate}, "private_key": {"filename": key}}],
            "validation_context": {
                "trusted_ca": {"filename": certificates.authority()},
                "match_typed_subject_alt_names": [{"san_type": "URI", "matcher": {"exact": "spiffe://cluster.local/ns/demo/sa/shop"}}],
            },
        },
    }});
    overlay(
        &mut outbound,
        &json!({"transport_socket_matches": [
            {"name": "tlsMode-istio", "match": {"tlsMode": "istio"}, "transport_socket": tls},
            {"name": "tlsMode-disabled", "match": {}, "transport_socket": {
                "name": "envoy.transport_sockets.raw_buffer",
                "typed_config": {"@type": "type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"},
            }},
        ]}),
    );
    let endpoints = outbound.pointer_mut("/load_assignment/endpoints/0/lb_endpoints").and_then(Value::as_array_mut);
    for endpoint in endpoints.into_iter().flatten() {
        overlay(endpoint, &json!({"metadata": {"filter_metadata": {"envoy.transport_socket_match": {"tlsMode": "istio"}}}}));
    }
    outbound
}

/// Its name.
pub fn outbound_name(host: &str, port: u16) -> String {
    format!("outbound|{port}||{host}")
}

/// The same, for servers that speak HTTP/2.
pub fn http2(mut cluster: Value) -> Value {
    let options = json!({
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}},
    });
    overlay(
        &mut cluster,
        &json!({"typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options}}),
    );
    let offered = "/transport_socket_matches/0/transport_socket/typed_config/common_tls_context/alpn_protocols";
    if let Some(offered) = cluster.pointer_mut(offered) {
        *offered = json!(["istio-peer-exchange", "istio", "h2"]);
    }
    cluster
}
