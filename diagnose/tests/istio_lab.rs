//! Lines of a real Istio 1.29 mesh with Envoy 1.40, judged by the function behind `meshwhy explain`.
//!
//! `data/istio-lab.jsonl`: 81 cases, failures and healthy controls, with the log lines of every proxy on the way.

#![allow(clippy::unwrap_used, reason = "a broken case must fail loudly")]

use meshwhy_diagnose::Analysis;
use serde_json::Value;

/// Cases whose lines do not decide them, and why. An entry that is no longer needed fails.
const MISSED: &[(&str, &str)] =
    &[("grpc-unimplemented", "the grpc-status of the application is in no field of the log: `200 - via_upstream`")];

/// Of the cases with lines, how many of a hundred must be right.
const WANTED_PERCENT: usize = 97;

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

fn is_right(case: &Value) -> bool {
    let accepted =
        |slug: &str| case["expected_cause"] == slug || case["also_accept"].as_array().unwrap().iter().any(|other| other == slug);
    match slugs(case).first() {
        _ if case["expects_failure"] == false => slugs(case).is_empty(),
        Some(slug) => accepted(slug),
        None => accepted("none-success"),
    }
}

#[test]
fn the_right_cause_comes_first_and_healthy_controls_give_none() {
    let with_lines: Vec<Value> = cases().into_iter().filter(|case| !input(case).is_empty()).collect();
    let wrong: Vec<&Value> = with_lines.iter().filter(|case| !is_right(case)).collect();
    let ids: Vec<&str> = wrong.iter().map(|case| case["id"].as_str().unwrap()).collect();
    let listed: Vec<&str> = MISSED.iter().map(|(id, _)| *id).collect();
    let say = |case: &&Value| format!("{}: expected {}, got {:?}", case["id"], case["expected_cause"], slugs(case));
    assert_eq!(ids, listed, "the list of misses is stale:\n{}", wrong.iter().map(say).collect::<Vec<_>>().join("\n"));
    assert!(
        (with_lines.len() - wrong.len()) * 100 >= with_lines.len() * WANTED_PERCENT,
        "{} of {} are wrong",
        wrong.len(),
        with_lines.len()
    );
    assert!(with_lines.len() >= 78, "only {} cases have lines", with_lines.len());
}

#[test]
fn every_line_of_the_mesh_is_understood() {
    for case in cases() {
        assert_eq!(Analysis::of(input(&case).as_bytes()).tally.unreadable, 0, "{}", case["id"]);
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

/// `client sidecar (web.orders)`, `server sidecar (orders.shop2)`, `application (tickets)`, `ingress gateway`.
fn decider(hop: &str) -> Option<&str> {
    if hop == "ingress gateway" {
        return Some("istio-ingressgateway");
    }
    hop.split_once('(')?.1.split(['.', ')', ' ']).next()
}

#[test]
fn the_hop_that_decided_is_named() {
    let several = |case: &Value| case["logs"].as_object().unwrap().values().filter(|lines| lines[0].is_string()).count() > 1;
    let mut named = 0;
    let mut wrong = Vec::new();
    for case in cases().iter().filter(|case| case["expects_failure"] == true && several(case)) {
        let analysis = Analysis::of(input(case).as_bytes());
        let hop = analysis.groups[0].hop.as_deref().unwrap_or_default();
        let expected = case["hop"].as_str().unwrap();
        let pods = case["logs"].as_object().unwrap();
        // Where the record tells the story of both ends, the caller speaks.
        let Some(decider) = decider(expected).filter(|name| pods.contains_key(*name)) else { continue };
        named += 1;
        if hop != decider {
            wrong.push(format!("{}: {expected}, got {hop}", case["id"]));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(named >= 4, "only {named} cases name one of their proxies");
}
