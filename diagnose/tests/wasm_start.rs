//! Starts of proxies that fetch their Wasm module themselves, as Envoy 1.40 logged them: three listeners, two workers.
//!
//! `data/wasm-start/`: the module could be had or not, and the listeners were those of the bootstrap or came over LDS, as Istio's do.

#![allow(clippy::unwrap_used, reason = "a broken case must fail loudly")]

use meshwhy_core::Confidence;
use meshwhy_diagnose::Analysis;

const GOOD: [&str; 2] = [include_str!("data/wasm-start/good-static.log"), include_str!("data/wasm-start/good-lds.log")];
const FAILED: [&str; 2] = [include_str!("data/wasm-start/failed-static.log"), include_str!("data/wasm-start/failed-lds.log")];

const REQUEST: &str = r#"[2026-11-26T15:46:37.876Z] "GET /a HTTP/1.1" 503 NC cluster_not_found - "-" 0 0 0 - "-" "curl" "-" "shop:80" "-" - - 10.96.59.2:8900 10.244.22.9:50007 - -"#;

/// Cause, proxy and count.
type Finding = (&'static str, Option<String>, u64);

/// Every finding, and how many lines were not understood.
fn findings(log: &str) -> (Vec<Finding>, u64) {
    let Analysis { groups, tally, .. } = Analysis::of(log.as_bytes());
    let mut findings: Vec<_> = groups.into_iter().map(|group| (group.verdict.cause.slug, group.hop, group.count)).collect();
    findings.sort();
    (findings, tally.unreadable)
}

fn failed(proxy: Option<&str>, count: u64) -> Finding {
    ("wasm-load-failed", proxy.map(str::to_owned), count)
}

/// A line of Istio's `--logAsJson`.
fn as_json(line: &str) -> String {
    let parts: Vec<&str> = line.split('\t').collect();
    let [time, level, logger, message, thread] = parts.try_into().unwrap();
    let (scope, caller) = logger.rsplit_once(' ').unwrap();
    let thread = thread.trim_start_matches("thread=");
    format!(
        r#"{{"level":"{level}","time":"{time}","scope":"{scope}","msg":"{message}","caller":"{caller}","thread":"{thread}"}}"#
    )
}

/// What `kubectl logs --prefix` makes of several pods' logs: one line of each in turn.
fn interleaved(logs: &[(&str, String)]) -> String {
    let longest = logs.iter().map(|(_, log)| log.lines().count()).max().unwrap_or_default();
    let each = |at| logs.iter().filter_map(move |(pod, log)| Some(format!("[pod/{pod}/istio-proxy] {}\n", log.lines().nth(at)?)));
    (0..longest).flat_map(each).collect()
}

fn reversed(log: &str) -> String {
    log.lines().rev().flat_map(|line| [line, "\n"]).collect()
}

fn json(log: &str) -> String {
    log.lines().map(|line| as_json(line) + "\n").collect()
}

#[test]
fn a_good_start_is_no_finding() {
    for log in GOOD {
        for log in [log.to_owned(), json(log), reversed(log), interleaved(&[("a", log.to_owned())])] {
            assert_eq!(findings(&log), (Vec::new(), 0), "{log}");
            let tally = Analysis::of(log.as_bytes()).tally;
            assert_eq!((tally.healthy, tally.failed), (tally.read, 0));
        }
    }
}

#[test]
fn a_failed_start_counts_its_fetches() {
    for log in FAILED {
        for log in [log.to_owned(), json(log), reversed(log)] {
            assert_eq!(findings(&log), (vec![failed(None, 3)], 0), "{log}");
            assert_eq!(Analysis::of(log.as_bytes()).groups[0].verdict.confidence, Confidence::Certain);
        }
    }
}

#[test]
fn proxies_are_told_apart() {
    let logs = [
        ("a", GOOD[1].to_owned()),
        ("b", FAILED[1].to_owned()),
        ("c", json(GOOD[0])),
        ("d", json(FAILED[0])),
        ("e", "2026-11-26T15:46:41.945000Z\tcritical\tenvoy wasm\tPlugin meshwhy failed to load\tthread=1".to_owned()),
    ];
    let expected = (vec![failed(Some("b"), 3), failed(Some("d"), 3), failed(Some("e"), 1)], 0);
    assert_eq!(findings(&interleaved(&logs)), expected);
    assert_eq!(findings(&reversed(&interleaved(&logs))), expected);
}

#[test]
fn a_critical_line_alone_is_likely() {
    for line in GOOD[1].lines().filter(|line| line.contains("critical")) {
        let analysis = Analysis::of(line.as_bytes());
        let findings: Vec<_> = analysis.groups.iter().map(|group| (group.verdict.cause.slug, group.verdict.confidence)).collect();
        assert_eq!(findings, [("wasm-load-failed", Confidence::Likely)], "{line}");
    }
    let criticals = GOOD[1].lines().filter(|line| line.contains("critical")).flat_map(|line| [line, "\n"]).collect::<String>();
    assert_eq!(findings(&criticals), (vec![failed(None, 1)], 0));
}

#[test]
fn a_broken_module_counts_once() {
    let error = "2026-11-26T15:46:41.945000Z\terror\tenvoy wasm source/extensions/common/wasm/wasm.cc:104\tWasm VM failed Failed to load Wasm code\tthread=1\n";
    let rest: String = GOOD[1].lines().filter(|line| line.contains("critical")).flat_map(|line| [line, "\n"]).collect();
    assert_eq!(findings(&format!("{rest}{error}{rest}")), (vec![failed(None, 1)], 0));
}

#[test]
fn ten_thousand_pending_lines() {
    let log = GOOD[0].repeat(700) + REQUEST;
    assert_eq!(findings(&log), (vec![("no-cluster", None, 1)], 0));
    // Each proxy of a large mesh, more than are told apart: nothing but these lines is lost.
    let pending = GOOD[0].lines().find(|line| line.contains("in progress")).unwrap();
    let mesh: String = (0..21_000).map(|pod| format!("[pod/p{pod}/istio-proxy] {pending}\n")).collect();
    assert_eq!(findings(&format!("{mesh}{REQUEST}")), (vec![("no-cluster", None, 1)], 0));
}

/// Logs of some proxies, with or without those lines of their starts that tell of nothing but waiting.
#[test]
fn pending_lines_change_no_finding() {
    let waiting = |log: &'static str| log.lines().take_while(|line| !line.contains("Retry limit")).collect::<Vec<_>>();
    let failing = |log: &'static str| log.lines().skip_while(|line| !line.contains("Retry limit")).collect::<Vec<_>>();
    let mut state = 7_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    for _ in 0..60 {
        let mut open: Vec<(usize, Vec<(bool, &str)>)> = Vec::new();
        for proxy in 0..4 {
            let mut lines = Vec::new();
            for _ in 0..random(4) {
                let log = random(2);
                match random(4) {
                    0 => lines.extend(failing(FAILED[log]).into_iter().map(|line| (false, line))),
                    1 => lines.push((false, REQUEST)),
                    2 => lines.extend(waiting(FAILED[log]).into_iter().map(|line| (true, line))),
                    _ => lines.extend(waiting(GOOD[log]).into_iter().map(|line| (true, line))),
                }
            }
            lines.reverse();
            open.push((proxy, lines));
        }
        let (mut with, mut without) = (String::new(), String::new());
        while !open.is_empty() {
            let at = random(open.len());
            let (proxy, lines) = &mut open[at];
            let Some((is_pending, line)) = lines.pop() else {
                open.swap_remove(at);
                continue;
            };
            let line = format!("[pod/p{proxy}/istio-proxy] {line}\n");
            with.push_str(&line);
            if !is_pending {
                without.push_str(&line);
            }
        }
        assert_eq!(findings(&with).0, findings(&without).0, "{with}");
    }
}
