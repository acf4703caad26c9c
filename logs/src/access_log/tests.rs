//! Lines of every version, whole, cut and forged. Healthy lines of a real mesh, and lines that other programs write.

use std::borrow::Cow;

use meshwhy_core::{Context, Decisive, Facts, ResponseFlags, Side, judge};
use proptest::prelude::*;

use super::field::Success;
use super::*;

const V19: &str = r#"[2026-11-21T06:36:37.876Z] "GET /price?sku=11 HTTP/1.1" 503 URX,UF upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused} - "delayed_connect_error:_Connection_refused" 0 121 61 - "10.1.1.1" "curl/8.9.1" "ba7503f2" "pricing:8085" "10.244.31.50:9030" outbound|8085||pricing.orders-prod.svc.cluster.local - 10.96.70.2:8085 10.244.31.9:51347 - default"#;
const V15: &str = r#"[2021-12-02T02:55:45.565Z] "POST / HTTP/1.1" 503 UF,URX "-" "TLS error: Secret is not supplied by SDS" 52 91 18 - "-" "curl/7.79.1" "d8d7" "oak:8000" "10.126.222.172:8000" outbound|8000||oak.services.svc.cluster.local - 10.49.219.170:8000 10.126.222.172:58716 - default"#;
const V14: &str = r#"[2019-06-03T20:41:01.332Z] "POST /api HTTP/1.1" 503 UAEX ""UNAVAILABLE:no healthy upstream"" "-" 0 31 0 - "-" "Go-http-client/1.1" "6030" "loki.example.com" "-" - - 100.127.16.253:443 100.123.27.194:54652 loki.example.com"#;
const V12: &str = r#"[2019-06-03T20:41:01.332Z] "POST /api HTTP/1.1" 403 - "PERMISSION_DENIED:handler.denier" 0 31 0 - "-" "Go" "6030" "a" "-" - - 10.0.0.1:443 10.0.0.2:54652 -"#;
const V11: &str = r#"[2019-01-05T07:00:39.424Z] "GET /api/oakHTTP/1.1" 503 UC 0 57 1 - "-" "python-requests/2.21.0" "f4d4" "opal:5000" "10.70.47.218:5000" outbound|5000|multiple|opal.default.svc.cluster.local - 10.213.44.241:5000 10.121.62.239:54984"#;
const ENVOY: &str = r#"[2024-06-09T09:25:44.145Z] "POST /v1/kelp HTTP/1.1" 503 UF 98 173 3 - "-" "OpenAI/Python 1.46.1" "b9f5" "bolt:10000" "[2001:db8::71:9d]:443""#;
const TCP: &str = r#"[2022-04-09T12:21:18.269Z] "- - -" 0 UH - - "-" 0 0 7 - "-" "-" "-" "-" "-" BlackHoleCluster - 198.51.100.77:443 100.103.75.71:48682 sql.example.com -"#;
const JSON: &str = r#"{"authority":"catalog:8080","bytes_received":0,"bytes_sent":0,"connection_termination_details":null,"downstream_local_address":"10.96.4.20:8080","downstream_remote_address":"10.244.1.17:60879","duration":7,"method":"GET","path":"/v2/items/42","protocol":"HTTP/1.1","request_id":"166e","requested_server_name":null,"response_code":503,"response_code_details":"cluster_not_found","response_flags":"NC","route_name":"items-v2","start_time":"2026-11-21T06:35:58.538Z","upstream_cluster":null,"upstream_host":null,"upstream_local_address":null,"upstream_service_time":null,"upstream_transport_failure_reason":null,"user_agent":"curl/8.9.1","x_forwarded_for":null}"#;

fn read(text: &str) -> Option<AccessLog<'_>> {
    parse(text, &Formats::default())
}

fn facts(text: &str) -> (Facts<'_>, bool) {
    match read(text) {
        Some(AccessLog::Facts { facts, truncated, .. }) => (facts, truncated),
        other => panic!("{other:?}: {text}"),
    }
}

fn flags(text: &str) -> Option<ResponseFlags> {
    ResponseFlags::parse(text)
}

#[test]
fn istio_1_9_and_later() {
    let (read, truncated) = facts(V19);
    let expected = Facts {
        decisive: Decisive {
            status: Some(503),
            flags: flags("UF,URX"),
            details: Some(
                "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}"
                    .into(),
            ),
            upstream_transport_failure: Some("delayed_connect_error:_Connection_refused".into()),
            duration_ms: Some(61),
            route: Some("default".into()),
            cluster: Some("outbound|8085||pricing.orders-prod.svc.cluster.local".into()),
            upstream_host: Some("10.244.31.50:9030".into()),
            side: Some(Side::Outbound),
            ..Decisive::default()
        },
        context: Context {
            protocol: Some("HTTP/1.1".into()),
            method: Some("GET".into()),
            path: Some("/price?sku=11".into()),
            authority: Some("pricing:8085".into()),
            request_id: Some("ba7503f2".into()),
            downstream_local_address: Some("10.96.70.2:8085".into()),
            downstream_remote_address: Some("10.244.31.9:51347".into()),
            start_time: Some("2026-11-21T06:36:37.876Z".into()),
            ..Context::default()
        },
    };
    assert_eq!((read, truncated), (expected, false));
}

#[test]
fn older_formats() {
    let (read, truncated) = facts(V15);
    assert_eq!(read.upstream_transport_failure.as_deref(), Some("TLS error: Secret is not supplied by SDS"));
    assert_eq!((read.details.as_deref(), read.policy_status.as_deref(), read.duration_ms), (None, None, Some(18)));
    assert_eq!((read.route.as_deref(), truncated), (Some("default"), false));

    let (read, truncated) = facts(V14);
    assert_eq!(read.policy_status.as_deref(), Some("UNAVAILABLE:no healthy upstream"));
    assert_eq!((read.context.server_name.as_deref(), read.decisive.route, truncated), (Some("loki.example.com"), None, false));

    let (read, _) = facts(V12);
    assert_eq!(read.policy_status.as_deref(), Some("PERMISSION_DENIED:handler.denier"));
    assert_eq!(read.context.downstream_remote_address.as_deref(), Some("10.0.0.2:54652"));

    let (read, truncated) = facts(V11);
    assert_eq!((read.context.path.as_deref(), read.context.protocol.as_deref()), (Some("/api/oak"), Some("HTTP/1.1")));
    assert_eq!(read.cluster.as_deref(), Some("outbound|5000|multiple|opal.default.svc.cluster.local"));
    assert_eq!((read.duration_ms, truncated), (Some(1), false));

    let (read, truncated) = facts(ENVOY);
    assert_eq!(read.upstream_host.as_deref(), Some("[2001:db8::71:9d]:443"));
    assert_eq!((read.context.authority.as_deref(), truncated), (Some("bolt:10000"), false));
}

#[test]
fn tcp_lines() {
    let (read, truncated) = facts(TCP);
    assert_eq!((read.status, read.flags, read.duration_ms), (Some(0), flags("UH"), Some(7)));
    assert_eq!((read.context.method.as_deref(), read.context.protocol.as_deref(), truncated), (None, None, false));
    assert_eq!((read.cluster.as_deref(), read.side), (Some("BlackHoleCluster"), Some(Side::Outbound)));
    assert_eq!(read.context.server_name.as_deref(), Some("sql.example.com"));
    let healthy = TCP.replace(" UH ", " - ").replace("BlackHoleCluster", "outbound|443||a.b");
    assert!(judge(&facts(&healthy).0).is_none());
}

#[test]
fn a_missing_or_elided_start_time_is_no_cut() {
    let whole = facts(V19).0;
    let (_, without) = V19.split_once("] ").unwrap();
    for text in [without.to_owned(), format!("[...] {without}")] {
        let (read, truncated) = facts(&text);
        assert_eq!(
            (read.context.path, read.decisive.route, truncated),
            (whole.context.path.clone(), whole.route.clone(), false),
            "{text}"
        );
    }
}

#[test]
fn flags_in_every_spelling() {
    for spelling in ["UPE", "UpstreamProtocolError", "8388608"] {
        let line = V19.replace("URX,UF", spelling);
        assert_eq!(facts(&line).0.flags, flags("UPE"), "{spelling}");
        let line = V15.replace("UF,URX", spelling);
        assert_eq!(facts(&line).0.flags, flags("UPE"), "{spelling}");
        let line = ENVOY.replace(" UF ", &format!(" {spelling} "));
        assert_eq!(facts(&line).0.flags, flags("UPE"), "{spelling}");
        let line = JSON.replace("\"NC\"", if spelling == "8388608" { spelling } else { "\"UPE\"" });
        assert_eq!(facts(&line).0.flags, flags("UPE"), "{spelling}");
    }
}

#[test]
fn every_cut_of_a_line_keeps_what_is_left() {
    for line in [V19, V15, ENVOY, TCP] {
        let whole = facts(line).0;
        let flags_end = line.find(" UF ").or_else(|| line.find(" UH ")).or_else(|| line.find("URX")).unwrap() + 8;
        for end in flags_end..line.len() {
            let Some(AccessLog::Facts { facts, .. }) = read(&line[..end]) else { continue };
            assert_eq!((facts.status, facts.flags), (whole.status, whole.flags), "{}", &line[..end]);
            assert!(facts.cluster.is_none() || facts.cluster == whole.cluster, "{}", &line[..end]);
            assert!(facts.context.authority.is_none() || facts.context.authority == whole.context.authority, "{}", &line[..end]);
        }
        let cut = line.split_once(" - \"").map_or(line, |(head, _)| head);
        assert!(facts(cut).1, "{cut}");
    }
}

#[test]
fn heads_that_are_cut() {
    for (line, path) in [
        (
            r#"PUT /v2/oak?elm=2 HTTP/1.1" 404 NR route_not_found - "-" 0 0 0 - "1" "u" "r" "a" "-" - - 1.1.1.1:80 2.2.2.2:0 - -"#,
            Some("/v2/oak?elm=2"),
        ),
        (r#"7Z] "PUT /v2 HTTP/1.1" 404 NR route_not_found - "-" 0 0 0 -"#, Some("/v2")),
        (r#"/v2 HTTP/1.1" 404 NR route_not_found - "-" 0 0 0 - "#, Some("/v2")),
        (r#"1.1" 404 NR route_not_found - "-" 0 0 0 - "#, None),
        (r#"404 NR route_not_found - "-" 0 0 0 - "1""#, None),
        (r#"404 NR route_not_found - "-""#, None),
    ] {
        let (read, truncated) = facts(line);
        assert_eq!(
            (read.status, read.flags, read.details.as_deref()),
            (Some(404), flags("NR"), Some("route_not_found")),
            "{line}"
        );
        assert_eq!((read.context.path.as_deref(), truncated), (path, true), "{line}");
    }
    let (read, truncated) = facts(r#"503 UF,URX "-" "TLS error: 268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER""#);
    assert_eq!((read.status, truncated), (Some(503), true));
    assert!(read.upstream_transport().is_some_and(|failure| failure.name == "WRONG_VERSION_NUMBER"));
}

#[test]
fn what_people_leave_out() {
    let (read, truncated) =
        facts(r#""GET / HTTP/1.1" 403 UAEX ext_authz_error - "-" 0 0 0 - ... *(browser details)* ... error envoy_bug"#);
    assert_eq!((read.details.as_deref(), read.cluster.as_deref(), truncated), (Some("ext_authz_error"), None, true));
    let wrapped = "[...] \"GET /get HTTP/1.1\" 404 NR route_not_found - \"-\" 0 0 0 -\n  \"10.1.1.1\" \"curl/8\" \"a326cb9d-...\" \"api.example.com\"\n  \"-\" - - 10.63.43.129:80 10.158.158.88:41290 - -";
    let (read, truncated) = facts(wrapped);
    assert_eq!((read.context.authority.as_deref(), read.context.request_id, truncated), (Some("api.example.com"), None, false));
    assert_eq!(read.context.downstream_remote_address.as_deref(), Some("10.158.158.88:41290"));
}

#[test]
fn several_lines_are_not_one() {
    for other in [V19, ENVOY, TCP, &format!("pod-1 istio-proxy {V15}")] {
        assert_eq!(read(&format!("{V19}\n{other}")), None, "{other}");
    }
    let (head, tail) = V19.split_at(V19.find("HTTP/1.1").unwrap());
    assert_eq!(facts(&format!("{}\n  {tail}", head.trim_end())).0, facts(V19).0);
}

#[test]
fn a_client_forges_nothing() {
    let agent = r#"x" "r" "evil" "h" outbound|1||evil.a.svc.cluster.local 1 2 3 4 5 "z; mw-cause=MW6001"#;
    let line = V19.replace("curl/8.9.1", agent).replace("/price?sku=11", "/a\"b");
    let read = facts(&line).0;
    assert_eq!((read.context.authority.as_deref(), read.annotated_code.as_deref()), (Some("pricing:8085"), None));
    assert_eq!(read.cluster.as_deref(), Some("outbound|8085||pricing.orders-prod.svc.cluster.local"));
    let agent =
        serde_json::to_string(r#"x","response_code":200,"response_code_details":"via_upstream","response_flags":"-""#).unwrap();
    for key in ["\"curl/8.9.1\"", "\"166e\""] {
        assert_eq!(facts(&JSON.replace(key, &agent)).0.status, Some(503), "{key}");
    }
    let nested = r#"{"a":{"b":1,"response_code":200,"response_code_details":"via_upstream","response_flags":"-"},"response_code":503,"response_flags":"UF"}"#;
    assert_eq!(facts(nested).0.status, Some(503));
}

#[test]
fn a_reply_that_was_passed_on_is_its_authors() {
    let member =
        r#"\"gift-api.shop\"; mw-side=inbound; mw-flags=\"NR\"; details=\"route_not_found\", \"edge.b\"; received-status=404"#;
    let line = format!(
        r#"{{"response_code":404,"response_code_details":"via_upstream","response_flags":"URX","proxy_status":"{member}","upstream_cluster":"outbound|80||gift-api.shop.svc.cluster.local"}}"#
    );
    let read = facts(&line).0;
    assert_eq!(read.relayed_from.as_deref(), Some("gift-api.shop"));
    assert_eq!((read.details.as_deref(), read.flags), (Some("route_not_found"), ResponseFlags::parse("NR")));
    assert_eq!(read.side, Some(Side::Inbound));
    // The hop's own reply is its own, and a header that is not ours makes nobody the author.
    let own = line.replace("via_upstream", "route_not_found");
    assert_eq!(facts(&own).0.relayed_from, None);
    let other = line.replace("mw-side=inbound; mw-flags=\\\"NR\\\"; ", "error=destination_not_found; ");
    assert_eq!(facts(&other).0.details.as_deref(), Some("via_upstream"));
}

#[test]
fn a_refused_grpc_call_is_no_success() {
    let line = V19.replace(
        "503 URX,UF upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}",
        "200 - rbac_access_denied_matched_policy[none]",
    );
    assert_eq!(facts(&line).0.details.as_deref(), Some("rbac_access_denied_matched_policy[none]"));
}

#[test]
fn an_appended_proxy_status_names_the_cause() {
    for line in [V19, V11] {
        let annotated = format!("{line} \"web.shop; error=connection_refused; mw-cause=MW3002; details=\"a b\"\"");
        let read = facts(&annotated).0;
        assert_eq!(read.annotated_code.as_deref(), Some("MW3002"));
        assert_eq!(read.cluster, facts(line).0.cluster);
        assert_eq!(facts(&format!("{line} \"-\"")).0.annotated_code, None);
    }
}

#[test]
fn healthy_lines() {
    let text = V19.replace(
        "503 URX,UF upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}",
        "200 - via_upstream",
    );
    let json = JSON.replace("503,", "204,").replace("cluster_not_found", "via_upstream").replace("\"NC\"", "\"-\"");
    for line in [
        text.clone(),
        V15.replace("503 UF,URX", "200 -"),
        ENVOY.replace("503 UF", "201 -"),
        json.clone(),
        json.replace(":204", ":\"200\""),
        json.replace("\"method\":\"GET\"", "\"grpc_status\":\"OK\",\"method\":\"POST\""),
        r#"{"response_flags":"-","responseCode":"200"}"#.to_owned(),
    ] {
        assert!(matches!(read(&line), Some(AccessLog::Healthy(_))), "{line}");
    }
    let grpc = json.replace("\"method\":\"GET\"", "\"grpc_status\":\"Unavailable\",\"method\":\"POST\"");
    assert_eq!(facts(&grpc).0.grpc_status, Some(14));
    assert_eq!(facts(&text.replace("200 -", "302 -")).0.status, Some(302));
}

#[test]
fn a_healthy_line_says_where_it_went_and_when() {
    let said = |line: &str| match read(line) {
        Some(AccessLog::Healthy(Success { cluster, start_time, .. })) => {
            [cluster, start_time].map(|text| text.map(Cow::into_owned).unwrap_or_default())
        }
        other => panic!("{other:?}: {line}"),
    };
    let layout = r#"{"response_code":200,"response_code_details":"via_upstream","response_flags":"-","route_name":"default","start_time":"T","upstream_cluster":"outbound|80||a.b"}"#;
    let json = layout.replace("{", r#"{"method":"GET","#);
    let mine = r#"{"responseCode":200,"responseFlags":"-","upstreamCluster":"outbound|80||a.b","startTime":"T"}"#;
    for line in [json.clone(), json.replace(r#","route_name":"default""#, ""), mine.to_owned(), layout.to_owned()] {
        assert_eq!(said(&line), ["outbound|80||a.b", "T"], "{line}");
    }
    assert_eq!(said(&json.replace("a.b", r#"a\"b"#)), ["", "T"]);
    assert_eq!(said(&json.replace(r#""outbound|80||a.b""#, "null")), ["", "T"]);
    let text = V19.replace(
        "503 URX,UF upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}",
        "200 - via_upstream",
    );
    let facts = facts(V19).0;
    assert_eq!(said(&text), [facts.cluster.as_deref().unwrap(), facts.context.start_time.as_deref().unwrap()]);
    // Envoy's own format names no cluster.
    assert_eq!(said(&ENVOY.replace("503 UF", "201 -"))[0], "");
}

#[test]
fn a_healthy_line_says_whether_it_had_trace_context() {
    let said = |line: &str| match read(line) {
        Some(AccessLog::Healthy(success)) => success.traceparent,
        other => panic!("{other:?}: {line}"),
    };
    let json = r#"{"method":"GET","response_code":200,"response_code_details":"via_upstream","response_flags":"-","route_name":"default","start_time":"T","traceparent":HEADER,"upstream_cluster":"outbound|80||a.b"}"#;
    let mine = r#"{"responseCode":200,"responseFlags":"-","traceparent":HEADER,"upstreamCluster":"c"}"#;
    for line in [json, mine] {
        let with = |header| said(&line.replace("HEADER", header));
        assert_eq!(with(r#""00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01""#), Some(true));
        assert_eq!((with(r#""-""#), with("null")), (Some(false), Some(false)));
        assert_eq!(said(&line.replace(r#""traceparent":HEADER,"#, "")), None);
    }
}

#[test]
fn json_in_any_order_spelling_and_type() {
    let expected = facts(JSON).0;
    assert_eq!(expected.duration_ms, Some(7));
    assert_eq!(expected.cluster, None);
    let object: Map = serde_json::from_str(JSON).unwrap();
    let backwards: String = object.iter().rev().map(|(key, value)| format!("\"{key}\" : {value},\n")).collect();
    let strings: String = object
        .iter()
        .map(|(key, value)| match value {
            serde_json::Value::Number(number) => format!("\"{key}\":\"{number}\","),
            serde_json::Value::Null => format!("\"{key}\":\"-\","),
            value => format!("\"{key}\":{value},"),
        })
        .collect();
    let camel = |key: &str| {
        key.split('_')
            .enumerate()
            .map(|(at, word)| if at == 0 { word.to_owned() } else { word[..1].to_uppercase() + &word[1..] })
            .collect::<String>()
    };
    let dashes: String = object.iter().map(|(key, value)| format!("\"{}\":{value},", key.replace('_', "-"))).collect();
    let camels: String = object.iter().map(|(key, value)| format!("\"{}\":{value},", camel(key))).collect();
    for inner in [backwards, strings, camels, dashes] {
        let line = format!("{{{}}}", inner.trim_end().trim_end_matches(','));
        assert_eq!(facts(&line).0, expected, "{line}");
    }
}

type Map = serde_json::Map<String, serde_json::Value>;

#[test]
fn json_with_escapes_extras_and_nesting() {
    let line = JSON.replace("/v2/items/42", r#"/a\u003db\\\"c"#).replacen('{', r#"{"extra":{"a":[1,{"x":"}"}]},"#, 1);
    assert_eq!(facts(&line).0.context.path.as_deref(), Some(r#"/a=b\"c"#));
    let policy = JSON.replace("\"NC\"", r#""UAEX","istio_policy_status":"\"UNAVAILABLE:no healthy upstream\"""#);
    assert_eq!(facts(&policy).0.policy_status.as_deref(), Some("UNAVAILABLE:no healthy upstream"));
    let nested =
        r#"{"response":{"code":503,"flags":"UF"},"upstream":{"cluster":"outbound|80||a.b"},"kubernetes":{"pod_name":"web-1"}}"#;
    let read = facts(nested).0;
    assert_eq!((read.status, read.flags, read.context.pod.as_deref()), (Some(503), flags("UF"), Some("web-1")));
    assert_eq!(read.side, Some(Side::Outbound));
    let stackdriver = r#"{"httpRequest":{"requestMethod":"GET","status":503},"labels":{"response_flag":"UC","upstream_cluster":"inbound|80||"}}"#;
    let read = facts(stackdriver).0;
    assert_eq!((read.status, read.flags, read.side), (Some(503), flags("UC"), Some(Side::Inbound)));
}

#[test]
fn json_wrapped_by_hand() {
    let wrapped = JSON
        .replace("downstream_local", "downstream\n_local")
        .replace("response_flags", "**response_flags**")
        .replace("cluster_not", "cluster\n    _not")
        .replace(",\"path", ",\n  \"path");
    let (read, truncated) = facts(&wrapped);
    assert_eq!((read, truncated), (facts(JSON).0, false));
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(JSON).unwrap()).unwrap();
    assert_eq!(facts(&pretty).0, facts(JSON).0);
}

#[test]
fn json_that_is_cut() {
    let end = JSON.find(",\"route_name").unwrap();
    for end in end..JSON.len() {
        let (read, truncated) = facts(&JSON[..end]);
        assert_eq!((read.status, read.flags, truncated), (Some(503), flags("NC"), true), "{}", &JSON[..end]);
    }
    assert_eq!(read(r#"{"authority":"a","response_code_details":"clu"#), None);
}

#[test]
fn what_is_no_access_log() {
    for line in [
        r#"{"meshwhy.record":"1","response_code":503,"response_flags":"NC"}"#,
        r#"{"level":"error","msg":"failed","response_code":500}"#,
        r#"{"level":"info","status":500,"method":"GET","path":"/"}"#,
        r#"{"time":"2024-07-02T21:48:43.116090Z","level":"debug","scope":"envoy http","msg":"Sending local reply with details upgrade_failed"}"#,
        r#"{"response_code":503} and more text that belongs to something else"#,
        r#"{"response_code":503}{"response_code":504}"#,
        r#"10.0.0.1 - - [21/Nov/2026:06:36:37 +0000] "GET / HTTP/1.1" 503 197 "-" "curl/8.9.1""#,
        r#""GET / HTTP/1.1" 404 153 "-" "curl/8.9.1" "-""#,
        r#""GET / HTTP/1.1" 500 -"#,
        r#"[2026-11-21 06:36:37.876][12][warning][wasm] [x.cc:1] "GET / HTTP/1.1" 503"#,
        "503 UC",
        "503 Service Unavailable",
        "401 jwt_authn_access_denied{Jwt_is_missing}",
        "200 OK \"x\" \"y\"",
        "[] \"\"",
        "{",
        "{}",
        "",
        "[\"GET / HTTP/1.1\" 503",
        "\"GET",
        "error: \"GET /x\" 503 failed",
    ] {
        assert_eq!(read(line), None, "{line}");
    }
}

#[test]
fn a_hostile_line_takes_linear_time() {
    for line in [
        "\" \"".repeat(20_000),
        format!("{V19}{}", " \"".repeat(30_000)),
        "{\"a\":".repeat(12_000),
        "[{".repeat(30_000),
        format!("{{\"a\":{}", "[".repeat(60_000)),
        "\\\"".repeat(30_000),
    ] {
        let _ = read(&line);
    }
}

proptest! {
    #[test]
    fn mutated_lines_never_panic(which in 0_usize..8, at in 0_usize..2000, with in "\\PC{0,4}", cut in 0_usize..40) {
        let line = [V19, V15, V14, V12, V11, ENVOY, TCP, JSON][which];
        let at = at % line.len();
        let end = (at + cut).min(line.len());
        let mut line = line.to_owned();
        line.replace_range(at..end, &with);
        let _ = read(&line);
        let _ = read(&line[at..]);
    }

    #[test]
    fn random_text_never_panics(text in "[\\[\\]\"\\\\ |{}:A-Za-z0-9.,\n-]{0,200}") {
        let _ = read(&text);
        let _ = read(&format!("{{\"response_code\":{text}"));
        let _ = read(&format!("\"GET / HTTP/1.1\" 503 {text}"));
    }

    #[test]
    fn our_scanner_reads_what_serde_reads(status in 0_u16..600, path in "\\PC{0,20}", agent in "[\"\\\\\\PC]{0,20}", order in any::<bool>()) {
        let object = serde_json::json!({"path": path, "response_code": status, "response_flags": "UF", "user_agent": agent, "upstream_host": "1.2.3.4:5"});
        let text = if order { object.to_string() } else { serde_json::to_string_pretty(&object).unwrap() };
        let read = facts(&text).0;
        prop_assert_eq!(read.status, Some(status));
        prop_assert_eq!(read.context.path.as_deref().unwrap_or("-"), if path.is_empty() { "-" } else { path.as_str() });
        prop_assert_eq!(read.upstream_host.as_deref(), Some("1.2.3.4:5"));
    }
}
