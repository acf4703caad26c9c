//! Lines of a real Istio 1.29 mesh with Envoy 1.40, judged by the function behind `meshwhy explain`.
//!
//! `data/istio-lab.jsonl`: 81 cases, failures and healthy controls, with the log lines of every proxy on the way.

#![allow(clippy::unwrap_used, reason = "a broken case must fail loudly")]

use meshwhy::analysis::Analysis;
use meshwhy_core::Cause;
use serde_json::Value;

/// Cases whose proxies wrote no line that tells of the failure.
const SILENT: &[(&str, &str)] = &[
    ("grpc-unimplemented", "the grpc-status of the application is in no field of the log: `200 - via_upstream`"),
    ("gw-passthrough-with-http-routes", "no listener, so nobody wrote a line"),
    ("gw-mutual-no-client-cert", "Envoy logs no failed server-side handshake"),
    ("strict-wrong-client-tls", "Envoy logs no failed server-side handshake"),
];

fn cases() -> Vec<Value> {
    include_str!("data/istio-lab.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn input(case: &Value) -> String {
    let proxies = case["logs"].as_object().unwrap().iter();
    let lines =
        proxies.flat_map(|(proxy, lines)| lines.as_array().unwrap().iter().map(move |line| (proxy, line.as_str().unwrap())));
    lines.map(|(proxy, line)| format!("[pod/{proxy}/istio-proxy] {line}\n")).collect()
}

fn slugs(case: &Value) -> Vec<&'static str> {
    Analysis::of(input(case).as_bytes()).groups.iter().map(|group| group.verdict.cause.slug).collect()
}

fn is_silent(case: &Value) -> bool {
    SILENT.iter().any(|(id, _)| case["id"] == *id)
}

#[test]
fn every_failure_of_a_known_cause_is_named_first() {
    let mut wrong = Vec::new();
    let mut judged = 0;
    for case in cases() {
        let expected = case["expected_cause"].as_str().unwrap();
        let known = Cause::find(expected).is_some() && expected != "unknown";
        if case["expects_failure"] == false || !known || is_silent(&case) {
            continue;
        }
        judged += 1;
        let slugs = slugs(&case);
        let accepted =
            |slug: &&str| *slug == expected || case["also_accept"].as_array().unwrap().iter().any(|other| other == *slug);
        if !slugs.first().is_some_and(accepted) {
            wrong.push(format!("{}: expected {expected}, got {slugs:?}", case["id"]));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(judged >= 50, "only {judged} cases were judged");
}

#[test]
fn healthy_controls_give_no_verdict() {
    let healthy = cases().into_iter().filter(|case| case["expects_failure"] == false);
    let wrong: Vec<_> =
        healthy.map(|case| (case["id"].to_string(), slugs(&case))).filter(|(_, slugs)| !slugs.is_empty()).collect();
    assert_eq!(wrong, []);
}

#[test]
fn every_line_of_the_mesh_is_understood() {
    for case in cases() {
        assert_eq!(Analysis::of(input(&case).as_bytes()).tally.unreadable, 0, "{}", case["id"]);
    }
}

#[test]
fn silent_cases_are_silent_and_listed() {
    let silent: Vec<String> = cases()
        .iter()
        .filter(|case| case["expects_failure"] == true && slugs(case).is_empty())
        .map(|case| case["id"].as_str().unwrap().to_owned())
        .collect();
    for (id, reason) in SILENT {
        assert!(silent.iter().any(|case| case == id), "{id} is not silent any more: {reason}");
    }
}

#[test]
fn two_hops_tell_one_story() {
    for (id, slug) in [
        ("mtls-dr-disable-strict", "plaintext-to-tls-port"),
        ("mtls-strict-portlevel-mismatch", "plaintext-to-tls-port"),
        ("mtls-istio-mutual-vs-disable", "tls-to-plaintext-port"),
        ("mtls-namespace-denied", "rbac-denied"),
        ("mh-app-500", "app-error"),
        ("mh-frontend-500-because-backend-refused", "upstream-connection-refused"),
    ] {
        let case = cases().into_iter().find(|case| case["id"] == id).unwrap();
        let analysis = Analysis::of(input(&case).as_bytes());
        assert_eq!(slugs(&case), [slug], "{id}");
        let lines = u64::try_from(input(&case).lines().count()).unwrap();
        assert_eq!(analysis.groups[0].lines, (1..=lines).collect::<Vec<_>>(), "{id}");
    }
}
