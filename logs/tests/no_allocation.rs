//! A healthy line costs no allocation, in any of the default formats.

#![allow(unsafe_code, reason = "a global allocator cannot be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use meshwhy_core::judge;
use meshwhy_logs::{Formats, LineContent, parse_line};

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are ours.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are ours.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const JSON: &str = r#"{"authority":"content:8105","bytes_received":0,"bytes_sent":24,"connection_termination_details":null,"downstream_local_address":"10.96.88.2:8105","downstream_remote_address":"10.244.49.9:39091","duration":1,"method":"GET","path":"/recipes/1","protocol":"HTTP/1.1","request_id":"44eaedc1-0e72-483e-8dde-d8cd887fa7e7","requested_server_name":null,"response_code":200,"response_code_details":"via_upstream","response_flags":"-","route_name":"default","start_time":"2026-11-21T06:41:59.879Z","upstream_cluster":"outbound|8105||content.recipes.svc.cluster.local","upstream_host":"10.244.49.50:9047","upstream_local_address":"10.244.49.9:35222","upstream_service_time":"0","upstream_transport_failure_reason":null,"user_agent":"curl/8.9.1","x_forwarded_for":null}"#;
const TEXT: &str = r#"[2026-11-21T06:52:09.335Z] "GET /doc/9 HTTP/1.1" 200 - via_upstream - "-" 0 39 2 2 "-" "curl/8.9.1" "373849b8-01d6-4e93-bc2a-e17c6e3ffa5a" "render:8240" "10.244.130.50:9170" outbound|8240||render.pdf.svc.cluster.local 10.244.130.9:37936 10.96.180.2:8240 10.244.130.9:54531 - default"#;

/// How many allocations reading and judging takes.
fn allocations(line: &str, formats: &Formats) -> usize {
    let before = COUNT.with(Cell::get);
    let read = parse_line(line.as_bytes(), formats);
    let failed = match &read.content {
        LineContent::Facts(facts, _) => judge(facts).is_some(),
        LineContent::Healthy(_) => false,
        _ => true,
    };
    drop(read);
    let after = COUNT.with(Cell::get);
    assert!(!failed, "{line}");
    after - before
}

#[test]
fn healthy_lines_allocate_nothing() {
    let formats = Formats::default();
    let json = JSON.to_owned();
    let healthy = [
        ("Istio JSON", json.clone()),
        ("Istio JSON, numbers as texts", json.replace(":200,", ":\"200\",")),
        (
            "JSON in another order",
            json.replace("\"authority\"", "\"response_flags\":\"-\",\"authority\"")
                .replace(",\"response_flags\":\"-\",\"route", ",\"route"),
        ),
        ("JSON with a gRPC status", json.replace("\"method\"", "\"grpc_status\":\"OK\",\"method\"")),
        (
            "JSON with keys in camel case",
            json.replace("response_code\"", "responseCode\"").replace("response_flags", "responseFlags"),
        ),
        ("a redirect in JSON", json.replace(":200,", ":302,")),
        ("TCP in JSON", json.replace(":200,", ":0,").replace("\"via_upstream\"", "null")),
        ("Istio TEXT", TEXT.to_owned()),
        ("Istio TEXT before 1.9", TEXT.replace("via_upstream - ", "\"-\" ")),
        ("Envoy's default", TEXT.replace("via_upstream - \"-\" ", "").split(" outbound").next().unwrap_or_default().to_owned()),
        ("a redirect in TEXT", TEXT.replace(" 200 ", " 302 ")),
        ("TEXT of a container", format!("2026-11-21T06:52:09.335Z stdout F {TEXT}")),
        ("JSON of a container, with kubectl's prefix", format!("[pod/a/b] 2026-11-21T06:52:09.335Z stdout F {json}")),
        ("TCP in TEXT", TEXT.replace("GET /doc/9 HTTP/1.1\" 200 - via_upstream", "- - -\" 0 - -")),
    ];
    for (name, line) in &healthy {
        allocations(line, &formats);
        assert_eq!(allocations(line, &formats), 0, "{name}: {line}");
    }
}

#[test]
fn the_counter_counts() {
    let failing = JSON.replace(":200,", ":503,").replace("\"user_agent\":\"curl", "\"path\":\"\\u002f\",\"user_agent\":\"curl");
    let before = COUNT.with(Cell::get);
    assert!(matches!(parse_line(failing.as_bytes(), &Formats::default()).content, LineContent::Facts(..)));
    assert!(COUNT.with(Cell::get) > before);
}
