//! What `meshwhy-proxy` reads in the answers of a real Envoy's admin interface.

use std::net::TcpListener;

use anyhow::{Context, Result, ensure};
use meshwhy_core::Lang;
use meshwhy_integration::client::{self, request::ClientRequest};
use meshwhy_integration::envoy::{Envoy, locate};
use meshwhy_integration::{Deployment, RunDirectory, Scenario, Session, Setup};
use meshwhy_proxy::doctor::{Area, examine};
use meshwhy_proxy::matching::Truth;
use meshwhy_proxy::route::report::Outcome;
use meshwhy_proxy::route::{Question, Request, route};
use meshwhy_proxy::{AdminData, Clusters, ConfigDump};
use serde_json::{Value, json};

/// A port where nobody listens.
fn closed_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn bootstrap(closed: u16) -> Value {
    let endpoint = |ip: &str, status: &str| {
        let address = json!({"socket_address": {"address": ip, "port_value": closed}});
        json!({"endpoint": {"address": address}, "health_status": status})
    };
    let cluster = |name: &str, endpoints: Vec<Value>| {
        json!({
            "name": name, "type": "STATIC", "connect_timeout": "1s",
            "common_lb_config": {"healthy_panic_threshold": {}},
            "circuit_breakers": {"thresholds": [{"max_connections": 7, "max_requests": 9}]},
            "load_assignment": {"cluster_name": name, "endpoints": [{
                "locality": {"region": "eu", "zone": "a"}, "priority": 0, "lb_endpoints": endpoints,
            }]},
        })
    };
    let route = |prefix: &str, cluster: &str| json!({"match": {"prefix": prefix}, "route": {"cluster": cluster}});
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "way",
        "route_config": {"name": "80", "validate_clusters": false, "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
            route("/closed", "shop::closed"), route("/drained", "drained"), route("/missing", "missing"), route("/empty", "empty"),
        ]}]},
        "http_filters": [{
            "name": "envoy.filters.http.router",
            "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
        }],
    });
    json!({
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
        "static_resources": {
            "listeners": [{
                "name": "way",
                "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
                "filter_chains": [{"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}],
            }],
            "clusters": [
                cluster("shop::closed", vec![endpoint("127.0.0.1", "HEALTHY")]),
                cluster("drained", vec![endpoint("127.0.0.1", "DRAINING"), endpoint("127.0.0.2", "UNHEALTHY")]),
                cluster("empty", Vec::new()),
            ],
        },
    })
}

#[test]
fn both_forms_of_clusters_and_the_way_to_them() -> Result<()> {
    let directory = RunDirectory::new("admin")?;
    let envoy = Envoy::start(&locate()?, &bootstrap(closed_port()?), directory.path())?;
    let address = envoy.listener("way").context("no listener")?;
    for path in ["/closed", "/drained", "/missing", "/empty"] {
        let raw = format!("GET {path} HTTP/1.1\r\nhost: shop\r\n\r\n");
        let response = client::send(address, &ClientRequest::raw(raw), None)?.context("no answer")?;
        ensure!(response.status == 503, "{path}: {}", response.status);
    }
    let (text, form) = (envoy.admin("/clusters")?, envoy.admin("/clusters?format=json")?);
    let (text, form) = (Clusters::read(text.as_bytes()), Clusters::read(form.as_bytes()));
    ensure!(text.clusters.len() == 3 && text.faults.is_empty() && form.faults.is_empty(), "{text:#?}\n{form:#?}");
    for (name, status) in &text.clusters {
        ensure!(form.clusters.get(name) == Some(status), "{name}: {status:#?}\n{:#?}", form.clusters.get(name));
    }
    let closed = &text.clusters["shop::closed"];
    ensure!(closed.hosts[0].stats["cx_connect_fail"] >= 1 && closed.hosts[0].locality == "eu/a", "{closed:#?}");

    let dump_text = envoy.admin("/config_dump?include_eds")?;
    let dump = ConfigDump::read(dump_text.as_bytes());
    let ask = |path: &str, clusters: Option<&Clusters>| {
        let request = Request { method: "GET".into(), authority: "shop".into(), path: path.into(), ..Request::default() };
        route(&dump, clusters, &Question { request: &request, side: None, listener: Some("way"), lang: Lang::En }).outcome
    };
    for clusters in [None, Some(&text)] {
        let outcomes = ["/closed", "/drained", "/missing", "/empty"].map(|path| ask(path, clusters));
        // That a port is closed is no news before somebody connects; the counters say it.
        let expected = [Outcome::Forwarded, Outcome::NoEndpoint, Outcome::NoCluster, Outcome::NoEndpoint];
        ensure!(outcomes == expected, "{clusters:?}: {outcomes:?}");
    }
    let (stats, info) = (envoy.admin("/stats")?, envoy.admin("/server_info")?);
    let clusters = envoy.admin("/clusters")?;
    let data = AdminData {
        clusters: Some(clusters.as_bytes()),
        stats: Some(stats.as_bytes()),
        server_info: Some(info.as_bytes()),
        ..AdminData::default()
    };
    let report = examine(&dump, &data, None, "2026-11-22T00:00:00Z".parse()?, Lang::En);
    let wrong: Vec<&str> = report.examined.iter().filter(|it| it.good == Truth::No).map(|it| it.what.as_str()).collect();
    let says = |start: &str, end: &str| wrong.iter().any(|what| what.starts_with(start) && what.ends_with(end));
    ensure!(says("shop::closed: 1 of 1 connections to", "failed since the proxy started"), "{wrong:?}");
    ensure!(says("drained: 2 of 2 endpoints left alone", ")") && says("no access log in way", ""), "{wrong:?}");
    ensure!(report.examined.iter().any(|it| it.what == "the proxy is live"), "{report:#?}");
    Ok(())
}

const SCENARIO: &str = "
summary: Any.
upstream: http
";

#[test]
fn each_deployment_is_recognised() -> Result<()> {
    let scenario = Scenario::parse("any", SCENARIO)?;
    for (deployment, expected) in
        [(Deployment::Observe, "observe"), (Deployment::Annotate, "annotate"), (Deployment::Native, "native")]
    {
        Session::start(std::slice::from_ref(&scenario), &Setup::new(deployment))?.check(|session| {
            let (dump, stats) = (session.envoy().admin("/config_dump")?, session.envoy().admin("/stats")?);
            let dump = ConfigDump::read(dump.as_bytes());
            let data = AdminData { stats: Some(stats.as_bytes()), ..AdminData::default() };
            let report = examine(&dump, &data, None, "2026-11-22T00:00:00Z".parse()?, Lang::En);
            let lines: Vec<_> = report.examined.iter().filter(|it| it.area == Area::Module).collect();
            ensure!(lines[0].what.starts_with(&format!("attached as {expected}")), "{lines:#?}");
            ensure!(lines.iter().all(|it| it.good == Truth::Yes), "{lines:#?}");
            Ok(())
        })?;
    }
    Ok(())
}
