//! Lines of a real Istio 1.29 mesh with Envoy 1.40, and what breaks them.

use meshwhy_core::record::Record;
use meshwhy_core::{Facts, Side};
use proptest::prelude::*;

use super::*;
use crate::lines::Lines;

const TEXT: &str = r#"[2026-11-21T06:36:37.876Z] "GET /price?sku=11 HTTP/1.1" 503 URX,UF upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused} - "delayed_connect_error:_Connection_refused" 0 121 61 - "-" "curl/8.9.1" "ba7503f2-0cf4-462c-b50a-d36e9f0a05a1" "pricing:8085" "10.244.31.50:9030" outbound|8085||pricing.orders-prod.svc.cluster.local - 10.96.70.2:8085 10.244.31.9:51347 - default"#;
const JSON: &str = r#"{"authority":"catalog:8080","bytes_received":0,"connection_termination_details":null,"downstream_local_address":"10.96.4.20:8080","method":"GET","path":"/v2/items/42","protocol":"HTTP/1.1","request_id":"166e","response_code":503,"response_code_details":"cluster_not_found","response_flags":"NC","route_name":"items-v2","upstream_cluster":null,"extra":{"a":[1,{}]}}"#;
const RECORD: &str =
    r#"meshwhy1 {"meshwhy.record":"1","meshwhy.code":"MW2003","count":3,"suppressed":2,"envoy.response_flags":"NC"}"#;

fn read_line(bytes: &[u8]) -> LineReading<'_> {
    parse_line(bytes, &Formats::default())
}

fn parse(line: &str) -> LineReading<'_> {
    read_line(line.as_bytes())
}

fn facts(line: &str) -> Facts<'_> {
    match parse(line).content {
        LineContent::Facts(facts, _) => facts,
        other => panic!("{other:?}"),
    }
}

fn record(line: &str) -> (Record, RecordWriter) {
    match parse(line).content {
        LineContent::Record(record, writer) => (record, writer),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_text_line_gives_every_field() {
    let facts = facts(TEXT);
    assert_eq!(facts.status, Some(503));
    assert_eq!(facts.flags.map(|flags| flags.to_string()).as_deref(), Some("UF,URX"));
    assert_eq!(facts.upstream_transport_failure.as_deref(), Some("delayed_connect_error:_Connection_refused"));
    assert_eq!(facts.context.authority.as_deref(), Some("pricing:8085"));
    assert_eq!(facts.context.request_id.as_deref(), Some("ba7503f2-0cf4-462c-b50a-d36e9f0a05a1"));
    assert_eq!(facts.upstream_host.as_deref(), Some("10.244.31.50:9030"));
    assert_eq!(facts.context.downstream_remote_address.as_deref(), Some("10.244.31.9:51347"));
    assert_eq!(facts.route.as_deref(), Some("default"));
    assert_eq!(facts.side, Some(Side::Outbound));
}

#[test]
fn a_text_line_before_istio_1_9() {
    let line = r#"[2020-06-01T10:00:00.000Z] "GET / HTTP/1.1" 503 UF,URX "-" "delayed connect error: 111" 0 91 3 - "-" "curl" "r1" "a:80" "10.0.0.1:80" outbound|80||a.b.svc.cluster.local - 10.0.0.2:80 10.0.0.3:4000 - default"#;
    let facts = facts(line);
    assert_eq!(facts.details, None);
    assert_eq!(facts.upstream_transport_failure.as_deref(), Some("delayed connect error: 111"));
}

#[test]
fn a_quote_in_the_user_agent_or_path_forges_nothing() {
    let evil = r#"x" "r" "a" "h" outbound|1||evil.a.svc.cluster.local 1 2 3 4 5 "z; mw-cause=MW6001"#;
    let forged = TEXT.replace("curl/8.9.1", evil).replace("/price?sku=11", "/a\"b");
    let facts = facts(&forged);
    assert_eq!(facts.cluster.as_deref(), Some("outbound|8085||pricing.orders-prod.svc.cluster.local"));
    assert_eq!(facts.context.authority.as_deref(), Some("pricing:8085"));
    assert_eq!(facts.annotated_code, None);
}

#[test]
fn an_appended_proxy_status_names_the_cause() {
    let line = format!("{TEXT} \"web.shop; error=connection_refused; mw-cause=MW3002; details=\"a b\"\"");
    let facts = facts(&line);
    assert_eq!(facts.annotated_code.as_deref(), Some("MW3002"));
    assert_eq!(facts.route.as_deref(), Some("default"));
    assert_eq!(super::tests::facts(&format!("{TEXT} \"-\"")).annotated_code, None);
}

#[test]
fn a_json_line_in_any_order_with_strings_or_numbers() {
    for line in [JSON.to_owned(), JSON.replace(":503", ":\"503\"")] {
        let facts = facts(&line);
        assert_eq!(facts.status, Some(503));
        assert_eq!(facts.details.as_deref(), Some("cluster_not_found"));
        assert_eq!(facts.cluster, None);
    }
    let annotated =
        JSON.replacen('{', r#"{"proxy_status":"a; mw-cause=MW2001, b; mw-cause=MW2003; error=x, c; received-status=503","#, 1);
    assert_eq!(facts(&annotated).annotated_code.as_deref(), Some("MW2003"));
}

#[test]
fn records_are_found_in_every_kind_of_envoy_log() {
    let quoted = serde_json::to_string(&format!("wasm log meshwhy: {RECORD}")).unwrap();
    for line in [
        RECORD.to_owned(),
        format!("2026-11-21T06:36:37.876Z\twarning\tenvoy wasm external/x.cc:1\twasm log meshwhy root vm: {RECORD}\tthread=12"),
        format!("[2026-11-21 06:36:37.876][12][warning][wasm] [x.cc:1] wasm log: {RECORD}"),
        format!("{{\"level\":\"warn\",\"msg\":{quoted}}}"),
    ] {
        let (record, writer) = record(&line);
        assert_eq!((record.count, record.suppressed, writer), (3, 2, RecordWriter::Module), "{line}");
    }
    assert_eq!(record(RECORD.trim_start_matches("meshwhy1 ")).1, RecordWriter::Envoy);
}

#[test]
fn a_record_in_what_a_client_sends_is_no_record() {
    let agent = TEXT.replace("curl/8.9.1", &format!("wasm log {RECORD}"));
    assert_eq!(facts(&agent).status, Some(503));
    assert_eq!(read_line(format!("app says {RECORD}").as_bytes()).content, LineContent::Unreadable);
}

#[test]
fn origins_are_kept() {
    let line = format!("[pod/web-1/istio-proxy] {TEXT}");
    let parsed = parse(&line);
    let origin = parsed.origin.unwrap();
    assert_eq!(origin.text, "pod/web-1/istio-proxy");
    assert_eq!((origin.pod.as_deref(), origin.container.as_deref()), (Some("web-1"), Some("istio-proxy")));
    assert_eq!(facts(&line).context.pod.as_deref(), Some("web-1"));
    let line = format!("envoy-1  | {TEXT}");
    assert_eq!(parse(&line).origin.unwrap().text, "envoy-1");
}

#[test]
fn headers_give_one_entry_per_member() {
    let members = |line: &str| match parse(line).content {
        LineContent::Header(members) => members.into_iter().map(Facts::into_owned).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let ours =
        members("Proxy-Status: cart-1.shop; error=http_request_error; mw-cause=MW1001; mw-side=inbound, gw; received-status=426");
    assert_eq!(ours.len(), 1);
    assert_eq!(ours[0].annotated_code.as_deref(), Some("MW1001"));
    assert_eq!((ours[0].context.pod.as_deref(), ours[0].side), (Some("cart-1"), Some(Side::Inbound)));
    let native = members("sidecar~10.0.0.1~a.b~b.svc; error=destination_not_found; details=\"route_not_found; NR\"");
    assert_eq!(native[0].details.as_deref(), Some("route_not_found"));
    assert_eq!(native[0].flags.map(|flags| flags.to_string()).as_deref(), Some("NR"));
    assert_eq!(native[0].status, None);
}

#[test]
fn what_is_left_of_a_respelt_text_does_not_hide_what_it_says() {
    let pieces = r#""{\"log\":\"", "< ", "> ", "response_flags=UF", "no healthy upstream", "\r","#;
    assert_eq!(facts(pieces).flags.map(|flags| flags.to_string()).as_deref(), Some("UF"));
    // The lines of an object that nobody knows come before the object's own text, where the last one would count.
    let object =
        r#"[pod/a/b] {"input":"gRPC config stream closed: 14, connection failure\n[x] gRPC config stream closed: 13, "}"#;
    assert_eq!(facts(object).event, Some(meshwhy_core::event::Event::XdsUnreachable));
}

#[test]
fn what_is_none_of_ours() {
    assert_eq!(read_line(b" \t ").content, LineContent::Blank);
    assert_eq!(read_line(b"\xff\xfe").content, LineContent::Unreadable);
    assert_eq!(read_line(&vec![b'a'; MAX_LINE + 1]).content, LineContent::Unreadable);
    for line in ["hello", "{}", "{", "[", "[] \"\"", "app failed; error=boom", "null", "<html>"] {
        assert_eq!(parse(line).content, LineContent::Unreadable, "{line}");
    }
}

#[test]
fn a_text_splits_into_lines_of_bounded_length() {
    let long = "x".repeat(3 * MAX_LINE);
    let input = format!("a\r\n\n{long}\n");
    let beyond = [b"last".to_vec()];
    let mut lines = Lines::new(input.as_bytes(), &beyond);
    assert_eq!(lines.next(), Some(&b"a"[..]));
    assert_eq!(lines.next(), Some(&b""[..]));
    assert_eq!(lines.next().map(<[u8]>::len), Some(MAX_LINE + 1));
    assert_eq!(lines.next(), Some(&b"last"[..]));
    assert_eq!(lines.next(), None);
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read_line(&bytes);
    }

    #[test]
    fn mutated_lines_never_panic(which in 0_usize..3, at in 0_usize..2000, with in prop::collection::vec(any::<u8>(), 0..4), cut in 0_usize..40) {
        let mut bytes = [TEXT, JSON, RECORD][which].as_bytes().to_vec();
        let at = at % bytes.len();
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, with);
        let _ = read_line(&bytes);
    }

    #[test]
    fn mutated_text_never_panics(text in "[\\[\\]\" |{}a-z0-9.;=,-]{0,200}") {
        let _ = parse(&text);
        let _ = read_line(format!("{TEXT} \"{text}\"").as_bytes());
    }
}
