//! What is counted once, what is joined, and what never breaks.

use meshwhy_diagnose::Analysis;

const LINE: &str = r#"[2026-11-21T06:36:37.876Z] "GET /a HTTP/1.1" 503 NC cluster_not_found - "-" 0 0 0 - "-" "curl" "RID" "shop:80" "-" - - 10.96.59.2:8900 10.244.22.9:50007 - -"#;

const RECORD: &str = r#"meshwhy1 {"meshwhy.record":"1","meshwhy.code":"MW2003","envoy.request_id":"RID","count":1,"http.response.status_code":503,"envoy.response_flags":"NC","envoy.response_code_details":"cluster_not_found","server.address":"shop:80"}"#;

fn record(id: Option<&str>, count: u64) -> String {
    let id = id.map(|id| format!(r#""envoy.request_id":"{id}","#)).unwrap_or_default();
    format!(
        r#"meshwhy1 {{"meshwhy.record":"1","meshwhy.code":"MW2003",{id}"count":{count},"suppressed":{},"http.response.status_code":503,"envoy.response_flags":"NC","envoy.response_code_details":"cluster_not_found","server.address":"shop:80"}}"#,
        count - 1
    )
}

fn counts(lines: &[String]) -> Vec<(&'static str, u64)> {
    let analysis = Analysis::of(lines.join("\n").as_bytes());
    analysis.groups.iter().map(|group| (group.verdict.cause.slug, group.count)).collect()
}

fn line(id: &str) -> String {
    LINE.replace("RID", id)
}

#[test]
fn a_record_and_the_access_log_line_of_its_request_count_once() {
    assert_eq!(counts(&[line("r1"), record(Some("r1"), 1)]), [("no-cluster", 1)]);
    assert_eq!(counts(&[record(Some("r1"), 1), line("r1"), line("r2")]), [("no-cluster", 2)]);
}

#[test]
fn a_record_covers_as_many_lines_without_request_id_as_it_counts() {
    let lines: Vec<String> = (0..7).map(|_| line("-")).chain([record(None, 5)]).collect();
    assert_eq!(counts(&lines), [("no-cluster", 7)]);
    let lines: Vec<String> = (0..3).map(|_| line("-")).chain([record(None, 5)]).collect();
    assert_eq!(counts(&lines), [("no-cluster", 5)]);
}

#[test]
fn two_proxies_never_cover_each_other() {
    let lines = [format!("[pod/a/istio-proxy] {}", line("r1")), format!("[pod/b/istio-proxy] {}", record(Some("r1"), 1))];
    assert_eq!(counts(&lines).iter().map(|(_, count)| count).sum::<u64>(), 2);
}

#[test]
fn a_native_record_counts_where_no_record_of_the_module_does() {
    let native = |id| record(Some(id), 1).trim_start_matches("meshwhy1 ").to_owned();
    assert_eq!(counts(&[native("r1"), line("r1")]), [("no-cluster", 1)]);
    assert_eq!(counts(&[native("r1"), line("r1"), record(Some("r1"), 1), native("r2")]), [("no-cluster", 2)]);
}

#[test]
fn a_record_of_an_unknown_cause_still_counts() {
    let later = record(None, 2).replace("MW2003", "MW9999").replace("cluster_not_found", "later_word").replace("\"NC\"", "\"-\"");
    assert_eq!(counts(&[later]), [("unknown", 2)]);
}

#[test]
fn more_kinds_of_failures_than_memory_allows_are_counted() {
    let lines: Vec<String> = (0..10_050).map(|at| line(&format!("r{at}")).replace("shop:80", &format!("shop{at}:80"))).collect();
    let analysis = Analysis::of(lines.join("\n").as_bytes());
    assert_eq!((analysis.groups.len(), analysis.tally.ungrouped), (10_000, 50));
}

#[test]
fn a_megabyte_of_binary_is_counted_and_nothing_else() {
    let mut state = 1_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    let bytes: Vec<u8> = (0..1024 * 1024).map(|_| random()).collect();
    let analysis = Analysis::of(&bytes);
    assert!(!analysis.recognised());
    assert!(analysis.groups.is_empty());
    assert!(!Analysis::of(&vec![0; 1024 * 1024]).recognised());
}

/// Recorded: the module's two records of one request, the application's error and that it came without trace context.
#[test]
fn a_request_without_trace_context_does_not_explain_its_error() {
    let request = r#""meshwhy.side":"outbound","envoy.upstream_cluster":"upstream","http.request.method":"GET","url.path":"/error","envoy.request_id":"b024c220-ec17-483c-9155-2a1b1fb7da6d","k8s.pod.name":"shop-0"}"#;
    let error = r#"meshwhy1 {"meshwhy.record":"1","meshwhy.code":"MW5004","count":1,"http.response.status_code":500,"envoy.response_code_details":"via_upstream","#;
    let event = r#"meshwhy1 {"meshwhy.record":"1","meshwhy.code":"MW8001","count":1,"meshwhy.event":"trace_context_missing","#;
    assert_eq!(
        counts(&[format!("{event}{request}"), format!("{error}{request}")]),
        [("trace-context-missing", 1), ("app-error", 1)]
    );
}

fn answered(method: &str, path: &str, version: &str, grpc: u32) -> Vec<(&'static str, u64)> {
    let record = format!(
        r#"meshwhy1 {{"meshwhy.record":"1","meshwhy.code":"MW5009","count":1,"http.response.status_code":200,"envoy.response_flags":"DI","rpc.grpc.status_code":{grpc},"network.protocol.version":"{version}","envoy.response_code_details":"via_upstream","http.request.method":"{method}","url.path":"{path}"}}"#
    );
    counts(&[record])
}

#[test]
fn the_grpc_status_that_a_module_read_off_a_plain_200_is_none() {
    assert_eq!(answered("GET", "/items", "1.1", 2), []);
    assert_eq!(answered("GET", "/shop/items", "2", 2), []);
    assert_eq!(answered("POST", "/shop/items", "1.1", 2), []);
    assert_eq!(answered("POST", "/items", "2", 2), []);
    for (version, path, status) in [("2", "/tax.Tax/Refund", 2), ("1.1", "/tax.Tax/Refund", 2), ("1.1", "/items", 12)] {
        assert_eq!(answered("POST", path, version, status), [("grpc-error", 1)], "{version} {path} {status}");
    }
}

#[test]
fn a_record_of_plaintext_that_a_permissive_port_took_is_no_failure() {
    let inspected = |flags| {
        let reason = "TLS_error|error:1000009c:SSL routines:OPENSSL_internal:HTTP_REQUEST:TLS_error_end";
        format!(
            r#"meshwhy1 {{"meshwhy.record":"1","meshwhy.code":"MW4002","count":4,"envoy.response_flags":"{flags}","envoy.downstream_transport_failure_reason":"{reason}","envoy.downstream_local_address":"10.0.0.1:80"}}"#
        )
    };
    assert_eq!(counts(&[inspected("-")]), []);
    assert_eq!(counts(&[inspected("NR")]), [("plaintext-to-tls-port", 4)]);
}

#[test]
fn a_record_of_a_tcp_connection_is_judged_as_its_line() {
    let line = r#"[2026-11-26T13:06:03.913Z] "- - -" 0 FLAGS - - "-" 7 0 DURATION - "-" "-" "-" "-" "10.0.0.9:5432" outbound|5432||db.shop.svc.cluster.local 10.0.0.5:40000 10.96.0.9:5432 10.0.0.5:50000 - -"#;
    let record = r#"meshwhy1 {"meshwhy.record":"1","count":1,"meshwhy.side":"outbound","envoy.response_flags":"FLAGS","envoy.upstream_cluster":"outbound|5432||db.shop.svc.cluster.local","envoy.upstream_host":"10.0.0.9:5432","envoy.upstream_local_address":"10.0.0.5:40000","envoy.downstream_local_address":"10.96.0.9:5432","envoy.downstream_remote_address":"10.0.0.5:50000"}"#;
    for (flags, duration, slug) in [
        ("UR", "12", "upstream-closed-connection"),
        ("UF,URX", "403", "upstream-connection-timeout"),
        ("NR", "0", "no-filter-chain"),
    ] {
        let line = line.replace("FLAGS", flags).replace("DURATION", duration);
        let record = record.replace("FLAGS", flags);
        assert_eq!(counts(std::slice::from_ref(&line)), [(slug, 1)], "{line}");
        assert_eq!(counts(std::slice::from_ref(&record)), [(slug, 1)], "{record}");
        assert_eq!(counts(&[record, line]), [(slug, 1)]);
    }
}

/// A line of a pod: who is on both sides, what came of it, and the request.
fn hop(pod: &str, outcome: &str, request: &str, upstream: [&str; 2], downstream: [&str; 2]) -> String {
    let (method, id) = if request == "-" { ("- - -", "-") } else { ("GET /a HTTP/1.1", request) };
    let cluster = if pod == "web" { "outbound|80||db.shop.svc.cluster.local" } else { "inbound|80||" };
    format!(
        r#"[pod/{pod}/istio-proxy] [2026-11-26T13:06:03.913Z] "{method}" {outcome} - "-" 7 0 9 - "-" "-" "{id}" "-" "{}" {cluster} {} {} {} - -"#,
        upstream[1], upstream[0], downstream[1], downstream[0]
    )
}

#[test]
fn a_connection_that_the_server_cut_is_the_servers() {
    let app = ["10.0.0.5:50000", "10.96.0.9:80"];
    let mesh = ["10.0.0.5:40000", "10.0.0.9:80"];
    let own = ["127.0.0.6:1", "10.0.0.9:80"];
    // TCP: the server's application refuses, the caller sees a reset.
    let server =
        hop("db", "0 UF,URX -", "-", own, mesh).replace(r#" "-" 7"#, r#" "delayed_connect_error:_Connection_refused" 7"#);
    let caller = hop("web", "0 UR -", "-", mesh, app);
    assert_eq!(counts(&[caller.clone(), server]), [("upstream-connection-refused", 1)]);
    // HTTP: the application cuts its response short, and each hop passes that on.
    let cut = "200 UC upstream_reset_after_response_started{connection_termination}";
    let lines = [hop("web", cut, "r1", mesh, app), hop("db", cut, "r1", own, mesh)];
    assert_eq!(counts(&lines), [("upstream-closed-connection", 1)]);
    let drained = hop("db", "0 DC downstream_local_disconnect(filter_chain_is_being_removed)", "r1", own, mesh);
    let reset = hop("web", "503 UC upstream_reset_before_response_started{connection_termination}", "r1", mesh, app);
    assert_eq!(counts(&[reset.clone(), drained]), [("listener-drain", 1)]);
    // Another connection of the same server explains nothing.
    let other = hop("db", "0 NC -", "-", own, ["10.0.0.5:40001", "10.0.0.9:80"]);
    assert_eq!(counts(&[caller, other]).len(), 2);
}

#[test]
fn a_caller_that_hangs_up_is_told_once() {
    let app = ["10.0.0.5:50000", "10.96.0.9:80"];
    let mesh = ["10.0.0.5:40000", "10.0.0.9:80"];
    let own = ["127.0.0.6:1", "127.0.0.1:8080"];
    let gone = hop("db", "0 DC downstream_remote_disconnect", "r1", own, mesh);
    let tried = [gone.clone(), hop("web", "504 UT upstream_per_try_timeout", "r1", mesh, app), gone.clone()];
    assert_eq!(counts(&tried), [("request-timeout", 1)]);
    assert_eq!(
        counts(&[hop("web", "0 DC downstream_remote_disconnect", "r1", mesh, app), gone.clone()]),
        [("downstream-disconnect", 1)]
    );
    // Of another request it is a failure of its own.
    assert_eq!(counts(&[hop("web", "504 UT response_timeout", "r2", mesh, app), gone]).len(), 2);
}

#[test]
fn clocks_that_are_apart_part_no_hops() {
    let app = ["10.0.0.5:50000", "10.96.0.9:80"];
    let mesh = ["10.0.0.5:40000", "10.0.0.9:80"];
    let own = ["127.0.0.6:1", "127.0.0.1:8080"];
    let gone = hop("db", "0 DC downstream_remote_disconnect", "r1", own, mesh);
    let caller = hop("web", "504 UT response_timeout", "r1", mesh, app);
    for time in ["2026-11-26T11:06:03.913Z", "2026-11-27T13:06:03.913Z", "2038-01-19T03:14:08Z", "1970-01-01T00:00:00Z"] {
        let apart = gone.replace("2026-11-26T13:06:03.913Z", time);
        assert_eq!(counts(&[caller.clone(), apart.clone()]), [("request-timeout", 1)], "{time}");
        assert_eq!(counts(&[apart, caller.clone()]), [("request-timeout", 1)], "{time}");
    }
}

#[test]
fn lines_that_all_claim_one_request_cost_no_more_than_others() {
    let app = ["10.0.0.5:50000", "10.96.0.9:80"];
    let gone = |at: usize| hop(&format!("p{at}"), "0 DC downstream_remote_disconnect", "r1", app, app);
    let lines: Vec<String> = (0..5_000).map(gone).collect();
    // However they point at each other, somebody speaks.
    assert_eq!(counts(&lines), [("downstream-disconnect", 1)]);
}

#[test]
fn a_stream_that_closes_again_at_once_is_no_routine() {
    let closed = |seconds: &[u32]| {
        let line = |second: &u32| {
            format!(
                "2026-11-21T10:00:{second:02}.000001Z\twarning\tenvoy config\tStreamAggregatedResources gRPC config stream closed: 14, \n"
            )
        };
        let log: String = seconds.iter().map(line).collect();
        Analysis::of(log.as_bytes()).groups.iter().map(|group| group.verdict.cause.slug).collect::<Vec<_>>()
    };
    assert_eq!(closed(&[1]), ["xds-disconnect-benign"]);
    assert_eq!(closed(&[1, 4, 9]), ["xds-unreachable"]);
}

#[test]
fn an_event_counts_as_often_as_it_happened() {
    let mount = "MountVolume.SetUp failed for volume \"istio-token\" : failed to fetch token";
    let described = format!("Warning  FailedMount  2m (x13 over 4d1h)  kubelet  {mount}");
    let once = format!("2m  Warning  FailedMount  pod/web-1  {mount}");
    assert_eq!(counts(std::slice::from_ref(&described)), [("istio-token-mount", 13)]);
    let analysis = Analysis::of(format!("{described}\n{once}").as_bytes());
    assert_eq!(analysis.groups.iter().map(|group| group.count).sum::<u64>(), 14);
    let probe = |seen: &str| {
        format!("Warning  Unhealthy  {seen}  kubelet  Readiness probe failed: HTTP probe failed with statuscode: 503")
    };
    assert_eq!(counts(&[probe("2m (x3 over 10s)")]), [("probe-startup-benign", 3)]);
    assert_eq!(counts(&[probe("2m (x13 over 4d1h)")]), [("proxy-not-ready", 13)]);
    let object = r#"{"kind":"Event","reason":"Unhealthy","count":13,"firstTimestamp":"2026-11-17T10:00:00Z","lastTimestamp":"2026-11-21T11:00:00Z","message":"Readiness probe failed: HTTP probe failed with statuscode: 503","involvedObject":{"kind":"Pod","name":"web-1"}}"#;
    assert_eq!(counts(&[object.to_owned()]), [("proxy-not-ready", 13)]);
    assert_eq!(counts(&[object.replace(',', ",\n  ")]), [("proxy-not-ready", 13)]);
}

#[test]
fn a_status_beside_a_line_that_says_why_is_one_failure() {
    let analysis =
        Analysis::of("错误码：503\n报错明细：upstream_reset_before_response_started{connection_termination}\n".as_bytes());
    let causes: Vec<_> = analysis.groups.iter().map(|group| group.verdict.cause.slug).collect();
    assert_eq!(causes, ["upstream-closed-connection"]);
}

/// As `kubectl get events -o yaml` prints them, and the same events as JSON.
#[test]
fn an_event_counts_as_often_as_it_says_in_json_and_in_yaml() {
    let yaml = "apiVersion: v1
items:
- apiVersion: v1
  count: 4
  involvedObject:
    kind: ReplicaSet
    name: shop-7d8f
    namespace: demo
  kind: Event
  message: 'Error creating: Internal error occurred: failed calling webhook \"namespace.sidecar-injector.istio.io\":
    failed to call webhook: Post \"https://istiod.istio-system.svc:443/inject?timeout=10s\":
    dial tcp 10.96.1.1:443: connect: connection refused'
  reason: FailedCreate
  type: Warning
- apiVersion: v1
  count: 3
  involvedObject:
    kind: Pod
    name: shop-0
    namespace: demo
  kind: Event
  message: |-
    MountVolume.SetUp failed for volume \"istiod-ca-cert\" : configmap \"istio-ca-root-cert\" not found
  reason: FailedMount
  type: Warning
kind: List
metadata:
  resourceVersion: \"\"
";
    let json = r#"{
    "apiVersion": "v1",
    "items": [
        {
            "apiVersion": "v1",
            "count": 4,
            "involvedObject": {
                "kind": "ReplicaSet",
                "name": "shop-7d8f",
                "namespace": "demo"
            },
            "kind": "Event",
            "message": "Error creating: Internal error occurred: failed calling webhook \"namespace.sidecar-injector.istio.io\": failed to call webhook: Post \"https://istiod.istio-system.svc:443/inject?timeout=10s\": dial tcp 10.96.1.1:443: connect: connection refused"
        },
        {
            "apiVersion": "v1",
            "count": 3,
            "involvedObject": {
                "kind": "Pod",
                "name": "shop-0",
                "namespace": "demo"
            },
            "kind": "Event",
            "message": "MountVolume.SetUp failed for volume \"istiod-ca-cert\" : configmap \"istio-ca-root-cert\" not found"
        }
    ],
    "kind": "List"
}"#;
    let expected = [("injector-webhook-unreachable", 4), ("root-certificate-missing", 3)];
    let on_one_line: String = json.lines().map(str::trim).collect();
    for text in [yaml, json, &on_one_line] {
        assert_eq!(counts(&[text.to_owned()]), expected, "{text}");
    }
}

#[test]
fn a_printed_object_is_read_the_same_whatever_stood_before_it() {
    let printed =
        "{\n  \"response_code\": 503,\n  \"response_flags\": \"NC\",\n  \"response_code_details\": \"cluster_not_found\"\n}";
    let unjoinable = (0..9_000).map(|at| format!("{{ \"step\": {at}, upstream cluster"));
    let unreadable = |lines: &[String]| Analysis::of(lines.join("\n").as_bytes()).tally.unreadable;
    let before: Vec<String> = unjoinable.chain([printed.to_owned()]).collect();
    let after: Vec<String> = [printed.to_owned()].into_iter().chain(before[..before.len() - 1].iter().cloned()).collect();
    assert_eq!(unreadable(&before), unreadable(&after));
}

#[test]
fn a_request_counts_once_however_far_its_line_and_its_record_are_apart() {
    const BETWEEN: u64 = 20_001;
    let of = |text: &str, id: u64| text.replace("RID", &format!("r{id}"));
    let others = (1..=BETWEEN).map(|id| of(LINE, id).replace("shop:80", "cart:80"));
    let lines: Vec<String> = [of(LINE, 0)].into_iter().chain(others).chain([of(RECORD, 0)]).collect();
    assert_eq!(counts(&lines), [("no-cluster", BETWEEN), ("no-cluster", 1)]);
}

#[test]
fn two_hops_meet_however_far_their_lines_are_apart() {
    const BETWEEN: u64 = 20_001;
    let caller = hop(
        "a",
        "504 UT upstream_response_timeout",
        "r0",
        ["10.0.0.2:9080", "10.0.0.1:40000"],
        ["10.96.0.9:80", "10.0.0.1:50000"],
    );
    let server = hop(
        "b",
        "0 DC downstream_remote_disconnect",
        "r0",
        ["127.0.0.1:9080", "127.0.0.6:30000"],
        ["10.0.0.2:9080", "10.0.0.1:40000"],
    );
    let others: Vec<String> = (1..=BETWEEN).map(|id| line(&format!("r{id}"))).collect();
    let far: Vec<String> = [caller.clone()].into_iter().chain(others).chain([server.clone()]).collect();
    let near = counts(&[caller, server]);
    assert_eq!(near.len(), 1);
    assert_eq!(counts(&far), [near, vec![("no-cluster", BETWEEN)]].concat());
}

#[test]
fn the_log_that_is_not_there_is_named() {
    let mesh = ["10.0.0.5:40000", "10.0.0.9:80"];
    let caller = hop("web", "504 UT response_timeout", "r1", mesh, ["10.0.0.5:50000", "10.96.0.9:80"]);
    let server = hop("db", "0 DC downstream_remote_disconnect", "r1", ["127.0.0.6:1", "127.0.0.1:8080"], mesh);
    let refused = caller.replace("504 UT response_timeout", "503 NC cluster_not_found");
    let missing = |lines: &[&str]| {
        let analysis = Analysis::of(lines.join("\n").as_bytes());
        assert_eq!(analysis.groups.len(), 1);
        analysis.groups.into_iter().next().and_then(|group| group.missing_hop)
    };
    assert_eq!(missing(&[&caller]).as_deref(), Some("10.0.0.9:80"));
    assert_eq!(missing(&[&caller, &server]), None);
    // It never left for a server.
    assert_eq!(missing(&[&refused]), None);
}

#[test]
fn a_request_and_the_tunnel_that_it_did_not_get_are_one_failure() {
    let request = |id: &str, second: u32| {
        format!(
            r#"[2026-11-21T06:36:{second}.876Z] "GET /a HTTP/1.1" 503 UF upstream_reset_before_response_started{{remote_connection_failure|delayed_connect_error:_Invalid_argument}} - "delayed_connect_error:_Invalid_argument" 0 152 3 - "-" "curl" "{id}" "web:80" "envoy://connect_originate/10.244.1.7:8080" inbound-vip|80|http|web.shop.svc.cluster.local envoy://internal_client_address/ 10.96.0.9:80 10.244.0.5:40000 - default"#
        )
    };
    let tunnel = |second: u32, host: &str| {
        format!(
            r#"[2026-11-21T06:36:{second}.877Z] "- - -" 0 UF,URX - - "delayed_connect_error:_Connection_refused" 0 0 2 - "-" "-" "-" "-" "{host}:15008" connect_originate - {host}:8080 envoy://internal_client_address/ - -"#
        )
    };
    let lines =
        [request("r1", 10), tunnel(10, "10.244.1.7"), tunnel(10, "10.244.1.7"), request("r2", 11), tunnel(11, "10.244.1.7")];
    assert_eq!(counts(&lines), [("upstream-connection-refused", 2)]);
    // What has another reason keeps it.
    let details = "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Invalid_argument}";
    let timed_out = request("r3", 12).replace(" UF ", " UT ").replace(details, "response_timeout");
    let timed_out = timed_out.replace("delayed_connect_error:_Invalid_argument", "-");
    assert_eq!(counts(&[tunnel(12, "10.244.1.7"), timed_out]), [("upstream-connection-refused", 1), ("request-timeout", 1)]);
    // Another pod's tunnel, and one long after, are failures of their own.
    let apart = [request("r1", 10), tunnel(10, "10.244.1.8"), tunnel(50, "10.244.1.7")];
    assert_eq!(counts(&apart), [("upstream-connection-refused", 2), ("local-socket-failed", 1)]);
}

#[test]
fn a_counter_that_is_0_rules_its_cause_out_where_it_is_of_the_same_cluster() {
    let ruled_out = |text: &str| {
        let analysis = Analysis::of(text.as_bytes());
        analysis.groups.iter().flat_map(|group| group.ruled_out.iter().map(|cause| cause.slug)).collect::<Vec<_>>()
    };
    let counter = |cluster: &str, count: u32| format!("cluster.{cluster};.upstream_rq_pending_overflow: {count}\n");
    let (web, cart) = ("outbound|80||web.shop.svc.cluster.local", "outbound|80||cart.shop.svc.cluster.local");
    let failed = format!(r#"{{"response_code":503,"response_flags":"UC","upstream_cluster":"{web}"}}"#);
    assert_eq!(ruled_out(&format!("{}503", counter(web, 0))), ["circuit-breaker-overflow"]);
    assert_eq!(ruled_out(&format!("{}{failed}", counter(web, 0))), ["circuit-breaker-overflow"]);
    for text in [
        format!("{}{failed}", counter(cart, 0)),
        format!("{}{}503", counter(web, 0), counter(cart, 0)),
        format!("{}{failed}", counter(web, 3)),
        // What counts only some of them.
        "upstream_rq_retry_overflow: 0\nupstream_cx_none_healthy: 0\n503".to_owned(),
    ] {
        assert_eq!(ruled_out(&text), Vec::<&str>::new(), "{text}");
    }
}
