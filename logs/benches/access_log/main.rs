//! How fast access logs are read, against `serde_json` into a struct of borrowed fields: `cargo xtask bench logs`.
//!
//! The lines are generated from a seed. Both sides take turns on the same lines, round after round, so that a noisy machine
//! disturbs both; what counts is the median of the rounds' ratios.

mod generate;
#[path = "../shared/pick.rs"]
mod pick;
#[path = "../shared/processor.rs"]
mod processor;

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use generate::{Outcome, RequestLines, lines};
use meshwhy_core::judge;
use meshwhy_logs::{Formats, LineContent, parse_line};
use processor::on_processor;
use serde::Deserialize;

/// Lines of each encoding, half of them healthy.
const LINES: usize = 200_000;
const ROUNDS: usize = 9;
const SEED: u64 = 0x6d65_7368_7768_7921;

fn main() -> ExitCode {
    let healthy = lines(SEED, LINES / 2, Outcome::Healthy);
    let failing = lines(SEED + 1, LINES / 2, Outcome::Failing);
    check(&healthy, &failing);
    println!("{LINES} lines per encoding, {ROUNDS} rounds, seed {SEED:#x}; ns per line, median of the rounds\n");
    println!("{:<34} {:>9} {:>11} {:>7} {:>7}", "", "meshwhy", "serde_json", "ratio", "wanted");
    let passed = [
        compare("JSON, healthy: classify", &healthy, json, classify, 2.0),
        compare("JSON, failing: parse and judge", &failing, json, verdict, 1.0),
        compare("TEXT, healthy: classify", &healthy, text, classify, 2.0),
        compare("TEXT, failing: parse and judge", &failing, text, verdict, 1.0),
    ];
    println!();
    for (name, lines) in [("JSON", json as Encoding), ("TEXT", text)] {
        let parse = |line: &[u8]| black_box(parse_line(line, &Formats::default())).truncated;
        let took = median((0..ROUNDS).map(|_| measure(&failing, lines, parse)).collect());
        println!("{name}, failing: parse alone {:>15.0}", per_line(took, failing.len()));
    }
    if passed.iter().all(|passed| *passed) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Picks one encoding of a line.
type Encoding = fn(&RequestLines) -> &str;

fn json(line: &RequestLines) -> &str {
    &line.json
}

fn text(line: &RequestLines) -> &str {
    &line.text
}

/// Both encodings of every line must come out as what they were made to be, or the times mean nothing.
fn check(healthy: &[RequestLines], failing: &[RequestLines]) {
    for (lines, wanted) in [(healthy, false), (failing, true)] {
        for line in lines {
            for text in [&line.json, &line.text] {
                assert_eq!(verdict(text.as_bytes()), wanted, "{text}");
            }
            assert!(reference(line.json.as_bytes()), "{}", line.json);
        }
    }
}

fn classify(line: &[u8]) -> bool {
    matches!(parse_line(line, &Formats::default()).content, LineContent::Healthy(_))
}

fn verdict(line: &[u8]) -> bool {
    match parse_line(line, &Formats::default()).content {
        LineContent::Facts(facts, _) => judge(&facts).is_some(),
        _ => false,
    }
}

/// Times ours on one encoding against `serde_json` on the same requests in JSON; prints and says whether it is fast enough.
fn compare(name: &str, lines: &[RequestLines], encoding: Encoding, ours: fn(&[u8]) -> bool, wanted: f64) -> bool {
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        let time = |first: bool| if first { measure(lines, encoding, ours) } else { measure(lines, json, reference) };
        let (one, other) = (time(round % 2 == 0), time(round % 2 != 0));
        rounds.push(if round % 2 == 0 { (one, other) } else { (other, one) });
    }
    let ratio = median(rounds.iter().map(|(ours, theirs)| theirs.as_secs_f64() / ours.as_secs_f64()).collect());
    let [ours, theirs] =
        [median(rounds.iter().map(|(ours, _)| *ours).collect()), median(rounds.iter().map(|(_, theirs)| *theirs).collect())];
    let passed = ratio >= wanted;
    println!(
        "{name:<34} {:>9.0} {:>11.0} {ratio:>6.2}x {wanted:>6.1}x {}",
        per_line(ours, lines.len()),
        per_line(theirs, lines.len()),
        if passed { "PASS" } else { "FAIL" }
    );
    passed
}

fn measure(lines: &[RequestLines], encoding: Encoding, read: impl Fn(&[u8]) -> bool) -> Duration {
    let start = Clock::now();
    let mut count = 0_usize;
    for line in lines {
        count += usize::from(read(black_box(encoding(line).as_bytes())));
    }
    black_box(count);
    start.elapsed()
}

/// Time on a processor where the system tells it, so that other programs count less; else time on the wall.
enum Clock {
    Processor(Duration),
    Wall(Instant),
}

impl Clock {
    fn now() -> Self {
        on_processor().map_or_else(|| Self::Wall(Instant::now()), Self::Processor)
    }

    fn elapsed(&self) -> Duration {
        match self {
            Self::Processor(start) => on_processor().unwrap_or_default().saturating_sub(*start),
            Self::Wall(start) => start.elapsed(),
        }
    }
}

fn median<T: PartialOrd + Copy + Default>(mut values: Vec<T>) -> T {
    values.sort_by(|one, other| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal));
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn per_line(took: Duration, lines: usize) -> f64 {
    took.as_secs_f64() * 1e9 / lines as f64
}

/// Istio's 24 keys, borrowed.
#[derive(Deserialize)]
#[expect(dead_code, reason = "what is compared with is reading them")]
struct Reference<'a> {
    authority: Option<&'a str>,
    bytes_received: u64,
    bytes_sent: u64,
    connection_termination_details: Option<&'a str>,
    downstream_local_address: Option<&'a str>,
    downstream_remote_address: Option<&'a str>,
    duration: u64,
    method: Option<&'a str>,
    path: Option<&'a str>,
    protocol: Option<&'a str>,
    request_id: Option<&'a str>,
    requested_server_name: Option<&'a str>,
    response_code: u16,
    response_code_details: Option<&'a str>,
    response_flags: &'a str,
    route_name: Option<&'a str>,
    start_time: &'a str,
    upstream_cluster: Option<&'a str>,
    upstream_host: Option<&'a str>,
    upstream_local_address: Option<&'a str>,
    upstream_service_time: Option<&'a str>,
    upstream_transport_failure_reason: Option<&'a str>,
    user_agent: Option<&'a str>,
    x_forwarded_for: Option<&'a str>,
}

/// Checking the whole line first and reading it as a text is the faster way to use `serde_json` on bytes.
fn reference(line: &[u8]) -> bool {
    let text = std::str::from_utf8(line).ok();
    text.and_then(|text| serde_json::from_str::<Reference<'_>>(text).ok()).map(black_box).is_some()
}
