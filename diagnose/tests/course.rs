//! How failures went on over time, whose traffic they are a share of, and what made them.

#![allow(clippy::unwrap_used, reason = "a broken case must fail loudly")]

use meshwhy_diagnose::{Analysis, BurstReason, Course, Group};

/// A line of a sidecar in the second of an hour.
fn line(second: u64, outcome: &str, cluster: &str) -> String {
    let (minute, second) = (second / 60, second % 60);
    format!(
        r#"[2026-11-21T06:{minute:02}:{second:02}.000Z] "GET /a HTTP/1.1" {outcome} - "-" 0 0 0 - "-" "curl" "-" "shop:80" "-" {cluster} - 10.96.59.2:8900 10.244.22.9:50007 - -"#
    )
}

const HEALTHY: &str = "200 - via_upstream";
const NO_CLUSTER: &str = "503 NC cluster_not_found";
const CLOSED: &str = "503 UC upstream_reset_before_response_started{connection_termination}";
const NO_HOST: &str = "503 UH no_healthy_upstream";
const REFUSED: &str =
    "503 UF upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}";
const SHOP: &str = "outbound|80||shop.a.svc.cluster.local";
const CART: &str = "outbound|80||cart.a.svc.cluster.local";
const MAIL: &str = "outbound|80||mail.a.svc.cluster.local";

/// An hour of healthy requests, one every ten seconds, and others.
fn hour(others: impl IntoIterator<Item = String>) -> Vec<Group> {
    let healthy = (0..360).map(|at| line(at * 10, HEALTHY, SHOP));
    let lines: Vec<String> = healthy.chain(others).collect();
    Analysis::of(lines.join("\n").as_bytes()).groups
}

fn course(outcome: &str, seconds: impl IntoIterator<Item = u64>) -> (Option<Course>, Option<BurstReason>) {
    let groups = hour(seconds.into_iter().map(|second| line(second, outcome, SHOP)));
    assert_eq!(groups.len(), 1);
    groups.first().map(|group| (group.course, group.burst_reason)).unwrap()
}

#[test]
fn failures_are_a_share_of_what_their_cluster_was_asked() {
    let failures = (0..40).map(|at| line(at, CLOSED, SHOP)).chain((0..7).map(|at| line(at, CLOSED, CART)));
    let mut shares: Vec<_> = hour(failures).iter().map(|group| (group.count, group.traffic)).collect();
    shares.sort_unstable();
    assert_eq!(shares, [(7, 7), (40, 400)]);
}

#[test]
fn the_course_of_failures_is_told() {
    assert_eq!(course(CLOSED, (0..180).map(|at| at * 20)).0, Some(Course::Steady));
    assert_eq!(course(CLOSED, (0..100).map(|at| 2_600 + at * 10)).0, Some(Course::Onset));
    assert_eq!(course(CLOSED, (0..60).map(|at| 600 + at)).0, Some(Course::Burst));
    let spells = [100, 900, 1_700, 2_500, 3_300].into_iter().flat_map(|start| (0..50).map(move |at| start + at));
    assert_eq!(course(CLOSED, spells).0, Some(Course::Flapping));
    // Too few to say.
    assert_eq!(course(CLOSED, [5, 6]).0, None);
}

#[test]
fn a_burst_that_ends_by_itself_has_a_reason_where_there_is_one() {
    assert_eq!(course(NO_CLUSTER, (0..30).map(|at| 600 + at)), (Some(Course::Burst), Some(BurstReason::OrderOfChanges)));
    assert_eq!(course(CLOSED, (0..30).map(|at| 600 + at)), (Some(Course::Burst), None));
    let everywhere = [SHOP, CART, MAIL].into_iter().flat_map(|cluster| (0..12).map(move |at| line(600 + at, CLOSED, cluster)));
    let groups = hour(everywhere);
    assert_eq!(groups.len(), 3);
    assert!(groups.iter().all(|group| group.burst_reason == Some(BurstReason::ListenerUpdate)), "{groups:?}");
}

#[test]
fn endpoints_that_were_taken_out_were_not_reached_before() {
    let refused = |start: u64| (0..5).map(move |at| line(start + at, REFUSED, SHOP));
    let empty = (0..50).map(|at| line(700 + at, NO_HOST, SHOP));
    let causes = |groups: Vec<Group>| -> Vec<_> {
        let mut causes: Vec<_> =
            groups.iter().map(|group| (group.verdict.cause.slug, group.caused_by.map(|cause| cause.slug))).collect();
        causes.sort_unstable();
        causes
    };
    let (empty_cause, root) = ("no-healthy-endpoints", "upstream-connection-refused");
    assert_eq!(causes(hour(refused(600).chain(empty.clone()))), [(empty_cause, Some(root)), (root, None)]);
    // What came later, or at another cluster, explains nothing.
    assert_eq!(causes(hour(refused(900).chain(empty.clone()))), [(empty_cause, None), (root, None)]);
    let elsewhere = refused(600).map(|line| line.replace(SHOP, CART));
    assert_eq!(causes(hour(elsewhere.chain(empty))), [(empty_cause, None), (root, None)]);
}
