//! The listeners that istiod makes.

use serde_json::{Map, Value, json};

use super::cluster::outbound_name;
use super::filters;
use crate::bootstrap::JSON;
use crate::certificates::Certificates;
use crate::merge::overlay;

const MANAGER: &str = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const TCP_PROXY: &str = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";

/// What a server's sidecar takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerAuthentication {
    /// Mutual TLS and plaintext.
    Permissive,
    /// Mutual TLS.
    Strict,
    /// Plaintext.
    Disable,
}

/// The access log that the mesh configuration asks for, `proxy_status` being where a proxy has it.
fn access_log(proxy_status: &str) -> Value {
    let fields = JSON.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value)));
    let fields: Map<_, _> = fields.chain([("proxy_status".to_owned(), proxy_status.into())]).collect();
    json!({"name": "envoy.access_loggers.file", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
        "path": "/dev/stdout",
        "log_format": {"json_format": fields},
    }})
}

fn listener(name: &str, direction: &str, filter_chains: &[Value]) -> Value {
    let mut log = access_log("%RESP(PROXY-STATUS)%");
    overlay(&mut log, &json!({"filter": {"response_flag_filter": {"flags": ["NR"]}}}));
    let inspect = filter_chains.iter().any(|chain| {
        chain.pointer("/filter_chain_match/transport_protocol").is_some()
            || chain.pointer("/filter_chain_match/server_names").is_some()
    });
    let inspectors = if inspect {
        json!([{"name": "envoy.filters.listener.tls_inspector", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
            "initial_read_buffer_size": 512,
        }}])
    } else {
        json!([])
    };
    json!({
        "name": name,
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": filter_chains,
        "listener_filters": inspectors,
        "listener_filters_timeout": "0s",
        "traffic_direction": direction,
        "continue_on_listener_filters_timeout": true,
        "access_log": [log],
        "max_connections_to_accept_per_socket_event": 1,
    })
}

fn connection_manager(stat_prefix: &str, route_config: Value, policies: Vec<Value>, more: &Value, proxy_status: &str) -> Value {
    let mut config = json!({
        "@type": MANAGER,
        "stat_prefix": stat_prefix,
        "route_config": route_config,
        "http_filters": filters::chain(policies),
        "access_log": [access_log(proxy_status)],
        "use_remote_address": false,
        "proxy_100_continue": true,
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "stream_idle_timeout": "0s",
        "normalize_path": true,
        "request_id_extension": {"typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig",
            "use_request_id_for_trace_sampling": true,
        }},
        "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
    });
    overlay(&mut config, more);
    json!({"name": "envoy.filters.network.http_connection_manager", "typed_config": config})
}

fn tcp_proxy(cluster: &str) -> Value {
    json!({"name": "envoy.filters.network.tcp_proxy", "typed_config": {
        "@type": TCP_PROXY,
        "stat_prefix": cluster,
        "cluster": cluster,
        "access_log": [access_log("%RESP(PROXY-STATUS)%")],
    }})
}

/// Mutual TLS as a server's sidecar asks for it.
fn mutual_tls(certificates: &Certificates) -> Value {
    let (certificate, key) = certificates.workload("shop");
    json!({"name": "envoy.transport_sockets.tls", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": {
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_2", "tls_maximum_protocol_version": "TLSv1_3"},
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_certificates": [{"certificate_chain": {"filename": certificate}, "private_key": {"filename": key}}],
            "validation_context": {
                "trusted_ca": {"filename": certificates.authority()},
                "match_typed_subject_alt_names": [{"san_type": "URI", "matcher": {"prefix": "spiffe://cluster.local/"}}],
            },
        },
        "require_client_certificate": true,
    }})
}

/// A port of the workload; `policies` are of HTTP ports, and without them the port speaks something else.
pub fn inbound(port: u16, mode: PeerAuthentication, policies: Option<Vec<Value>>, certificates: &Certificates) -> Value {
    let cluster = format!("inbound|{port}||");
    let name = format!("10.245.90.20_{port}");
    let filter = match policies {
        None => tcp_proxy(&cluster),
        Some(policies) => {
            let routes = json!({
                "name": cluster,
                "virtual_hosts": [{"name": format!("inbound|http|{port}"), "domains": ["*"], "routes": [{
                    "name": "default",
                    "match": {"prefix": "/"},
                    "route": {
                        "cluster": cluster,
                        "timeout": "0s",
                        "retry_policy": {"retry_on": "reset-before-request", "num_retries": 2},
                        "max_stream_duration": {"max_stream_duration": "0s", "grpc_timeout_header_max": "0s"},
                    },
                    "decorator": {"operation": format!("shop.demo.svc.cluster.local:{port}/*")},
                }]}],
                "validate_clusters": false,
            });
            let more = json!({
                "server_name": "istio-envoy",
                "forward_client_cert_details": "APPEND_FORWARD",
                "set_current_client_cert_details": {"subject": true, "dns": true, "uri": true},
            });
            connection_manager(&format!("inbound_{name};"), routes, policies, &more, "%RESP(PROXY-STATUS)%")
        }
    };
    let tls = |matching: Value| json!({"filter_chain_match": matching, "filters": [filter], "transport_socket": mutual_tls(certificates), "name": name});
    let istio = json!({
        "transport_protocol": "tls",
        "application_protocols": ["istio", "istio-peer-exchange", "istio-http/1.0", "istio-http/1.1", "istio-h2"],
    });
    let chains = match mode {
        PeerAuthentication::Permissive => vec![
            tls(istio),
            json!({"filter_chain_match": {"transport_protocol": "raw_buffer"}, "filters": [filter], "name": format!("{name}_plain")}),
        ],
        PeerAuthentication::Strict => vec![tls(json!({"transport_protocol": "tls"}))],
        PeerAuthentication::Disable => vec![json!({"filters": [filter], "name": name})],
    };
    listener(&name, "INBOUND", &chains)
}

/// `virtualInbound`: what no port of the workload's takes.
pub fn virtual_inbound(certificates: &Certificates) -> Value {
    let cluster = "InboundPassthroughCluster";
    let routes = json!({
        "name": cluster,
        "virtual_hosts": [{"name": "inbound|http|0", "domains": ["*"], "routes": [{
            "name": "default",
            "match": {"prefix": "/"},
            "route": {"cluster": cluster, "timeout": "0s"},
            "decorator": {"operation": ":0/*"},
        }]}],
        "validate_clusters": false,
    });
    let more = json!({"server_name": "istio-envoy", "forward_client_cert_details": "APPEND_FORWARD"});
    let http = connection_manager("inbound_0.0.0.0_0;", routes, Vec::new(), &more, "%RESP(PROXY-STATUS)%");
    let istio = json!(["istio", "istio-peer-exchange", "istio-http/1.0", "istio-http/1.1", "istio-h2"]);
    let chains = [
        json!({"filter_chain_match": {"destination_port": 15006}, "filters": [tcp_proxy("BlackHoleCluster")], "name": "virtualInbound-blackhole"}),
        json!({
            "filter_chain_match": {"transport_protocol": "tls", "application_protocols": istio},
            "filters": [http],
            "transport_socket": mutual_tls(certificates),
            "name": "virtualInbound-catchall-http",
        }),
        json!({
            "filter_chain_match": {"transport_protocol": "raw_buffer", "application_protocols": ["http/1.1", "h2c"]},
            "filters": [http],
            "name": "virtualInbound-catchall-http",
        }),
        json!({"filter_chain_match": {"transport_protocol": "raw_buffer"}, "filters": [tcp_proxy(cluster)], "name": "virtualInbound"}),
    ];
    let mut listener = listener("virtualInbound", "INBOUND", &chains);
    if let Some(filters) = listener.get_mut("listener_filters").and_then(Value::as_array_mut) {
        filters.push(json!({"name": "envoy.filters.listener.http_inspector", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.listener.http_inspector.v3.HttpInspector",
        }}));
    }
    listener
}

/// A virtual host with a route for each prefix to a service.
pub fn virtual_host(host: &str, port: u16, prefix: &str, more: &Value) -> Value {
    let mut route = json!({
        "name": "default",
        "match": {"prefix": prefix},
        "route": {
            "cluster": outbound_name(host, port),
            "timeout": "0s",
            "retry_policy": {
                "retry_on": "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes",
                "num_retries": 2,
                "retry_host_predicate": [{"name": "envoy.retry_host_predicates.previous_hosts", "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
                }}],
                "host_selection_retry_max_attempts": "5",
            },
            "max_grpc_timeout": "0s",
        },
        "decorator": {"operation": format!("{host}:{port}/*")},
    });
    overlay(&mut route, more);
    json!({"name": format!("{host}:{port}"), "domains": [host], "routes": [route], "include_request_attempt_count": true})
}

/// What a sidecar does with hosts that it does not know.
pub fn unknown_hosts(allowed: bool) -> Value {
    let (name, route) = if allowed {
        ("allow_any", json!({"route": {"cluster": "PassthroughCluster", "timeout": "0s", "max_grpc_timeout": "0s"}}))
    } else {
        ("block_all", json!({"direct_response": {"status": 502}}))
    };
    let mut whole = json!({"name": name, "match": {"prefix": "/"}});
    overlay(&mut whole, &route);
    json!({"name": name, "domains": ["*"], "routes": [whole], "include_request_attempt_count": true})
}

fn route_configuration(name: &str, virtual_hosts: &[Value]) -> Value {
    json!({
        "name": name,
        "virtual_hosts": virtual_hosts,
        "validate_clusters": false,
        "max_direct_response_body_size_bytes": 1_048_576,
        "ignore_port_in_host_matching": true,
    })
}

/// A port on which a sidecar takes HTTP from its workload.
pub fn outbound_http(port: u16, virtual_hosts: &[Value]) -> Value {
    let name = format!("0.0.0.0_{port}");
    let routes = route_configuration(&port.to_string(), virtual_hosts);
    let manager = connection_manager(&format!("outbound_{name};"), routes, Vec::new(), &json!({}), "%RESP(PROXY-STATUS)%");
    listener(&name, "OUTBOUND", &[json!({"filters": [manager], "transport_socket_connect_timeout": "15s"})])
}

/// An address for which a sidecar takes bytes from its workload.
pub fn outbound_tcp(name: &str, cluster: &str) -> Value {
    listener(name, "OUTBOUND", &[json!({"filters": [tcp_proxy(cluster)], "transport_socket_connect_timeout": "15s"})])
}

/// `virtualOutbound`: what no other listener takes.
pub fn virtual_outbound(catch_all: &str) -> Value {
    let chains = [
        json!({"filter_chain_match": {"destination_port": 15001}, "filters": [tcp_proxy("BlackHoleCluster")], "name": "virtualOutbound-blackhole"}),
        json!({"filters": [tcp_proxy(catch_all)], "name": "virtualOutbound-catchall-tcp"}),
    ];
    listener("virtualOutbound", "OUTBOUND", &chains)
}

fn gateway_manager(stat_prefix: &str, routes: Value, withheld: &str) -> Value {
    let more = json!({
        "server_name": "istio-envoy",
        "use_remote_address": true,
        "forward_client_cert_details": "SANITIZE_SET",
        "set_current_client_cert_details": {"subject": true, "cert": true, "dns": true, "uri": true},
    });
    connection_manager(stat_prefix, routes, Vec::new(), &more, withheld)
}

/// A gateway's server for plaintext, whose access log has what this command operator gives.
pub fn gateway_http(virtual_hosts: &[Value], withheld: &str) -> Value {
    let manager = gateway_manager("outbound_0.0.0.0_8080;", route_configuration("http.8080", virtual_hosts), withheld);
    listener("0.0.0.0_8080", "OUTBOUND", &[json!({"filters": [manager], "transport_socket_connect_timeout": "15s"})])
}

/// A gateway's servers on one port for TLS: one that passes bytes on, one for HTTP.
pub fn gateway_https(
    passthrough: &str,
    hosts: &[&str],
    virtual_hosts: &[Value],
    withheld: &str,
    placeholders: &[(&str, String)],
) -> Value {
    let routes = route_configuration("https.8443.https.edge.demo", virtual_hosts);
    let path = |word: &str| placeholders.iter().find(|(name, _)| *name == word).map(|(_, path)| path.clone());
    let tls = json!({"name": "envoy.transport_sockets.tls", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": {
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_certificates": [{
                "certificate_chain": {"filename": path("{{server_cert}}")},
                "private_key": {"filename": path("{{server_key}}")},
            }],
        },
        "require_client_certificate": false,
    }});
    let chains = [
        json!({
            "filter_chain_match": {"server_names": ["vpn.demo"]},
            "filters": [tcp_proxy(passthrough)],
            "transport_socket_connect_timeout": "15s",
        }),
        json!({
            "filter_chain_match": {"server_names": hosts},
            "filters": [gateway_manager("outbound_0.0.0.0_8443;", routes, withheld)],
            "transport_socket": tls,
            "transport_socket_connect_timeout": "15s",
        }),
    ];
    listener("0.0.0.0_8443", "OUTBOUND", &chains)
}
