//! Envoy's configuration for some scenarios: what an Istio sidecar would have, as small as possible.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::merge::{overlay, walk};
use crate::scenario::{Direction, Protocol, Scenario};

/// Istio's default TEXT format.
const TEXT: &str = "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" %RESPONSE_CODE% %RESPONSE_FLAGS% \
    %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% \"%UPSTREAM_TRANSPORT_FAILURE_REASON%\" %BYTES_RECEIVED% %BYTES_SENT% \
    %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" \"%REQ(X-REQUEST-ID)%\" \
    \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% \
    %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n";

/// Istio's JSON keys and what Envoy puts there.
const JSON: [(&str, &str); 24] = [
    ("start_time", "%START_TIME%"),
    ("route_name", "%ROUTE_NAME%"),
    ("method", "%REQ(:METHOD)%"),
    ("path", "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%"),
    ("protocol", "%PROTOCOL%"),
    ("response_code", "%RESPONSE_CODE%"),
    ("response_flags", "%RESPONSE_FLAGS%"),
    ("response_code_details", "%RESPONSE_CODE_DETAILS%"),
    ("connection_termination_details", "%CONNECTION_TERMINATION_DETAILS%"),
    ("bytes_received", "%BYTES_RECEIVED%"),
    ("bytes_sent", "%BYTES_SENT%"),
    ("duration", "%DURATION%"),
    ("upstream_service_time", "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%"),
    ("x_forwarded_for", "%REQ(X-FORWARDED-FOR)%"),
    ("user_agent", "%REQ(USER-AGENT)%"),
    ("request_id", "%REQ(X-REQUEST-ID)%"),
    ("authority", "%REQ(:AUTHORITY)%"),
    ("upstream_host", "%UPSTREAM_HOST%"),
    ("upstream_cluster", "%UPSTREAM_CLUSTER_RAW%"),
    ("upstream_local_address", "%UPSTREAM_LOCAL_ADDRESS%"),
    ("downstream_local_address", "%DOWNSTREAM_LOCAL_ADDRESS%"),
    ("downstream_remote_address", "%DOWNSTREAM_REMOTE_ADDRESS%"),
    ("requested_server_name", "%REQUESTED_SERVER_NAME%"),
    ("upstream_transport_failure_reason", "%UPSTREAM_TRANSPORT_FAILURE_REASON%"),
];

/// The keys of Envoy's `Route`; any other key of a scenario's `route` belongs to its action.
const ROUTE_KEYS: [&str; 8] =
    ["name", "match", "route", "redirect", "direct_response", "typed_per_filter_config", "metadata", "decorator"];

/// Where the access logs of one scenario go.
#[derive(Clone, Debug)]
pub struct LogFiles<'a> {
    /// Istio's JSON log.
    pub json: &'a Path,
    /// Istio's TEXT log.
    pub text: &'a Path,
}

/// One scenario's listener and, if it has one, its cluster.
#[derive(Debug)]
pub struct Part {
    /// The listener, named as the scenario.
    pub listener: Value,
    /// The cluster.
    pub cluster: Option<Value>,
}

/// The configuration of one scenario. `index` tells the clusters of several inbound scenarios apart.
///
/// # Errors
/// The scenario asks for something that contradicts itself.
pub fn part(
    scenario: &Scenario,
    index: usize,
    upstream: Option<SocketAddr>,
    logs: &LogFiles<'_>,
    placeholders: &[(&str, String)],
) -> Result<Part> {
    let cluster_name = match scenario.direction {
        Direction::Outbound => format!("outbound|8080||{}.demo.svc.cluster.local", scenario.slug),
        Direction::Inbound => format!("inbound|{}||", 8080 + index),
    };
    let access_log = json!([
        file_log(
            logs.json,
            json!({"json_format": JSON.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect::<serde_json::Map<_, _>>()})
        ),
        file_log(logs.text, json!({"text_format_source": {"inline_string": TEXT}}))
    ]);
    let network_filter = match scenario.protocol {
        Protocol::Http => connection_manager(scenario, &cluster_name, access_log)?,
        Protocol::Tcp => tcp_proxy(scenario, &cluster_name, access_log),
    };
    let mut filter_chain = json!({"filters": [network_filter]});
    overlay(&mut filter_chain, &scenario.filter_chain);
    let mut listener = json!({
        "name": scenario.slug,
        "traffic_direction": match scenario.direction { Direction::Outbound => "OUTBOUND", Direction::Inbound => "INBOUND" },
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [filter_chain],
    });
    let mut cluster = cluster(scenario, &cluster_name, upstream);
    let mut words = placeholders.to_vec();
    words.push(("{{cluster}}", cluster_name));
    fill_in(&mut listener, &words);
    if let Some(cluster) = &mut cluster {
        fill_in(cluster, &words);
    }
    Ok(Part { listener, cluster })
}

/// The bootstrap of an Envoy with these parts.
pub fn bootstrap(parts: &[Part]) -> Value {
    json!({
        "node": {
            "id": "sidecar~10.0.0.1~shop-0.demo~demo.svc.cluster.local",
            "cluster": "shop.demo",
            "metadata": {"NAME": "shop-0", "NAMESPACE": "demo", "WORKLOAD_NAME": "shop", "ISTIO_VERSION": "1.29.6"},
        },
        // Every request is checked for trace context, not one in a hundred.
        "layered_runtime": {"layers": [{"name": "harness", "static_layer": {"meshwhy.trace_check": 10_000}}]},
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
        "static_resources": {
            "listeners": parts.iter().map(|part| &part.listener).collect::<Vec<_>>(),
            "clusters": parts.iter().filter_map(|part| part.cluster.as_ref()).collect::<Vec<_>>(),
        },
    })
}

fn connection_manager(scenario: &Scenario, cluster: &str, access_log: Value) -> Result<Value> {
    let mut virtual_host = json!({"name": "shop", "domains": ["*"], "routes": routes(scenario, cluster)?});
    overlay(&mut virtual_host, &scenario.virtual_host);
    let mut http_filters = scenario.http_filters.clone();
    http_filters.push(json!({
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
    }));
    let mut config = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": scenario.slug,
        "generate_request_id": true,
        "normalize_path": true,
        "server_name": "istio-envoy",
        "route_config": {"name": "8080", "virtual_hosts": [virtual_host], "validate_clusters": false},
        "http_filters": http_filters,
        "access_log": access_log,
    });
    overlay(&mut config, &scenario.http);
    Ok(json!({"name": "envoy.filters.network.http_connection_manager", "typed_config": config}))
}

fn tcp_proxy(scenario: &Scenario, cluster: &str, access_log: Value) -> Value {
    let mut config = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": scenario.slug,
        "cluster": cluster,
        "access_log": access_log,
    });
    overlay(&mut config, &scenario.http);
    json!({"name": "envoy.filters.network.tcp_proxy", "typed_config": config})
}

fn routes(scenario: &Scenario, cluster: &str) -> Result<Vec<Value>> {
    let mut route = json!({"name": "default", "match": {"prefix": "/"}, "route": {"cluster": cluster}});
    match &scenario.route {
        Value::Null => return Ok(Vec::new()),
        Value::Object(wish) if wish.keys().any(|key| ROUTE_KEYS.contains(&key.as_str())) => {
            if wish.contains_key("direct_response") || wish.contains_key("redirect") {
                route = json!({"name": "default", "match": {"prefix": "/"}});
            }
            overlay(&mut route, &scenario.route);
        }
        Value::Object(_) => overlay(&mut route, &json!({"route": scenario.route})),
        _ => bail!("scenario of {}: `route` is neither an object nor null", scenario.slug),
    }
    Ok(vec![route])
}

fn cluster(scenario: &Scenario, name: &str, upstream: Option<SocketAddr>) -> Option<Value> {
    if scenario.cluster.is_none() && upstream.is_none() {
        return None;
    }
    let endpoints: Vec<_> = upstream
        .into_iter()
        .map(|address| {
            let address = json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}});
            json!({"endpoint": {"address": address}})
        })
        .collect();
    let mut cluster = json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "10s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]},
    });
    if let Some(wish) = &scenario.cluster {
        overlay(&mut cluster, wish);
    }
    Some(cluster)
}

/// An access log in a file.
fn file_log(path: &Path, format: Value) -> Value {
    json!({
        "name": "envoy.access_loggers.file",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
            "path": path,
            "log_format": format,
        },
    })
}

fn fill_in(value: &mut Value, words: &[(&str, String)]) {
    walk(value, &mut |value| {
        if let Value::String(text) = value {
            for (word, replacement) in words {
                if text.contains(word) {
                    *text = text.replace(word, replacement);
                }
            }
        }
    });
}
