//! Faults that are known, each as the test that must hold one day, and why it does not yet. When one is mended, its test fails here and
//! moves to where it belongs.

use meshwhy_diagnose::Analysis;

const FAILED: &str = r#"[2026-11-21T06:36:37.876Z] "GET /a HTTP/1.1" 503 NC cluster_not_found - "-" 0 0 0 - "-" "curl" "RID" "shop:80" "-" - - 10.96.59.2:8900 10.244.22.9:50007 - -"#;
const RECORD: &str = r#"meshwhy1 {"meshwhy.record":"1","meshwhy.code":"MW2003","envoy.request_id":"RID","count":1,"http.response.status_code":503,"envoy.response_flags":"NC","envoy.response_code_details":"cluster_not_found","server.address":"shop:80"}"#;

fn analysis(lines: &[String]) -> Analysis {
    Analysis::of(lines.join("\n").as_bytes())
}

fn counted(lines: &[String]) -> u64 {
    analysis(lines).groups.iter().map(|group| group.count).sum()
}

/// Failures are joined in batches of 20 000 and kept as groups afterwards, so that memory stays bounded.
#[test]
#[should_panic(expected = "one request")]
fn a_request_counts_once_however_far_its_line_and_its_record_are_apart() {
    const BETWEEN: u64 = 20_001;
    let of = |text: &str, id: u64| text.replace("RID", &format!("r{id}"));
    let others = (1..=BETWEEN).map(|id| of(FAILED, id).replace("shop:80", "cart:80"));
    let lines: Vec<String> = [of(FAILED, 0)].into_iter().chain(others).chain([of(RECORD, 0)]).collect();
    assert_eq!(counted(&lines), 1 + BETWEEN, "one request");
}
