//! Failures and healthy controls under a real istiod 1.29.6 and Envoy 1.40, in each of the three deployments, judged and
//! counted by the function behind `meshwhy diagnose`.
//!
//! `data/istio-live.jsonl`: 80 scenarios, each with the lines of every proxy in every deployment.

#![allow(clippy::unwrap_used, reason = "a broken case must fail loudly")]

use meshwhy_core::{Cause, Confidence, Side, judge, record};
use meshwhy_diagnose::Analysis;
use serde_json::Value;

/// Scenarios that are not told as the file expects, the deployments in which, and why. An entry that is no longer needed fails.
const MISSED: &[(&str, &[&str], &str)] = &[
    ("uc-keepalive-race", &["native"], "named more precisely: Envoy's own record says that the connection was reused"),
    ("grpc-unimplemented", &DEPLOYMENTS, "named more precisely: the application's gRPC status is known"),
    ("double-tls", &DEPLOYMENTS, "TLS in TLS fails between the two ends; the line of the TCP proxy has no flag and no reason"),
    ("ef-duplicate-domain", &DEPLOYMENTS, "named more precisely than no-route: no virtual host is left; why is in istiod's log"),
    ("uf-refused", &["observe"], "told right, and beside it that the request came without trace context"),
];

const DEPLOYMENTS: [&str; 3] = ["native", "observe", "annotate"];

/// Of the failing scenarios of a deployment, how many of a hundred must be right; of the healthy ones, all.
const WANTED_PERCENT: usize = 94;

fn cases() -> Vec<Value> {
    include_str!("data/istio-live.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn id(case: &Value) -> &str {
    case["id"].as_str().unwrap()
}

/// Slug and count of every finding.
fn findings(input: &str) -> Vec<(&'static str, u64)> {
    Analysis::of(input.as_bytes()).groups.iter().map(|group| (group.verdict.cause.slug, group.count)).collect()
}

fn is_right(case: &Value, input: &str) -> bool {
    let found = findings(input);
    if case["expects_failure"] == false {
        return found.is_empty();
    }
    let accepted =
        |slug: &str| case["expected_cause"] == slug || case["also_accept"].as_array().unwrap().iter().any(|other| other == slug);
    let count: u64 = found.iter().map(|(_, count)| count).sum();
    !found.is_empty() && found.iter().all(|(slug, _)| accepted(slug)) && case["failed_requests"] == count
}

fn input(case: &Value) -> &str {
    case["input"].as_str().unwrap()
}

fn is_listed(case: &Value) -> bool {
    MISSED.iter().any(|(scenario, deployments, _)| deployments.iter().any(|name| id(case) == format!("{scenario}@{name}")))
}

fn say(case: &Value, input: &str) -> String {
    format!("{}: expected {} {}, got {:?}", id(case), case["failed_requests"], case["expected_cause"], findings(input))
}

#[test]
fn every_failure_has_its_cause_and_is_counted_once() {
    let cases = cases();
    let (wrong, right): (Vec<&Value>, Vec<&Value>) = cases.iter().partition(|case| !is_right(case, input(case)));
    let unlisted: Vec<String> = wrong.iter().filter(|case| !is_listed(case)).map(|case| say(case, input(case))).collect();
    assert!(unlisted.is_empty(), "{} are wrong:\n{}", unlisted.len(), unlisted.join("\n"));
    let needless: Vec<&str> = right.iter().filter(|case| is_listed(case)).map(|case| id(case)).collect();
    assert!(needless.is_empty(), "the list of misses is stale: {needless:?}");
    for deployment in DEPLOYMENTS {
        let of = |cases: &[&Value], fails: bool| {
            cases.iter().filter(|case| case["deployment"] == deployment && case["expects_failure"] == fails).count()
        };
        let (failing, silent) = (of(&right, true), of(&right, false));
        assert!(failing * 100 >= (failing + of(&wrong, true)) * WANTED_PERCENT, "{deployment}: {failing} are right");
        assert_eq!(of(&wrong, false), 0, "{deployment}: {silent} are silent");
    }
}

#[test]
fn the_order_of_the_lines_does_not_matter() {
    let mut wrong = Vec::new();
    for case in cases() {
        let reversed: Vec<&str> = input(&case).lines().rev().collect();
        let reversed = reversed.join("\n");
        let (mut one, mut other) = (findings(input(&case)), findings(&reversed));
        one.sort_unstable();
        other.sort_unstable();
        if one != other {
            wrong.push(format!("{}: {one:?}, and backwards {other:?}", id(&case)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn access_logs_alone_count_no_more() {
    let mut wrong = Vec::new();
    for case in cases().iter().filter(|case| !is_listed(case)) {
        let lines: Vec<&str> = input(case).lines().filter(|line| !line.contains("meshwhy.record")).collect();
        let lines = lines.join("\n");
        // A failed handshake has no line of its own.
        if !lines.is_empty() && !findings(&lines).is_empty() && !is_right(case, &lines) {
            wrong.push(say(case, &lines));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The records of the input once more, as plugins of these names write them.
fn with_records_of(input: &str, plugins: &[&str]) -> String {
    let mut lines = Vec::new();
    for line in input.lines() {
        lines.push(line.to_owned());
        let (Some((origin, _)), Some(json)) = (line.split_once("] "), line.find('{').and_then(|at| line.get(at..))) else {
            continue;
        };
        let Some(record) = record::decode(json.trim_end()) else { continue };
        let Some(verdict) = judge(&record.facts) else { continue };
        let json = record::encode(&record.facts, Some(&verdict), 1, 0);
        let head = "[2026-11-26 13:06:57.353][8480][warning][wasm] [source/extensions/common/wasm/context.cc:1154] wasm log";
        // Gateways run a sidecar's and a gateway's plugin.
        let side = record.facts.side.map_or("", Side::as_str);
        lines.extend(plugins.iter().map(|plugin| format!("{origin}] {head} {plugin}-{side} meshwhy: meshwhy1 {json}")));
    }
    lines.join("\n")
}

#[test]
fn deployments_that_run_at_once_count_once() {
    let mut wrong = Vec::new();
    for case in cases().iter().filter(|case| !is_listed(case)) {
        let input = with_records_of(input(case), &["one", "two", "three"]);
        if !is_right(case, &input) {
            wrong.push(say(case, &input));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_relay_speaks_for_an_author_whose_line_is_missing() {
    let mut relayed = 0;
    for case in cases().iter().filter(|case| case["expects_failure"] == true && !is_listed(case)) {
        let analysis = Analysis::of(input(case).as_bytes());
        let author = analysis.groups[0].hop.clone().unwrap_or_default();
        let pod = author.split('.').next().unwrap_or_default();
        let others: Vec<&str> = input(case).lines().filter(|line| !line.starts_with(&format!("[pod/{pod}/"))).collect();
        let names_author = |line: &&&str| line.contains("via_upstream") && line.contains(&author) && line.contains("mw-cause");
        if !others.iter().any(|line| names_author(&line)) {
            continue;
        }
        relayed += 1;
        let analysis = Analysis::of(others.join("\n").as_bytes());
        let found: Vec<_> =
            analysis.groups.iter().map(|group| (group.hop.as_deref(), group.relayed_from.as_deref(), group.count)).collect();
        assert_eq!(found, [(Some(author.as_str()), Some(author.as_str()), 1)], "{}", id(case));
        assert_eq!(analysis.groups[0].verdict.confidence, Confidence::Likely, "{}", id(case));
        assert_eq!(case["expected_cause"], analysis.groups[0].verdict.cause.slug, "{}", id(case));
    }
    assert!(relayed >= 3, "only {relayed} cases have a relay");
}

/// What one of the two knows that the other does not: the record's cause, the line's, and why. An entry that is no longer needed
/// fails.
const KNOWN_TO_ONE: &[(&str, &str, &str)] = &[
    ("app-error", "rbac-denied", "the line holds the header of the proxy that refused"),
    ("grpc-error", "none", "the record holds the gRPC status"),
    ("plaintext-to-tls-port", "no-filter-chain", "the record holds what the TLS inspector said"),
];

/// Pod, connection and request of a line.
fn exchange(line: &str) -> Option<[String; 3]> {
    let (pod, _) = line.split_once("] ")?;
    let object: Value = serde_json::from_str(line.get(line.find('{')?..)?.trim_end()).ok()?;
    let text = |name: &str| object.get(name)?.as_str();
    let field = |name: &str| text(name).or_else(|| text(&format!("envoy.{name}")));
    let id = field("request_id").filter(|id| *id != "-").unwrap_or_default();
    Some([pod.to_owned(), field("downstream_remote_address")?.to_owned(), id.to_owned()])
}

#[test]
fn a_record_is_judged_as_the_line_of_its_request() {
    let mut compared = 0;
    let (mut wrong, mut listed) = (Vec::new(), Vec::new());
    for case in cases() {
        let first_slug = |line: &str| findings(line).first().map_or("none", |(slug, _)| *slug);
        let (records, lines): (Vec<&str>, Vec<&str>) = input(&case).lines().partition(|line| line.contains("meshwhy.record"));
        for record in records.into_iter().filter(|record| exchange(record).is_some()) {
            let Some(line) = lines.iter().find(|line| exchange(line) == exchange(record)) else { continue };
            let (record, line) = (first_slug(record), first_slug(line));
            let refines =
                |one: &str, other: &str| Cause::find(one).zip(Cause::find(other)).is_some_and(|(one, other)| one.refines(other));
            compared += 1;
            if record == line || refines(record, line) || refines(line, record) {
                continue;
            }
            match KNOWN_TO_ONE.iter().find(|known| (known.0, known.1) == (record, line)) {
                Some(known) => listed.push(known),
                None => wrong.push(format!("{}: record {record}, line {line}", id(&case))),
            }
        }
    }
    assert!(wrong.is_empty(), "of {compared}:\n{}", wrong.join("\n"));
    let needless: Vec<_> = KNOWN_TO_ONE.iter().filter(|known| !listed.contains(known)).collect();
    assert!(needless.is_empty(), "the list is stale: {needless:?}");
    assert!(compared > 150, "only {compared} records have their line");
}

#[test]
fn many_scenarios_in_one_input_count_as_each_alone() {
    for deployment in DEPLOYMENTS {
        let cases: Vec<Value> = cases().into_iter().filter(|case| case["deployment"] == deployment).collect();
        let sum = |found: Vec<(&'static str, u64)>| found.into_iter().map(|(_, count)| count).sum::<u64>();
        let alone: u64 = cases.iter().map(|case| sum(findings(input(case)))).sum();
        let together: Vec<&str> = cases.iter().map(|case| input(case).trim_end()).collect();
        assert_eq!(sum(findings(&together.join("\n"))), alone, "{deployment}");
    }
}

#[test]
fn joins_never_silence_a_failure() {
    let cases = cases();
    let lines: Vec<&str> = cases.iter().flat_map(|case| input(case).lines()).filter(|line| !findings(line).is_empty()).collect();
    let mut state = 1_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    for _ in 0..1_000 {
        // Neighbours share a request or a connection; without their prefix, all are of one source.
        let (start, anonymous) = (random(lines.len() - 8), random(2) == 0);
        let chosen: Vec<&str> = (0..1 + random(8)).map(|_| lines[start + random(8)]).collect();
        let bare = |line: &&str| line.split_once("] ").filter(|_| anonymous).map_or(*line, |(_, line)| line).to_owned();
        let input = chosen.iter().map(bare).collect::<Vec<_>>().join("\n");
        assert!(!findings(&input).is_empty(), "{input}");
    }
}
