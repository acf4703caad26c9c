//! Trace context that an application gets and does not hand on.

#![allow(clippy::unwrap_used, reason = "a broken case must fail loudly")]

use meshwhy_diagnose::{Analysis, Group};

const HEADER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// So many healthy lines of a pod, of which some have the header.
fn lines(pod: &str, cluster: &str, all: usize, with: usize) -> String {
    let line = |at: usize| {
        let header = if at < with { HEADER } else { "-" };
        format!(
            r#"[pod/{pod}/istio-proxy] {{"method":"GET","response_code":200,"response_code_details":"via_upstream","response_flags":"-","route_name":"default","start_time":"2026-11-21T06:00:00.000Z","traceparent":"{header}","upstream_cluster":"{cluster}"}}"#
        ) + "\n"
    };
    (0..all).map(line).collect()
}

fn gaps(input: &str) -> Vec<Group> {
    let Analysis { groups, totals, .. } = Analysis::of(input.as_bytes());
    assert_eq!((totals.lines, totals.failed), (totals.healthy, 0));
    groups
}

const IN: &str = "inbound|8080||";
const OUT: &str = "outbound|80||cart.shop.svc.cluster.local";

#[test]
fn an_application_that_drops_the_header_is_named() {
    let dropping = lines("web-1", IN, 100, 96) + &lines("web-1", OUT, 200, 3);
    let found = gaps(&(dropping + &lines("api-1", IN, 100, 96) + &lines("api-1", OUT, 200, 190)));
    assert_eq!(found.len(), 1);
    let gap = found.first().unwrap();
    assert_eq!((gap.verdict.cause.slug, gap.hop.as_deref()), ("trace-context-missing", Some("web-1")));
    assert_eq!((gap.count, gap.traffic), (197, 200));
    let shown: Vec<&str> = gap.evidence.iter().map(|fact| fact.value.as_str()).collect();
    assert_eq!(shown, ["traceparent", "96 of 100", "3 of 200"]);
}

#[test]
fn what_chance_explains_or_nobody_sent_is_no_gap() {
    let both = |inbound: (usize, usize), outbound: (usize, usize)| {
        gaps(&(lines("web-1", IN, inbound.0, inbound.1) + &lines("web-1", OUT, outbound.0, outbound.1))).len()
    };
    assert_eq!(both((100, 0), (100, 0)), 0, "nobody traces");
    assert_eq!(both((100, 60), (100, 50)), 0, "chance");
    assert_eq!(both((20, 20), (20, 0)), 0, "too few");
    assert_eq!(both((100, 20), (100, 90)), 0, "the other way round");
    assert_eq!(both((100, 90), (100, 10)), 1);
}
