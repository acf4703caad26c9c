//! Examinations of the dumps of real proxies.

#![expect(clippy::unwrap_used, reason = "a broken dump must fail loudly")]

use jiff::Timestamp;
use meshwhy_core::Lang;
use meshwhy_proxy::doctor::{Area, DoctorReport, examine};
use meshwhy_proxy::matching::Truth;
use meshwhy_proxy::{AdminData, ConfigDump};

const SERVER: &str = include_str!("data/server-sidecar-inbound.json");

fn examined(dump: &str, data: &AdminData<'_>, now: &str) -> DoctorReport {
    let dump = ConfigDump::read(dump.as_bytes());
    examine(&dump, data, None, now.parse::<Timestamp>().unwrap(), Lang::En)
}

fn lines(report: &DoctorReport, area: Area) -> Vec<(Truth, &str)> {
    report.examined.iter().filter(|one| one.area == area).map(|one| (one.good, one.what.as_str())).collect()
}

#[test]
fn a_certificate_is_judged_by_the_time_of_the_dump() {
    let begins = |report: &DoctorReport, start: &str| {
        let lines = lines(report, Area::Certificates);
        lines.into_iter().find(|(_, what)| what.starts_with(start)).map(|(good, _)| good)
    };
    let report = examined(SERVER, &AdminData::default(), "2026-11-22T00:00:00Z");
    assert_eq!(begins(&report, "`default` valid until 2027-11-21"), Some(Truth::Yes));
    assert_eq!(begins(&report, "`default` is for spiffe://cluster.local/ns/shop/sa/orders"), Some(Truth::Yes));
    // An old dump says nothing of today.
    let report = examined(SERVER, &AdminData::default(), "2028-01-01T00:00:00Z");
    assert_eq!(begins(&report, "`default` was valid until 2027-11-21"), Some(Truth::Unknown));
    // A proxy that takes updates and still has it does use it.
    let later = SERVER.replace("2026-11-21T07:17:51.786Z", "2028-01-01T00:00:00.000Z");
    let report = examined(&later, &AdminData::default(), "2028-01-01T00:00:00Z");
    assert_eq!(begins(&report, "`default` expired at 2027-11-21"), Some(Truth::No));
    let other = SERVER.replace("\"SERVICE_ACCOUNT\": \"orders\"", "\"SERVICE_ACCOUNT\": \"other\"");
    assert_ne!(other, SERVER);
    let report = examined(&other, &AdminData::default(), "2026-11-22T00:00:00Z");
    assert_eq!(begins(&report, "`default` is for spiffe://cluster.local/ns/shop/sa/orders, and the proxy is"), Some(Truth::No));
}

#[test]
fn endpoints_breakers_and_the_control_plane_are_looked_at() {
    let clusters = "a::10.0.0.1:80::cx_connect_fail::4\na::10.0.0.1:80::cx_total::4\na::10.0.0.1:80::health_flags::/failed_outlier_check\n\
        a::10.0.0.2:80::health_flags::healthy\n";
    let stats = "cluster.a.circuit_breakers.default.rq_open: 1\ncluster.b.circuit_breakers.default.rq_open: 0\ncontrol_plane.connected_state: 0\n";
    let data = AdminData {
        clusters: Some(clusters.as_bytes()),
        stats: Some(stats.as_bytes()),
        server_info: None,
        ..AdminData::default()
    };
    let report = examined(SERVER, &data, "2026-11-22T00:00:00Z");
    assert_eq!(
        lines(&report, Area::Connections),
        [
            (Truth::No, "a: 4 of 4 connections to 10.0.0.1:80 failed since the proxy started"),
            (Truth::Unknown, "a: 1 of 2 endpoints left alone (failed_outlier_check)"),
            (Truth::No, "a: a circuit breaker is open (rq_open)"),
        ]
    );
    assert!(lines(&report, Area::Configuration).contains(&(Truth::No, "no connection to the control plane")));
    assert!(report.is_failure());
}

#[test]
fn a_proxy_without_access_log_hides_failures() {
    let silent = SERVER.replace("\"access_log\"", "\"no_access_log\"");
    let report = examined(&silent, &AdminData::default(), "2026-11-22T00:00:00Z");
    let (good, what) = lines(&report, Area::Telemetry)[0];
    assert_eq!((good, what), (Truth::No, "no access log in 10.245.90.20_8301, 127.0.0.1_8301"));
}

#[test]
fn what_envoy_writes_for_meshwhy_is_a_log_and_a_module_is_none() {
    let with = |kind: &str| {
        let ours = format!(
            r#""no_access_log":[],"access_log":[{{"name":"meshwhy","typed_config":{{"@type":"type.googleapis.com/{kind}","x":"meshwhy.record"}}}}],"http_filters": ["#
        );
        SERVER.replace("\"access_log\"", "\"no_access_log\"").replace("\"http_filters\": [", &ours)
    };
    let judged = |dump: &str| lines(&examined(dump, &AdminData::default(), "2026-11-22T00:00:00Z"), Area::Telemetry)[0].0;
    assert_eq!(judged(&with("envoy.extensions.access_loggers.stream.v3.StdoutAccessLog")), Truth::Yes);
    assert_eq!(judged(&with("envoy.extensions.access_loggers.wasm.v3.WasmAccessLog")), Truth::No);
}

#[test]
fn limits_and_failed_connections_are_listed_worst_first() {
    let clusters = "a::default_priority::max_pending_requests::5\na::default_priority::max_connections::10\na::10.0.0.1:80::health_flags::healthy\n";
    let stats = "cluster.a.upstream_rq_pending_overflow: 3\ncluster.b.upstream_rq_retry_overflow: 7\ncluster.a.upstream_cx_active: 8\n\
        cluster.a.upstream_rq_pending_active: 1\ncluster.a.upstream_cx_total: 9\ncluster.a.ssl.fail_verify_san: 9\ncluster.a.upstream_cx_connect_fail: 9\n\
        cluster.b.ssl.connection_error: 12\ncluster.b.upstream_cx_total: 100\ncluster.c.upstream_cx_connect_fail: 4\n";
    let data = AdminData { clusters: Some(clusters.as_bytes()), stats: Some(stats.as_bytes()), ..AdminData::default() };
    let report = examined(SERVER, &data, "2026-11-22T00:00:00Z");
    assert_eq!(
        lines(&report, Area::Connections),
        [
            (Truth::Unknown, "b: connections failed since the proxy started: ssl.connection_error 12; of 100"),
            (Truth::No, "a: connections failed since the proxy started: ssl.fail_verify_san 9, upstream_cx_connect_fail 9; of 9"),
            (Truth::Unknown, "b: the limit max_retries was reached 7 times since the proxy started"),
            (Truth::Unknown, "a: the limit max_pending_requests (5) was reached 3 times since the proxy started"),
            (Truth::Unknown, "a: 8 of 10 used (max_connections)"),
        ]
    );
    let data = AdminData { clusters: None, ..data };
    let report = examined(SERVER, &data, "2026-11-22T00:00:00Z");
    assert!(lines(&report, Area::Connections).iter().any(|(_, what)| what.starts_with("c: connections failed")));
}

#[test]
fn a_filter_of_the_access_log_is_judged_by_the_failures_that_it_hides() {
    let judged = |filter: &str| {
        let loggers = format!("\"access_log\": [{{\"name\": \"a\", \"filter\": {filter}}}], \"old_access_log\"");
        let dump = SERVER.replace("\"access_log\"", &loggers);
        let report = examined(&dump, &AdminData::default(), "2026-11-22T00:00:00Z");
        lines(&report, Area::Telemetry).first().map(|(good, what)| (*good, (*what).to_owned())).unwrap()
    };
    let status = |op: &str, value: u32| {
        format!(
            r#"{{"status_code_filter":{{"comparison":{{"op":"{op}","value":{{"default_value":{value},"runtime_key":"x"}}}}}}}}"#
        )
    };
    let (flags, server) = (r#"{"response_flag_filter":{}}"#, status("GE", 500));
    let (good, what) = judged(&server);
    assert_eq!(
        (good, what.ends_with("hides failures: no status (0), 4xx with a response flag, 4xx without one")),
        (Truth::No, true),
        "{what}"
    );
    // What the application answers is left out on purpose, perhaps.
    let or = |one: &str, other: &str| format!(r#"{{"or_filter":{{"filters":[{one},{other}]}}}}"#);
    let (good, what) = judged(&or(flags, &server));
    assert_eq!((good, what.ends_with("hides failures: 4xx without one")), (Truth::Unknown, true), "{what}");
    assert_eq!(judged(&or(flags, &status("GE", 400))).0, Truth::Yes);
    assert_eq!(judged(&format!(r#"{{"and_filter":{{"filters":[{flags},{server}]}}}}"#)).0, Truth::No);
    assert_eq!(judged(flags).0, Truth::No);
    let cel = r#"{"extension_filter":{"name":"cel","typed_config":{"@type":"x","expression":"response.code > 499"}}}"#;
    let (good, what) = judged(cel);
    assert_eq!((good, what.ends_with("`response.code > 499`")), (Truth::Unknown, true), "{what}");
}
