//! Envoy's configuration for some scenarios: what an Istio sidecar would have, as small as possible.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Result, bail};
use serde_json::{Map, Value, json};

use crate::merge::{overlay, walk};
use crate::scenario::{Direction, Protocol, Scenario};
use crate::upstream::UpstreamKind;

/// Istio's default TEXT format.
const TEXT: &str = "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" %RESPONSE_CODE% %RESPONSE_FLAGS% \
    %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% \"%UPSTREAM_TRANSPORT_FAILURE_REASON%\" %BYTES_RECEIVED% %BYTES_SENT% \
    %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" \"%REQ(X-REQUEST-ID)%\" \
    \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% \
    %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n";

/// Istio's JSON keys and what Envoy puts there.
pub const JSON: [(&str, &str); 24] = [
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

/// The Istio that carries the Envoy of the tests.
pub const ISTIO_VERSION: &str = "1.32.0";

/// Where the access logs of one scenario go.
#[derive(Clone, Debug)]
pub struct LogFiles<'a> {
    /// Istio's JSON log.
    pub json: &'a Path,
    /// Istio's TEXT log.
    pub text: &'a Path,
}

/// Where the servers of one scenario are.
#[derive(Clone, Debug, Default)]
pub struct Addresses {
    /// The upstream.
    pub upstream: Option<SocketAddr>,
    /// The further servers.
    pub servers: BTreeMap<String, SocketAddr>,
}

/// What one scenario adds to a bootstrap.
#[derive(Debug)]
pub struct BootstrapPart {
    /// The name of its cluster, there or not.
    pub cluster: String,
    /// The listener, named as the scenario.
    pub listener: Value,
    /// The clusters: its own, if it has one, and those of its further servers.
    pub clusters: Vec<Value>,
    /// Runtime keys.
    pub runtime: Value,
    /// What it lays over the bootstrap.
    pub bootstrap: Option<Value>,
}

/// The configuration of one scenario. `index` tells the clusters of several inbound scenarios apart.
///
/// # Errors
/// The scenario asks for something that contradicts itself.
pub fn part(
    scenario: &Scenario,
    index: usize,
    addresses: &Addresses,
    logs: &LogFiles<'_>,
    placeholders: &[(&str, String)],
) -> Result<BootstrapPart> {
    let cluster_name = match scenario.direction {
        Direction::Outbound => format!("outbound|8080||{}.demo.svc.cluster.local", scenario.id()),
        Direction::Inbound => format!("inbound|{}||", 8080 + index),
    };
    let mut words: Vec<_> = placeholders.iter().map(|(word, replacement)| ((*word).to_owned(), replacement.clone())).collect();
    words.push(("{{cluster}}".to_owned(), cluster_name.clone()));
    words.extend(scenario.servers.keys().map(|name| (format!("{{{{{name}}}}}"), server_cluster(scenario, name))));
    let mut part = BootstrapPart {
        cluster: cluster_name.clone(),
        listener: listener(scenario, &cluster_name, logs)?,
        clusters: clusters(scenario, &cluster_name, addresses),
        runtime: scenario.runtime.clone().into_iter().collect::<Map<_, _>>().into(),
        bootstrap: scenario.bootstrap.clone(),
    };
    let trees = [&mut part.listener, &mut part.runtime].into_iter().chain(&mut part.clusters).chain(&mut part.bootstrap);
    trees.for_each(|tree| fill_in(tree, &words));
    Ok(part)
}

/// The bootstrap of an Envoy with these parts, listeners made of them, and further clusters.
pub fn bootstrap(parts: &[BootstrapPart], listeners: &[Value], clusters: &[Value]) -> Value {
    // Every request is checked for trace context, not one in a hundred.
    let mut runtime = json!({"meshwhy.trace_check": 10_000});
    parts.iter().for_each(|part| overlay(&mut runtime, &part.runtime));
    let mut bootstrap = json!({
        "node": {
            "id": "sidecar~10.0.0.1~shop-0.demo~demo.svc.cluster.local",
            "cluster": "shop.demo",
            "metadata": {"NAME": "shop-0", "NAMESPACE": "demo", "WORKLOAD_NAME": "shop", "ISTIO_VERSION": ISTIO_VERSION},
        },
        "layered_runtime": {"layers": [{"name": "harness", "static_layer": runtime}]},
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
        "static_resources": {
            "listeners": listeners,
            "clusters": parts.iter().flat_map(|part| &part.clusters).chain(clusters).collect::<Vec<_>>(),
        },
    });
    parts.iter().filter_map(|part| part.bootstrap.as_ref()).for_each(|wish| overlay(&mut bootstrap, wish));
    bootstrap
}

fn listener(scenario: &Scenario, cluster: &str, logs: &LogFiles<'_>) -> Result<Value> {
    let access_log = json!([json_log(logs.json), file_log(logs.text, json!({"text_format_source": {"inline_string": TEXT}}))]);
    let mut filters = scenario.network_filters.clone();
    filters.push(match scenario.protocol {
        Protocol::Http => connection_manager(scenario, cluster, access_log)?,
        Protocol::Tcp => tcp_proxy(scenario, cluster, access_log),
    });
    let mut filter_chain = json!({"filters": filters});
    overlay(&mut filter_chain, &scenario.filter_chain);
    let mut listener = json!({
        "name": scenario.id(),
        "traffic_direction": match scenario.direction { Direction::Outbound => "OUTBOUND", Direction::Inbound => "INBOUND" },
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [filter_chain],
    });
    overlay(&mut listener, &scenario.listener);
    Ok(listener)
}

fn connection_manager(scenario: &Scenario, cluster: &str, access_log: Value) -> Result<Value> {
    let mut virtual_host = json!({"name": "shop", "domains": ["*"], "routes": routes(scenario, cluster)?});
    overlay(&mut virtual_host, &scenario.virtual_host);
    let mut http_filters = scenario.http_filters.clone();
    let mut router = json!({"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"});
    overlay(&mut router, &scenario.router);
    http_filters.push(json!({"name": "envoy.filters.http.router", "typed_config": router}));
    let mut config = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": scenario.id(),
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
        "stat_prefix": scenario.id(),
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

fn clusters(scenario: &Scenario, name: &str, addresses: &Addresses) -> Vec<Value> {
    let own = scenario.cluster.as_ref().or(addresses.upstream.as_ref().map(|_| &Value::Null));
    let own = own.map(|wish| cluster(name, scenario.upstream, addresses.upstream, wish));
    let further = scenario.servers.iter().map(|(server, kind)| {
        let wish = scenario.clusters.get(server).unwrap_or(&Value::Null);
        cluster(&server_cluster(scenario, server), Some(*kind), addresses.servers.get(server).copied(), wish)
    });
    own.into_iter().chain(further).collect()
}

/// A name that can be the authority of a gRPC call: Envoy puts it there.
fn server_cluster(scenario: &Scenario, server: &str) -> String {
    format!("{server}.{}.demo", scenario.id())
}

/// One host of a cluster.
pub fn endpoint(address: SocketAddr) -> Value {
    let address = json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}});
    json!({"endpoint": {"address": address}})
}

fn cluster(name: &str, kind: Option<UpstreamKind>, address: Option<SocketAddr>, wish: &Value) -> Value {
    let endpoints: Vec<_> = address.into_iter().map(endpoint).collect();
    let mut cluster = json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "10s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]},
    });
    if kind.is_some_and(UpstreamKind::speaks_http2) {
        let options = json!({
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": {"http2_protocol_options": {}},
        });
        overlay(
            &mut cluster,
            &json!({"typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options}}),
        );
    }
    if !wish.is_null() {
        overlay(&mut cluster, wish);
    }
    cluster
}

/// Istio's JSON access log in a file.
pub fn json_log(path: &Path) -> Value {
    let fields: Map<_, _> = JSON.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect();
    file_log(path, json!({"json_format": fields}))
}

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

fn fill_in(value: &mut Value, words: &[(String, String)]) {
    let filled = |text: &str| words.iter().fold(text.to_owned(), |text, (word, replacement)| text.replace(word, replacement));
    walk(value, &mut |value| match value {
        Value::String(text) => *text = filled(text),
        Value::Object(fields) => *fields = std::mem::take(fields).into_iter().map(|(key, value)| (filled(&key), value)).collect(),
        _ => {}
    });
}
