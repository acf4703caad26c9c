//! The same failures in every dress: what proxies, clients, clusters and counters say, worded by us after public threads and the sources
//! of the components.

#![allow(clippy::unwrap_used, reason = "a broken case must fail loudly")]

use meshwhy_check::coverage::{CoverageAnswer, ROWS};
use meshwhy_diagnose::Analysis;
use serde_json::Value;

#[test]
fn every_dress_of_a_failure_is_read() {
    let wrong: Vec<String> = include_str!("data/pasted.jsonl")
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter_map(|case| {
            let input = case["input"].as_str().unwrap();
            let analysis = Analysis::of(input.as_bytes());
            let first = analysis.groups.first().map(|group| group.verdict.cause.slug);
            let is_right = analysis.recognised() && first == case["cause"].as_str();
            (!is_right).then(|| format!("{} expected, {first:?} found: {input}", case["cause"]))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_others_say_is_none_of_ours() {
    for text in [
        "INFO:     10.0.0.1:1234 - \"GET /x HTTP/1.1\" 404 Not Found",
        "10.1.2.3 - - [12/May/2024:10:00:00 +0000] \"GET / HTTP/1.1\" 404 153 \"-\" \"curl/8\"",
        "time=x level=info msg=reconcile reason=NotFound status=ok",
        r#"{"msg":"x","http.status":500,"endpoint":"/v1/x"}"#,
        "id,details\n1,hello world\n2,foo",
        "Name  Flags  Size\n.text  AX  100\n.data  WA  20",
        "name;status;details\nx;ok;all fine\ny;done;good",
        "2024-05-12 INFO response code: 404 from upstream",
        "NAME   READY   STATUS   RESTARTS   AGE\nweb-1   2/2   Running   0   5m\nweb-2  1/1  Running 0 5d",
        "the counter upstream_rq_pending_overflow tells of overflow",
        "Server Software:        nginx/1.2\nServer Hostname:  x\n\nComplete requests:      10\nNon-2xx responses:      10",
        "grpc-status: 0",
        r#"{"level":"info","msg":"call","traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"}"#,
        "耗时 500 毫秒",
        "返回 500 条记录",
        "订单 503 已完成",
        "dns resolution for a.example failed with c-ares status 0",
    ] {
        let analysis = Analysis::of(text.as_bytes());
        assert!(analysis.groups.is_empty(), "{text}: {:?}", analysis.groups.first().map(|group| group.verdict.cause.slug));
    }
}

/// Of the problems that people write about, those that a cause answers: worded in at least two ways.
#[test]
fn every_problem_is_recognised_in_two_wordings() {
    let cases: Vec<Value> = include_str!("data/rows.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut wrong = Vec::new();
    for case in &cases {
        let input = case["input"].as_str().unwrap();
        let first = Analysis::of(input.as_bytes()).groups.first().map(|group| group.verdict.cause.slug);
        if first != case["cause"].as_str() {
            wrong.push(format!("{}: {} expected, {first:?} found: {input}", case["row"], case["cause"]));
        }
    }
    for row in ROWS {
        let answers =
            |slug: &str| row.answers.iter().any(|answer| matches!(answer, CoverageAnswer::Cause(cause) if cause.slug == slug));
        let worded = cases.iter().filter(|case| case["row"] == row.id && answers(case["cause"].as_str().unwrap())).count();
        if row.answers.iter().any(|answer| matches!(answer, CoverageAnswer::Cause(_))) && worded < 2 {
            wrong.push(format!("{} has {worded} wordings", row.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
