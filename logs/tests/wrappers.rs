//! Lines of a real mesh in everything that carries or quotes them, alone and in pairs.

#![allow(clippy::unwrap_used, reason = "a broken case must fail loudly")]

use meshwhy_core::{Context, Facts, judge};
use meshwhy_logs::{Formats, LineContent, LineReading, parse_line};
use proptest::prelude::*;
use serde_json::{Value, json};

const TEXT: &str = r#"[2026-11-21T06:36:37.876Z] "GET /price?sku=11 HTTP/1.1" 503 URX,UF upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused} - "delayed_connect_error:_Connection_refused" 0 121 61 - "-" "curl/8.9.1" "ba7503f2-0cf4-462c-b50a-d36e9f0a05a1" "pricing:8085" "10.244.31.50:9030" outbound|8085||pricing.orders-prod.svc.cluster.local - 10.96.70.2:8085 10.244.31.9:51347 - default"#;
const JSON: &str = r#"{"authority":"catalog:8080","bytes_received":0,"bytes_sent":0,"connection_termination_details":null,"downstream_local_address":"10.96.4.20:8080","downstream_remote_address":"10.244.31.9:40000","duration":3,"method":"GET","path":"/v2/items/42","protocol":"HTTP/1.1","request_id":"166e","requested_server_name":null,"response_code":503,"response_code_details":"cluster_not_found","response_flags":"NC","route_name":"items-v2","start_time":"2026-11-21T06:36:37.876Z","upstream_cluster":null,"upstream_host":null,"user_agent":"curl/8.9.1"}"#;
const HEALTHY: &str = r#"[2026-11-21T06:36:37.876Z] "GET /price HTTP/1.1" 200 - via_upstream - "-" 0 121 61 60 "-" "curl/8.9.1" "ba7503f2-0cf4-462c-b50a-d36e9f0a05a1" "pricing:8085" "10.244.31.50:9030" outbound|8085||pricing.orders-prod.svc.cluster.local 10.244.31.9:50000 10.96.70.2:8085 10.244.31.9:51347 - default"#;

/// What a wrapper may stand around.
#[derive(Clone, Copy, PartialEq)]
enum WrapperKind {
    /// A tool, which carries what a container or another tool wrote.
    Tool,
    /// A tool that puts bare words in front: only one of them can be told from a sentence.
    Words,
    /// A person or a document, which quotes anything.
    Person,
}

type Wrap = fn(&str) -> String;

const WRAPPERS: &[(&str, WrapperKind, Wrap)] = &[
    ("kubectl prefix", WrapperKind::Tool, |line| format!("[pod/web-1/istio-proxy] {line}")),
    ("kubectl timestamps", WrapperKind::Tool, |line| format!("2026-11-21T06:36:38.123456789Z {line}")),
    ("timestamp with offset", WrapperKind::Tool, |line| format!("2026-11-21T06:36:38.123+08:00 {line}")),
    ("timestamp column", WrapperKind::Tool, |line| format!("2026-11-21T06:36:38.123Z | {line}")),
    ("kibana column", WrapperKind::Tool, |line| format!("Jan 19, 2022 @ 11:08:22.417 | {line}")),
    ("kibana tab", WrapperKind::Tool, |line| format!("Jan 19, 2022 @ 11:08:22.417\t{line}")),
    ("stern", WrapperKind::Words, |line| format!("web-1 istio-proxy {line}")),
    ("stern, all namespaces", WrapperKind::Words, |line| format!("shop web-1 istio-proxy {line}")),
    ("stern in colours", WrapperKind::Words, |line| {
        format!("\u{1b}[38;5;92mweb-1\u{1b}[0m \u{1b}[1mistio-proxy\u{1b}[0m {line}")
    }),
    ("k9s", WrapperKind::Words, |line| format!("web-1 {line}")),
    ("cloudwatch tail", WrapperKind::Words, |line| {
        let file = "from-fluent-bit-kube.var.log.containers.web-1_shop_istio-proxy-0123456789abcdef.log";
        format!("2026-11-21T06:36:38.000000+00:00 {file} {line}")
    }),
    ("grep", WrapperKind::Words, |line| format!("logs/web.log:12:{line}")),
    ("cri", WrapperKind::Tool, |line| format!("2026-11-21T06:36:38.123456789Z stdout F {line}")),
    ("docker json", WrapperKind::Tool, |line| {
        json!({"log": format!("{line}\n"), "stream": "stdout", "time": "2026-11-21T06:36:38Z"}).to_string()
    }),
    ("docker json as Docker prints it", WrapperKind::Tool, |line| {
        let line = serde_json::to_string(&format!("{line}\n")).unwrap();
        format!("{{\"log\":{line},\"stream\":\"stdout\",\"time\":\"2026-11-21T06:36:38.1Z\"}}")
    }),
    ("compose", WrapperKind::Tool, |line| format!("envoy-1  | {line}")),
    ("journald", WrapperKind::Tool, |line| format!("Nov 21 06:36:38 node-1 envoy[4711]: {line}")),
    ("journald iso", WrapperKind::Tool, |line| format!("2026-11-21T06:36:38+0000 node-1 envoy[4711]: {line}")),
    ("journald full", WrapperKind::Tool, |line| format!("Sat 2026-11-21 06:36:38 UTC node-1 envoy[4711]: {line}")),
    ("rfc 3164", WrapperKind::Tool, |line| format!("<13>Nov  1 06:36:38 node-1 k8s_istio-proxy_web-1_shop_uid_0[1]: {line}")),
    ("rfc 5424", WrapperKind::Tool, |line| format!("<13>1 2026-11-21T06:36:38Z node-1 envoy 4711 - - {line}")),
    ("rfc 5424 with data", WrapperKind::Tool, |line| {
        format!("<13>1 2026-11-21T06:36:38Z node-1 envoy 4711 ID1 [a@1 b=\"x ] y\" c=\"\\\"\"][d@1] {line}")
    }),
    ("fluent bit", WrapperKind::Tool, |line| {
        let kubernetes = json!({"pod_name": "web-1", "namespace_name": "shop", "container_name": "istio-proxy"});
        json!({"date": 1.5, "stream": "stdout", "_p": "F", "log": line, "kubernetes": kubernetes}).to_string()
    }),
    ("fluent bit stdout", WrapperKind::Tool, |line| {
        let line = serde_json::to_string(line).unwrap();
        format!("[0] kube.var.log.containers.web-1_shop_istio-proxy-0123456789ab.log: [1700000000.1, {{\"log\"=>{line}}}]")
    }),
    ("vector", WrapperKind::Tool, |line| {
        json!({"kubernetes": {"pod_name": "web-1"}, "message": line, "source_type": "kubernetes_logs"}).to_string()
    }),
    ("stackdriver", WrapperKind::Tool, |line| {
        let resource = json!({"type": "k8s_container", "labels": {"pod_name": "web-1", "namespace_name": "shop"}});
        json!({"insertId": "x", "textPayload": format!("{line}\n"), "resource": resource, "severity": "INFO"}).to_string()
    }),
    ("elastic", WrapperKind::Tool, |line| {
        let source = json!({"@timestamp": "2026", "kubernetes": {"pod": {"name": "web-1"}}, "message": line});
        json!({"_index": "logs", "_id": "1", "_source": source}).to_string()
    }),
    ("elastic common schema", WrapperKind::Tool, |line| {
        json!({"log": {"file": {"path": "/a"}}, "k8s.pod.name": "web-1", "message": line}).to_string()
    }),
    ("logcli jsonl", WrapperKind::Tool, |line| {
        json!({"labels": {"pod": "web-1"}, "line": line, "timestamp": "2026"}).to_string()
    }),
    ("logcli", WrapperKind::Tool, |line| format!("2026-11-21T06:36:38Z {{app=\"web\", pod=\"web-1\"}} {line}")),
    ("cloudwatch", WrapperKind::Tool, |line| {
        json!({"@timestamp": "2026-11-21", "@message": line, "@logStream": "web-1"}).to_string()
    }),
    ("stern json", WrapperKind::Tool, |line| {
        json!({"message": line, "namespace": "shop", "podName": "web-1", "containerName": "istio-proxy"}).to_string()
    }),
    ("splunk", WrapperKind::Tool, |line| json!({"preview": false, "result": {"_raw": line, "source": "/var/log/x"}}).to_string()),
    ("epoch", WrapperKind::Tool, |line| format!("[Envoy (Epoch 0)] {line}")),
    ("colours", WrapperKind::Tool, |line| format!("\u{1b}[32m{line}\u{1b}[0m\u{1b}[K")),
    ("a title", WrapperKind::Tool, |line| format!("\u{1b}]0;kubectl logs\u{7}{line}")),
    ("box", WrapperKind::Person, |line| format!("│ {line}   │")),
    ("table row", WrapperKind::Person, |line| format!("| {line} |")),
    ("quote", WrapperKind::Person, |line| format!("> {line}")),
    ("nested quote", WrapperKind::Person, |line| format!("> > {line}")),
    ("bullet", WrapperKind::Person, |line| format!("- {line}")),
    ("numbered", WrapperKind::Person, |line| format!("12. {line}")),
    ("comment", WrapperKind::Person, |line| format!("# {line}")),
    ("comment without a space", WrapperKind::Person, |line| format!("#{line}")),
    ("backticks", WrapperKind::Person, |line| format!("`{line}`")),
    ("fence on the line", WrapperKind::Person, |line| format!("```{line}```")),
    ("bold", WrapperKind::Person, |line| format!("**{line}**")),
    ("single quotes", WrapperKind::Person, |line| format!("'{line}',")),
    ("quotes, escaped", WrapperKind::Person, |line| serde_json::to_string(line).unwrap()),
    ("a member", WrapperKind::Person, |line| format!("  \"message\": {},", serde_json::to_string(line).unwrap())),
    ("quotes", WrapperKind::Person, |line| format!("\"{line}\"")),
    ("typographic quotes", WrapperKind::Person, |line| line.replace('"', "”")),
    ("no-break spaces", WrapperKind::Person, |line| line.replace(' ', "\u{a0}")),
    ("html", WrapperKind::Person, |line| line.replace('&', "&amp;").replace('"', "&quot;").replace('>', "&gt;")),
    ("an escaped line end", WrapperKind::Person, |line| format!("{line}\\r\\n")),
    ("white space", WrapperKind::Person, |line| format!(" \t{line}  \r")),
    ("byte-order mark", WrapperKind::Person, |line| format!("\u{feff}{line}")),
];

fn parse(line: &str) -> LineReading<'static> {
    parse_line(line.as_bytes(), &Formats::default()).into_owned()
}

/// The facts without what the wrapping adds.
fn facts(line: &str) -> Option<Facts<'static>> {
    match parse(line).content {
        LineContent::Facts(facts, _) => Some(Facts { context: Context { pod: None, namespace: None, ..facts.context }, ..facts }),
        _ => None,
    }
}

fn is_healthy(line: &str) -> bool {
    match parse(line).content {
        LineContent::Healthy(_) => true,
        LineContent::Facts(facts, _) => judge(&facts).is_none(),
        _ => false,
    }
}

/// Whether `outer` can stand around `inner` and both still be told.
fn carries(outer: &(&str, WrapperKind, Wrap), inner: &(&str, WrapperKind, Wrap)) -> bool {
    match outer.1 {
        WrapperKind::Person => outer.0 != "quotes" || inner.0 != "quotes, escaped",
        WrapperKind::Tool => inner.1 != WrapperKind::Person,
        WrapperKind::Words => inner.1 == WrapperKind::Tool,
    }
}

#[test]
fn every_wrapper_comes_off() {
    for line in [TEXT, JSON] {
        let plain = facts(line);
        assert!(plain.as_ref().is_some_and(|facts| facts.shows_failure()));
        for (name, _, wrap) in WRAPPERS {
            assert_eq!(facts(&wrap(line)), plain, "{name}: {}", wrap(line));
        }
    }
}

#[test]
fn every_pair_comes_off() {
    let mut failed = Vec::new();
    let mut pairs = 0;
    for line in [TEXT, JSON] {
        let plain = facts(line);
        for outer in WRAPPERS {
            for inner in WRAPPERS.iter().filter(|inner| carries(outer, inner)) {
                pairs += 1;
                let wrapped = outer.2(&inner.2(line));
                if facts(&wrapped) != plain {
                    failed.push(format!("{} ({}): {wrapped}", outer.0, inner.0));
                }
            }
        }
    }
    assert!(pairs > 3000, "{pairs}");
    assert!(failed.is_empty(), "{} of {pairs}:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn a_wrapped_healthy_line_stays_healthy() {
    for outer in WRAPPERS {
        assert!(is_healthy(&outer.2(HEALTHY)), "{}", outer.0);
        for inner in WRAPPERS.iter().filter(|inner| carries(outer, inner)) {
            assert!(is_healthy(&outer.2(&inner.2(HEALTHY))), "{} ({})", outer.0, inner.0);
        }
    }
}

#[test]
fn wrappers_name_the_pod() {
    let named = |name: &str| {
        let (_, _, wrap) = WRAPPERS.iter().find(|wrapper| wrapper.0 == name).unwrap();
        parse(&wrap(TEXT)).origin.map(|origin| {
            let own = |text: Option<std::borrow::Cow<'_, str>>| text.map(|text| text.into_owned()).unwrap_or_default();
            [own(origin.namespace), own(origin.pod), own(origin.container)].join("/")
        })
    };
    for (name, expected) in [
        ("kubectl prefix", "/web-1/istio-proxy"),
        ("stern", "/web-1/istio-proxy"),
        ("stern in colours", "/web-1/istio-proxy"),
        ("stern, all namespaces", "shop/web-1/istio-proxy"),
        ("cloudwatch tail", "shop/web-1/istio-proxy"),
        ("fluent bit", "shop/web-1/istio-proxy"),
        ("fluent bit stdout", "shop/web-1/istio-proxy"),
        ("rfc 3164", "shop/web-1/istio-proxy"),
        ("vector", "/web-1/"),
        ("stackdriver", "shop/web-1/"),
        ("elastic", "/web-1/"),
        ("elastic common schema", "/web-1/"),
        ("logcli jsonl", "/web-1/"),
        ("logcli", "/web-1/"),
        ("stern json", "shop/web-1/istio-proxy"),
    ] {
        assert_eq!(named(name).as_deref(), Some(expected), "{name}");
    }
    assert_eq!(named("cri"), None);
}

#[test]
fn an_inner_pod_stands_nearer_to_the_proxy() {
    let inner = r#"{"log":"LINE","kubernetes":{"pod_name":"web-1"}}"#.replace("\"LINE\"", &json!(TEXT).to_string());
    let line = parse(&format!("[pod/fluent-bit-x/fluent-bit] {inner}"));
    assert_eq!(line.origin.unwrap().pod.as_deref(), Some("web-1"));
    assert!(matches!(line.content, LineContent::Facts(facts, _) if facts.context.pod.as_deref() == Some("web-1")));
}

#[test]
fn a_structured_access_log_in_an_envelope() {
    let object: Value = serde_json::from_str(JSON).unwrap();
    let resource = json!({"labels": {"pod_name": "web-1", "namespace_name": "shop"}});
    let mut flat = object.clone();
    flat["kubernetes"] = json!({"pod_name": "web-1"});
    let envelopes = [
        json!({"insertId": "1", "jsonPayload": object, "resource": resource}),
        json!({"_source": {"json": object, "kubernetes": {"pod_name": "web-1"}}}),
        json!({"message": object, "kubernetes": {"pod_name": "web-1"}}),
        json!({"log_processed": object, "kubernetes": {"pod_name": "web-1"}}),
        flat,
    ];
    for envelope in envelopes {
        let envelope = envelope.to_string();
        assert_eq!(facts(&envelope), facts(JSON), "{envelope}");
        assert_eq!(parse(&envelope).origin.and_then(|origin| origin.pod).as_deref(), Some("web-1"), "{envelope}");
    }
}

#[test]
fn a_cut_envelope_is_truncated() {
    let whole = json!({"log": format!("{JSON}\n"), "stream": "stdout"}).to_string();
    let line = parse(whole.split(",\\\"response_flags").next().unwrap());
    assert!(line.truncated || line.content == LineContent::Unreadable);
    let quoted = serde_json::to_string(TEXT).unwrap();
    let line = parse(&format!("{{\"log\":{}", quoted.trim_end_matches('"')));
    assert!(line.truncated);
    assert!(matches!(line.content, LineContent::Facts(..)));
}

#[test]
fn what_frames_lines_is_blank() {
    for line in [
        "```",
        "```text",
        "~~~",
        ">",
        "│ │",
        "$ kubectl logs web-1 -c istio-proxy | grep UF,URX",
        "ginger-violet:~ # kubectl -n services logs tulip-grove -c istio-proxy --tail=10",
        "> $ curl -v http://a/ --data 'no healthy upstream'",
        "kubectl logs deploy/x | grep 'no healthy upstream'",
    ] {
        assert_eq!(parse(line).content, LineContent::Blank, "{line}");
    }
}

#[test]
fn several_lines_in_one_give_the_failure() {
    let line = format!("\"{}\"", format!("{HEALTHY}\n{TEXT}").replace('"', "\\\"").replace('\n', "\\n"));
    assert_eq!(facts(&line), facts(TEXT), "{line}");
    let line = format!("{{\"message\":{}}}", json!(format!("{HEALTHY}\n{TEXT}\n")));
    assert_eq!(facts(&line), facts(TEXT));
}

#[test]
fn layers_have_an_end() {
    let deep = format!("{}{}", "> ".repeat(9), TEXT.replace('"', "\\\""));
    assert!(!is_healthy(&deep) && facts(&deep) != facts(TEXT));
    for hostile in ["[".repeat(60_000), "{".repeat(60_000), "> ".repeat(30_000), "\\\"".repeat(30_000), "`".repeat(60_000)] {
        let _ = parse(&hostile);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse_line(&bytes, &Formats::default());
    }

    #[test]
    fn any_pieces_of_wrappers_are_survived(pieces in prop::collection::vec(
        prop::sample::select(vec!["{\"log\":\"", "{\"message\":", "[pod/", "] ", "2026-11-21T06:36:38Z", " stdout P ", "<13>1 ", "\u{1b}[", "\u{1b}]", "```", "> ",
            "│", "“", "\\u00", "\\\"", "\\n", "&quot;", "{pod=\"", "\"}", " | ", "Jan 1, 2026 @ ", "[0] t: [", "\"log\"=>\"", "Nov 21 10:00:00 ", ": ", "é", "503 UF", TEXT]),
        0..12,
    )) {
        let _ = parse_line(pieces.concat().as_bytes(), &Formats::default());
    }

    #[test]
    fn a_wrapped_line_may_be_cut_anywhere(which in 0..WRAPPERS.len(), inner in 0..WRAPPERS.len(), at in 0_usize..4000) {
        let wrapped = WRAPPERS[which].2(&WRAPPERS[inner].2(TEXT));
        let bytes = wrapped.as_bytes();
        let _ = parse_line(&bytes[..at.min(bytes.len())], &Formats::default());
    }
}
