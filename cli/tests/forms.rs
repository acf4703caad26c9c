//! A diagnosis for other programs and for a browser.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a broken case must fail loudly")]

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Whatever a client can put into a line that a page or a program must not obey.
const HOSTILE: &str = "</script><img/src=x/onerror=alert(1)>'&\u{202e}";

/// Failures of several causes, targets and times; one of them hostile.
fn lines() -> String {
    let line = |second: u64, outcome: &str, cluster: &str, authority: &str| {
        let time = format!("2026-11-21T06:{:02}:{:02}.000Z", second / 60, second % 60);
        format!(
            r#"[pod/web-1/istio-proxy] [{time}] "GET /a HTTP/1.1" {outcome} - "-" 0 91 3 - "-" "curl" "r{second}" "{authority}" "-" {cluster} - 10.96.0.4:80 10.244.1.9:40000 - -"#
        ) + "\n"
    };
    let shop = "outbound|80||shop.a.svc.cluster.local";
    let healthy = (0..300).map(|at| line(at * 10, "200 - via_upstream", shop, "shop"));
    let closed = "503 UC upstream_reset_before_response_started{connection_termination}";
    let closed = (0..20).map(|at| line(at, closed, shop, "shop"));
    let missing = (0..3).map(|at| line(at, "503 NC cluster_not_found", "-", HOSTILE));
    healthy.chain(closed).chain(missing).collect()
}

fn printed(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshwhy"));
    let command = command.arg("diagnose").args(arguments).arg("-").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_contract_of_json() {
    let report: Value = serde_json::from_str(&printed(&["--format", "json"])).unwrap();
    let number = |name: &str| report["totals"][name].as_u64().unwrap();
    assert_eq!(number("lines"), number("healthy") + number("failed") + number("ignored") + number("unparsed"));
    let findings = report["findings"].as_array().unwrap();
    let closed = findings.iter().find(|finding| finding["slug"] == "upstream-closed-connection").unwrap();
    assert_eq!((&closed["count"], &closed["share"]), (&20.into(), &0.0625.into()));
    assert_eq!((&closed["target"], &closed["side"]), (&"shop.a.svc.cluster.local".into(), &"outbound".into()));
    assert_eq!(closed["first_seen"], "2026-11-21T06:00:00Z");
    assert_eq!(closed["callers"][0], "web-1");
    assert_eq!(closed["course"], "burst");
    assert_eq!(closed["examples"].as_array().unwrap().len(), 5);
    assert_eq!(closed["examples"][0]["line"], 301);
    let fixes = closed["fixes"].as_array().unwrap();
    assert!(!fixes.is_empty() && fixes.iter().all(|fix| fix["kind"] == "steps" && fix["id"].is_string()));
    assert!(closed["caused_by"].is_null());
}

#[test]
fn sarif_is_what_its_schema_says() {
    let schema: Value = serde_json::from_str(include_str!("data/sarif-2.1.0.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let log: Value = serde_json::from_str(&printed(&["--format", "sarif"])).unwrap();
    let errors: Vec<String> = schema.iter_errors(&log).map(|error| format!("{error} at {}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let run = &log["runs"][0];
    let closed = run["results"].as_array().unwrap().iter().find(|result| result["ruleId"] == "MW5001").unwrap();
    assert_eq!(closed["occurrenceCount"], 20);
    let index = usize::try_from(closed["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(run["tool"]["driver"]["rules"][index]["id"], "MW5001");
    let place = &closed["locations"][0]["physicalLocation"];
    assert_eq!((&place["artifactLocation"]["uri"], &place["region"]["startLine"]), (&"standard%20input".into(), &301.into()));
}

#[test]
fn otlp_has_a_record_for_each_finding() {
    let logs: Value = serde_json::from_str(&printed(&["--format", "otlp"])).unwrap();
    let records = logs["resourceLogs"][0]["scopeLogs"][0]["logRecords"].as_array().unwrap();
    assert_eq!(records.len(), 2);
    for record in records {
        let attributes = record["attributes"].as_array().unwrap();
        let value = |name: &str| &attributes.iter().find(|attribute| attribute["key"] == name).unwrap()["value"];
        assert!(value("meshwhy.code")["stringValue"].as_str().unwrap().starts_with("MW"));
        // 64-bit integers are texts in OTLP/JSON.
        assert!(value("count")["intValue"].as_str().unwrap().parse::<u64>().unwrap() > 0);
        assert_eq!(record["timeUnixNano"].as_str().unwrap().len(), "1764000000000000000".len());
        assert_eq!(record["severityText"], "ERROR");
    }
}

#[test]
fn a_page_needs_nothing_beside_it_and_obeys_no_line() {
    for lang in ["en", "zh"] {
        let page = printed(&["--lang", lang, "--format", "html"]);
        assert!(page.starts_with("<!DOCTYPE html>") && page.contains("default-src 'none'"));
        assert_eq!(page.matches("<script>").count(), 1);
        for obeyed in ["<img", "\u{202e}", "<link", "url(", "@import", "fetch(", " src=", "<iframe"] {
            assert!(!page.contains(obeyed), "{obeyed}");
        }
        assert!(page.contains("&lt;img/src=x/onerror=alert(1)&gt;"));
        for part in ["id=\"MW5001\"", "id=\"MW2003\"", "shop.a:80", "class=\"author\"", "6 %", "<rect"] {
            assert!(page.contains(part), "{part}");
        }
    }
}
