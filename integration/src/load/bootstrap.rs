//! Envoy's configuration: a proxy with three ways to fail, and the upstream behind it.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::traffic::Traffic;

/// Name of the only listener of either.
pub const LISTENER: &str = "http";

// Istio's names of clusters.
const UPSTREAM: &str = "outbound|8080||shop.demo.svc.cluster.local";
const REFUSED: &str = "outbound|8081||shop.demo.svc.cluster.local";
const NO_ENDPOINT: &str = "outbound|8082||shop.demo.svc.cluster.local";

const MANAGER: &str = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

/// A proxy's listener without anything of meshwhy.
pub fn listener() -> Value {
    http(json!({
        "name": "8080",
        "virtual_hosts": [{"name": "shop", "domains": ["*"], "routes": [
            {"name": "body", "match": {"prefix": "/body/"}, "route": {"cluster": UPSTREAM}},
            {"name": "refused", "match": {"path": "/refused"}, "route": {"cluster": REFUSED}},
            {"name": "no-endpoint", "match": {"path": "/no-endpoint"}, "route": {"cluster": NO_ENDPOINT}},
        ]}],
    }))
}

/// The connection manager of a listener.
pub fn connection_manager(listener: &mut Value) -> Result<&mut Value> {
    listener.pointer_mut("/filter_chains/0/filters/0/typed_config").context("a listener without a connection manager")
}

/// The bootstrap of a proxy.
pub fn proxy(listener: &Value, further: &[Value], upstream: SocketAddr, refusing: SocketAddr) -> Value {
    // Nothing of this comes into its way: what is measured is the proxy and not its circuit breakers.
    let unlimited =
        json!({"thresholds": [{"max_connections": 100_000, "max_pending_requests": 100_000, "max_requests": 100_000}]});
    let cluster = |name: &str, address: Option<SocketAddr>| {
        let endpoints: Vec<Value> = address.iter().map(|address| json!({"endpoint": {"address": socket(*address)}})).collect();
        json!({
            "name": name,
            "type": "STATIC",
            "connect_timeout": "1s",
            "circuit_breakers": unlimited,
            "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]},
            "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "use_downstream_protocol_config": {"http_protocol_options": {}, "http2_protocol_options": {}},
            }},
        })
    };
    let mut clusters = vec![cluster(UPSTREAM, Some(upstream)), cluster(REFUSED, Some(refusing)), cluster(NO_ENDPOINT, None)];
    clusters.extend(further.iter().cloned());
    bootstrap(listener, &clusters)
}

/// The bootstrap of the upstream, which answers every kind of traffic's path with a body of its size.
pub fn upstream() -> Value {
    let routes: Vec<Value> = Traffic::BODIES
        .iter()
        .map(|size| {
            let body = json!({"inline_string": "x".repeat(*size)});
            json!({"match": {"path": format!("/body/{size}")}, "direct_response": {"status": 200, "body": body}})
        })
        .collect();
    let listener = http(json!({
        "name": "upstream",
        "max_direct_response_body_size_bytes": Traffic::BODIES.iter().max(),
        "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}],
    }));
    bootstrap(&listener, &[])
}

fn http(route_config: Value) -> Value {
    json!({
        "name": LISTENER,
        "traffic_direction": "OUTBOUND",
        "address": socket(SocketAddr::from(([127, 0, 0, 1], 0))),
        "filter_chains": [{"filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {
                "@type": MANAGER,
                "stat_prefix": LISTENER,
                "codec_type": "AUTO",
                "server_name": "istio-envoy",
                "generate_request_id": true,
                "normalize_path": true,
                "stream_idle_timeout": "0s",
                "route_config": route_config,
                "http_filters": [{
                    "name": "envoy.filters.http.router",
                    "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
                }],
            },
        }]}],
    })
}

fn bootstrap(listener: &Value, clusters: &[Value]) -> Value {
    json!({
        "node": {
            "id": "sidecar~10.0.0.1~shop-0.demo~demo.svc.cluster.local",
            "cluster": "shop.demo",
            "metadata": {"NAME": "shop-0", "NAMESPACE": "demo", "WORKLOAD_NAME": "shop"},
        },
        "admin": {"address": socket(SocketAddr::from(([127, 0, 0, 1], 0)))},
        "static_resources": {"listeners": [listener], "clusters": clusters},
    })
}

fn socket(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}})
}
