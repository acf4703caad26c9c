//! How fast lines are passed over that are none of ours, in MB per second of processor time: `cargo bench -p meshwhy-logs --bench
//! other_lines`.
//!
//! The lines are generated from a seed and read as a file of theirs would be; the fastest of the rounds counts.

mod generate;
#[path = "../shared/pick.rs"]
mod pick;
#[path = "../shared/processor.rs"]
mod processor;

use std::hint::black_box;
use std::time::{Duration, Instant};

use generate::{Log, logs};
use meshwhy_logs::{Formats, Items, LineContent};
use processor::on_processor;

const BYTES: usize = 1_000_000;
const ROUNDS: usize = 5;
const SEED: u64 = 0x6d65_7368_7768_7921;

fn main() {
    println!("{BYTES} bytes of each, fastest of {ROUNDS} rounds, seed {SEED:#x}\n");
    for Log { name, text } in logs(SEED, BYTES) {
        let fastest = (0..ROUNDS).map(|_| pass(&text)).min().unwrap_or_default();
        let lines = text.lines().count();
        let (per_second, per_line) =
            (text.len() as f64 / fastest.as_secs_f64() / 1e6, fastest.as_secs_f64() * 1e9 / lines as f64);
        println!("{name:<34} {per_second:>7.1} MB/s {per_line:>7.0} ns per line");
    }
}

/// Reads all lines; none of them may be taken for one of ours.
fn pass(text: &str) -> Duration {
    let start = on_processor();
    let wall = Instant::now();
    let formats = Formats::default();
    let mut reader = Items::over(black_box(text.as_bytes()), &[], &formats);
    while let Some(item) = reader.next_item() {
        assert_eq!(item.line.content, LineContent::Unreadable, "{}", String::from_utf8_lossy(item.bytes));
    }
    match (start, on_processor()) {
        (Some(start), Some(end)) => end.saturating_sub(start),
        _ => wall.elapsed(),
    }
}
