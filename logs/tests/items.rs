//! Texts that several physical lines hold, and lines that only look so.

#![allow(clippy::unwrap_used, reason = "a broken case must fail loudly")]

use meshwhy_core::event::Event;
use meshwhy_core::{Context, Facts, judge};
use meshwhy_logs::{Formats, Items, LineContent, LineReading, MAX_LINE, parse_line};
use proptest::prelude::*;
use serde_json::{Value, json};

const TEXT: &str = r#"[2026-11-21T06:36:37.876Z] "GET /price?sku=11 HTTP/1.1" 503 URX,UF upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused} - "delayed_connect_error:_Connection_refused" 0 121 61 - "-" "curl/8.9.1" "ba7503f2-0cf4-462c-b50a-d36e9f0a05a1" "pricing:8085" "10.244.31.50:9030" outbound|8085||pricing.orders-prod.svc.cluster.local - 10.96.70.2:8085 10.244.31.9:51347 - default"#;
const JSON: &str = r#"{"authority":"catalog:8080","downstream_local_address":"10.96.4.20:8080","downstream_remote_address":"10.244.31.9:40000","method":"GET","path":"/v2/items/42","protocol":"HTTP/1.1","request_id":"166e","response_code":503,"response_code_details":"cluster_not_found","response_flags":"NC","route_name":"items-v2","start_time":"2026-11-21T06:36:37.876Z","upstream_cluster":null,"user_agent":"a {\"b\": [ \\"}"#;

struct Read {
    first: u64,
    last: u64,
    bytes: Vec<u8>,
    line: LineReading<'static>,
}

fn items(input: &[u8]) -> Vec<Read> {
    let formats = Formats::default();
    let mut reader = Items::over(input, &[], &formats);
    let mut items = Vec::new();
    while let Some(item) = reader.next_item() {
        let (first, last, bytes) = (item.first, item.last, item.bytes.to_vec());
        items.push(Read { first, last, bytes, line: item.line.into_owned() });
    }
    items
}

fn facts(line: &LineReading<'_>) -> Option<Facts<'static>> {
    match line.clone().into_owned().content {
        LineContent::Facts(facts, _) => Some(Facts { context: Context { pod: None, namespace: None, ..facts.context }, ..facts }),
        _ => None,
    }
}

/// The facts of each item that fails, with its line numbers.
fn failures(input: &str) -> Vec<(u64, u64, Facts<'static>)> {
    let all = items(input.as_bytes());
    all.iter()
        .filter_map(|item| Some((item.first, item.last, facts(&item.line)?)))
        .filter(|(.., facts)| judge(facts).is_some())
        .collect()
}

fn alone(line: &str) -> Facts<'static> {
    facts(&parse_line(line.as_bytes(), &Formats::default())).unwrap()
}

/// Cuts a text after about that many bytes, and again.
fn cut(text: &str, column: usize) -> Vec<String> {
    text.as_bytes().chunks(column).map(|part| String::from_utf8(part.to_vec()).unwrap()).collect()
}

#[test]
fn each_line_is_an_item_with_its_number() {
    let input = format!("{TEXT}\r\n\n{JSON}\nnothing of ours\n{TEXT}");
    let all = items(input.as_bytes());
    let numbers: Vec<(u64, u64)> = all.iter().map(|item| (item.first, item.last)).collect();
    assert_eq!(numbers, [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)]);
    assert_eq!(all[0].bytes, TEXT.as_bytes());
    assert_eq!(all[1].line.content, LineContent::Blank);
    assert_eq!(all[3].line.content, LineContent::Unreadable);
}

#[test]
fn cri_parts_are_joined() {
    for column in [20, 100, 300] {
        let parts = cut(TEXT, column);
        let tagged = |(index, part): (usize, &String)| {
            let tag = if index + 1 == parts.len() { "F" } else { "P" };
            format!("2026-11-21T06:36:38.1234567{index:02}Z stdout {tag} {part}")
        };
        let lines: Vec<String> = parts.iter().enumerate().map(tagged).collect();
        let input = format!("{TEXT}\n{}\n{TEXT}\n", lines.join("\n"));
        let found = failures(&input);
        assert_eq!(found.len(), 3, "{column}");
        assert_eq!((found[1].0, found[1].1), (2, 1 + parts.len() as u64));
        assert_eq!(found[1].2, alone(TEXT));
        let prefixed: Vec<String> = lines.iter().map(|line| format!("[pod/web-1/istio-proxy] {line}")).collect();
        let all = items(prefixed.join("\n").as_bytes());
        assert_eq!(all.len(), 1);
        assert_eq!(facts(&all[0].line), Some(alone(TEXT)));
        assert_eq!(all[0].line.origin.as_ref().and_then(|origin| origin.pod.as_deref()), Some("web-1"));
    }
}

#[test]
fn docker_parts_are_joined() {
    let parts = cut(JSON, 150);
    let entry = |text: String| json!({"log": text, "stream": "stdout", "time": "2026-11-21T06:36:38Z"}).to_string();
    let end = |index: usize| if index + 1 == parts.len() { "\n" } else { "" };
    let lines: Vec<String> = parts.iter().enumerate().map(|(index, part)| entry(format!("{part}{}", end(index)))).collect();
    let found = failures(&format!("{}\n{}\n", lines.join("\n"), entry(format!("{TEXT}\n"))));
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].2, alone(JSON));
}

#[test]
fn objects_over_several_lines_are_joined() {
    let value: Value = serde_json::from_str(JSON).unwrap();
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    let prefixed = |prefix: &str| pretty.lines().map(|line| format!("{prefix}{line}")).collect::<Vec<_>>().join("\n");
    let envelope =
        serde_json::to_string_pretty(&json!({"jsonPayload": value, "resource": {"labels": {"pod_name": "web-1"}}})).unwrap();
    let inputs = [
        pretty.clone(),
        prefixed("    "),
        prefixed("> "),
        prefixed("│ "),
        prefixed("[pod/web-1/istio-proxy] "),
        prefixed("web-1 istio-proxy "),
        prefixed("2026-11-21T06:36:38.123456789Z stdout F "),
        format!("```json\n{pretty}\n```"),
        format!("[\n{pretty},\n{pretty}\n]"),
        cut(JSON, 120).join("\n"),
        cut(JSON, 77).join("\n"),
        cut(JSON, 77).iter().map(|line| format!("> {line}\n")).collect(),
        envelope,
    ];
    for input in inputs {
        let found = failures(&input);
        assert!(!found.is_empty() && found.iter().all(|found| found.2 == alone(JSON)), "{input}\n{found:?}");
        assert!(found[0].1 > found[0].0);
    }
}

#[test]
fn an_object_that_never_closes_leaves_its_lines_alone() {
    let input = format!("{{ \"a\": \n{TEXT}\n{{\n\"x\": [\n{JSON}\n");
    let found = failures(&input);
    assert_eq!(found.iter().map(|found| (found.0, found.1)).collect::<Vec<_>>(), [(2, 2), (5, 5)]);
}

#[test]
fn wrapped_access_logs_are_joined() {
    let spaces: Vec<usize> = TEXT.match_indices(' ').map(|(at, _)| at).collect();
    for at in spaces.iter().copied().filter(|at| (60..TEXT.len() - 20).contains(at)) {
        for indent in ["", "  "] {
            let input = format!("{}\n{indent}{}\n\nsome prose\n", &TEXT[..at], &TEXT[at + 1..]);
            let found = failures(&input);
            assert_eq!(found.len(), 1, "{input}");
            assert_eq!((found[0].0, found[0].1, &found[0].2), (1, 2, &alone(TEXT)), "{input}");
        }
    }
    for column in [70, 80, 100, 132, 200] {
        let parts = cut(TEXT, column);
        for mark in ["", "> ", "│ "] {
            let lines: Vec<String> = parts.iter().map(|part| format!("{mark}{part}")).collect();
            let found = failures(&lines.join("\n"));
            assert_eq!(found.len(), 1, "{}", lines.join("\n"));
            assert_eq!(found[0].1, parts.len() as u64, "{column} {mark}");
            assert_eq!(found[0].2.cluster, alone(TEXT).cluster);
        }
    }
}

#[test]
fn whole_lines_are_never_joined() {
    let cut = TEXT.split(" outbound|").next().unwrap();
    let input = format!("{cut}\n{TEXT}\n{TEXT}\n  an indented remark\n{cut}\nany ideas?\n{cut}\n");
    let found = failures(&input);
    assert_eq!(found.iter().map(|found| (found.0, found.1)).collect::<Vec<_>>(), [(1, 1), (2, 2), (3, 3), (5, 5), (7, 7)]);
}

#[test]
fn transcripts_are_one_item() {
    let body = "upstream connect error or disconnect/reset before headers. reset reason: overflow";
    let plain = format!("HTTP/1.1 503 Service Unavailable\ncontent-length: 81\nserver: envoy\n\n{body}");
    let verbose = format!(
        "* Connected to a (10.0.0.1) port 80\n> GET /x HTTP/1.1\n> Host: shop.example.com\n> Accept: */*\n> \n< HTTP/1.1 503 Service Unavailable\n< content-length: 81\n< server: envoy\n< \n{body}* Connection #0 to host a left intact"
    );
    let quoted: String = plain.lines().map(|line| format!("> {line}\n")).collect();
    for input in [plain.clone(), verbose.clone(), quoted] {
        let found = failures(&format!("$ curl -v http://a/\n{input}\n\n{TEXT}\n"));
        assert_eq!(found.len(), 2, "{input}\n{found:?}");
        assert_eq!(found[0].2.status, Some(503), "{input}");
        assert!(found[0].1 > found[0].0);
        assert!(found[0].2.details.is_some() || found[0].2.flags.is_some(), "{input}");
    }
    assert_eq!(failures(&verbose)[0].2.context.authority.as_deref(), Some("shop.example.com"));
    let healthy =
        "HTTP/1.1 200 OK\nserver: istio-envoy\nx-envoy-upstream-service-time: 3\n\nno healthy upstream is a nice title\n";
    assert_eq!(failures(healthy).len(), 0);
}

#[test]
fn request_headers_of_a_capture() {
    let input = "Hypertext Transfer Protocol\n    GET /x HTTP/1.1\\r\\n\n    X-B3-TraceId: 7d20b9e4c158a06f\\r\\n\n    X-B3-Sampled: 0\\r\\n\n    Host: a:8000\\r\\n\n";
    let found = failures(input);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].2.event, Some(Event::TraceNotSampled));
}

#[test]
fn fields_copied_by_hand_are_one_item() {
    let found = failures("response_code=0\nresponse_flag=DC\n");
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].0, found[0].1, found[0].2.status), (1, 2, Some(0)));
    assert!(found[0].2.flags.is_some());
    let found = failures("\"response_code\": 503,\n\"response_flags\": \"UC\",\n\"upstream_cluster\": \"outbound|80||a.b\",\n");
    assert_eq!((found.len(), found[0].2.status), (1, Some(503)));
    assert_eq!(found[0].2.cluster.as_deref(), Some("outbound|80||a.b"));
}

#[test]
fn requests_with_names_and_values_are_no_header_of_a_table() {
    let lines = [
        r#"{"response_code":404,"response_flags":"NR","response_code_details":"route_not_found","authority":"a.b"}"#,
        "response_code=404, response_flags=NR, response_code_details=route_not_found, authority=a.b",
    ];
    for line in lines {
        let found = failures(&format!("{line}\n{line}\n"));
        assert_eq!(found.len(), 2, "{line}");
        for (at, (first, last, facts)) in (1..).zip(&found) {
            assert_eq!(
                (*first, *last, facts.status, facts.details.as_deref()),
                (at, at, Some(404), Some("route_not_found")),
                "{line}"
            );
        }
    }
}

#[test]
fn hostile_streams_keep_every_line() {
    let mut lines: Vec<String> = vec![
        "{\"a\": \"b".to_owned(),
        "{ \"a\": [".to_owned(),
        "[2026-11-21T06:36:37.876Z] \"GET / HTTP/1.1\" 503 UF".to_owned(),
        "2026-11-21T06:36:38.1Z stdout P x".to_owned(),
        "{\"log\":\"x\",\"stream\":\"stdout\",\"time\":\"x\"}".to_owned(),
        "HTTP/1.1 503 Service Unavailable".to_owned(),
        "a: b".to_owned(),
        "response_code=503".to_owned(),
    ];
    lines.push("x".repeat(2 * MAX_LINE));
    for line in &lines {
        let count = 40_000 / line.len().min(1000) + 1;
        let input = format!("{line}\n").repeat(count);
        let all = items(input.as_bytes());
        let covered: u64 = all.iter().map(|item| item.last - item.first + 1).sum();
        assert_eq!(covered, count as u64, "{line}");
        assert!(all.iter().all(|item| item.bytes.len() <= MAX_LINE + 1));
    }
}

proptest! {
    #[test]
    fn every_line_is_in_one_item(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
        check(&bytes);
    }

    #[test]
    fn every_piece_is_in_one_item(pieces in prop::collection::vec(
        prop::sample::select(vec!["\n", "\n", "\n  ", "{", "}", "\"", "[2026-11-21T06:36:37Z] ", "\"GET / HTTP/1.1\" 503 UF", " stdout P ", " stdout F ", "2026-11-21T06:36:38Z",
            "{\"log\":\"", "HTTP/1.1 503 x", "< ", "> ", "server: envoy", "response_flags=UF", "no healthy upstream", "│ ", "é", "\r", "[pod/a/b] ", TEXT, JSON,
            "apiVersion: v1\n", "- apiVersion: v1\n", "  kind: Event\n", "message: >-\n", "  note: '", "&a [*a, *a]", "- - ", "? ", "!!binary "]),
        0..40,
    )) {
        check(pieces.concat().as_bytes());
    }
}

/// Items follow each other without a gap, whatever the bytes are.
fn check(bytes: &[u8]) {
    let mut expected = 1;
    for item in items(bytes) {
        assert_eq!(item.first, expected);
        assert!(item.last >= item.first);
        expected = item.last + 1;
    }
    let lines = bytes.split(|byte| *byte == b'\n').count() as u64;
    let ended = bytes.is_empty() || bytes.ends_with(b"\n");
    assert_eq!(expected - 1, if ended { lines - 1 } else { lines });
}

#[test]
fn a_record_that_holds_a_quoted_header_is_a_record() {
    let record = r#"{"envoy.response_code_details":"via_upstream","http.response.status_code":200,"meshwhy.proxy_status":"\"shop-0.demo\"; mw-cause=MW8001; mw-side=outbound","meshwhy.record":"1","rpc.grpc.status_code":13}"#;
    for line in [
        record.to_owned(),
        format!("2026-11-26T10:00:00.123456789Z stdout F {record}"),
        format!("[pod/a-1/istio-proxy] {record}"),
    ] {
        let content = meshwhy_logs::parse_line(line.as_bytes(), &meshwhy_logs::Formats::default()).content;
        assert!(matches!(content, meshwhy_logs::LineContent::Record(..)), "{line}: {content:?}");
    }
}

#[test]
fn yaml_that_means_harm_is_lines_like_others() {
    let bomb = (0..40).fold("- apiVersion: &a0 [x, x]\n".to_owned(), |text, at| {
        format!("{text}  k{at}: &a{} [*a{at}, *a{at}, *a{at}, *a{at}]\n", at + 1)
    });
    let deep = format!("apiVersion: {}\n{}\n", "[".repeat(20_000), "  x: [".repeat(5_000));
    let far = format!("{}apiVersion: v1\n{0}kind: Event\n", " ".repeat(MAX_LINE - 30));
    for input in [bomb, deep, far] {
        assert!(failures(&input).is_empty());
        check(input.as_bytes());
    }
}
