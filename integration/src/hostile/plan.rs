//! The configuration that every stage has before meshwhy is added: one listener that takes much, one with the defaults, one for CONNECT.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::bootstrap::{ISTIO_VERSION, JSON};
use crate::merge::overlay;
use crate::scenario::Direction;

const MANAGER: &str = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

/// What all stages of a comparison have in common.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Name, direction and connection manager of each listener, the manager laid over the default one.
    pub listeners: Vec<(&'static str, Direction, Value)>,
}

impl Plan {
    /// The listeners that the corpus is written for.
    pub fn corpus() -> Self {
        let generous = json!({
            "route_config": {"name": "shop", "validate_clusters": false, "virtual_hosts": [
                {"name": "shop", "domains": ["*"], "include_request_attempt_count": true, "routes": routes()},
            ]},
            "max_request_headers_kb": 96,
            "common_http_protocol_options": {"max_headers_count": 2_000},
            "http_protocol_options": {"enable_trailers": true},
            "upgrade_configs": [{"upgrade_type": "websocket"}],
            "proxy_100_continue": true,
        });
        let strict = json!({"route_config": {"name": "strict", "virtual_hosts": [
            {"name": "shop", "domains": ["shop.demo"], "routes": [route("/ok", json!({}))]},
        ]}});
        let connect = json!({
            "upgrade_configs": [{"upgrade_type": "CONNECT"}],
            "http2_protocol_options": {"allow_connect": true},
            "route_config": {"name": "connect", "virtual_hosts": [{"name": "tunnels", "domains": ["*"], "routes": [
                tunnel("refused.demo", "refused"),
                tunnel("", "upstream"),
            ]}]},
        });
        Self {
            listeners: vec![
                ("generous", Direction::Outbound, generous),
                ("strict", Direction::Inbound, strict),
                ("connect", Direction::Outbound, connect),
            ],
        }
    }

    /// One listener with these routes.
    pub fn with_routes(routes: Value) -> Self {
        let manager = json!({"route_config": {"name": "shop", "validate_clusters": false, "virtual_hosts": [
            {"name": "shop", "domains": ["*"], "routes": routes},
        ]}});
        Self { listeners: vec![("generous", Direction::Outbound, manager)] }
    }

    /// One listener, its access log in a file of the given directory.
    pub(super) fn listener(&self, name: &str, directory: &Path) -> Option<(Direction, Value)> {
        let (_, direction, wishes) = self.listeners.iter().find(|(listener, ..)| *listener == name)?;
        let fields: Map<_, _> = JSON.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect();
        let mut fields = Value::Object(fields);
        overlay(&mut fields, &json!({"grpc_status": "%GRPC_STATUS_NUMBER%", "content_type": "%RESP(CONTENT-TYPE)%"}));
        let mut manager = json!({
            "@type": MANAGER,
            "stat_prefix": name,
            "generate_request_id": true,
            "preserve_external_request_id": true,
            "normalize_path": true,
            "server_name": "istio-envoy",
            // A client that waits for the end waits no longer than this after a refusal.
            "delayed_close_timeout": "0.1s",
            "http_filters": [{
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
            }],
            "access_log": [{
                "name": "envoy.access_loggers.file",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                    "path": directory.join("access.log"),
                    "log_format": {"json_format": fields},
                },
            }],
        });
        overlay(&mut manager, wishes);
        let direction_name = match direction {
            Direction::Outbound => "OUTBOUND",
            Direction::Inbound => "INBOUND",
        };
        let listener = json!({
            "name": name,
            "traffic_direction": direction_name,
            "address": socket(SocketAddr::from(([127, 0, 0, 1], 0))),
            "filter_chains": [{"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}],
        });
        Some((*direction, listener))
    }
}

/// The clusters: a server, a closed port, one without endpoints.
pub(super) fn clusters(upstream: SocketAddr, refusing: SocketAddr) -> Vec<Value> {
    let cluster = |name: &str, address: Option<SocketAddr>| {
        let endpoints: Vec<Value> = address.iter().map(|address| json!({"endpoint": {"address": socket(*address)}})).collect();
        json!({
            "name": name,
            "type": "STATIC",
            "connect_timeout": "1s",
            "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]},
            "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http_protocol_options": {"enable_trailers": true}},
            }},
        })
    };
    vec![cluster("upstream", Some(upstream)), cluster("refused", Some(refusing)), cluster("no-endpoint", None)]
}

/// The bootstrap around some listeners, which may be empty.
pub(super) fn bootstrap(listeners: &[Value], clusters: &[Value]) -> Value {
    json!({
        "node": {
            "id": "sidecar~10.0.0.1~shop-0.demo~demo.svc.cluster.local",
            "cluster": "shop.demo",
            "metadata": {"NAME": "shop-0", "NAMESPACE": "demo", "WORKLOAD_NAME": "shop", "ISTIO_VERSION": ISTIO_VERSION},
        },
        // Every request is checked for trace context, not one in a hundred.
        "layered_runtime": {"layers": [{"name": "harness", "static_layer": {"meshwhy.trace_check": 10_000}}]},
        "admin": {"address": socket(SocketAddr::from(([127, 0, 0, 1], 0)))},
        "static_resources": {"listeners": listeners, "clusters": clusters},
    })
}

fn routes() -> Vec<Value> {
    let to = |cluster: &str| json!({"cluster": cluster});
    let retry = json!({"retry_on": "5xx,reset,connect-failure", "num_retries": 2, "retry_back_off": {"base_interval": "0.001s"}});
    let redirect = json!({"max_internal_redirects": 3});
    vec![
        route("/refused", to("refused")),
        route("/no-endpoint", to("no-endpoint")),
        route("/no-cluster", to("missing")),
        route("/hang", json!({"timeout": "0.2s"})),
        route("/flaky", json!({"retry_policy": retry})),
        route("/redirect", json!({"internal_redirect_policy": redirect})),
        route("/redirect-loop", json!({"internal_redirect_policy": redirect})),
        route("/redirect-nowhere", json!({"internal_redirect_policy": redirect})),
        route(
            "/mirrored",
            json!({"request_mirror_policies": [{"cluster": "refused"}, {"cluster": "upstream"}, {"cluster": "missing"}]}),
        ),
        json!({"name": "retried", "match": {"path": "/retried"}, "route": {"cluster": "upstream", "prefix_rewrite": "/reset", "retry_policy": retry}}),
        json!({"name": "direct", "match": {"path": "/direct"}, "direct_response": {"status": 503, "body": {"inline_string": "closed"}}}),
        json!({"name": "nowhere", "match": {"path": "/nowhere"}, "direct_response": {"status": 404}}),
        json!({"name": "rest", "match": {"safe_regex": {"regex": "/[a-z0-9-]+(\\?.*)?"}}, "route": {"cluster": "upstream"}}),
    ]
}

fn route(path: &str, wishes: Value) -> Value {
    let mut action = json!({"cluster": "upstream"});
    overlay(&mut action, &wishes);
    json!({"name": path.trim_start_matches('/'), "match": {"path": path}, "route": action})
}

fn tunnel(host: &str, cluster: &str) -> Value {
    let mut matcher = json!({"connect_matcher": {}});
    if !host.is_empty() {
        overlay(&mut matcher, &json!({"headers": [{"name": ":authority", "string_match": {"prefix": host}}]}));
    }
    json!({"match": matcher, "route": {"cluster": cluster, "upgrade_configs": [{"upgrade_type": "CONNECT", "connect_config": {}}]}})
}

fn socket(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}})
}
