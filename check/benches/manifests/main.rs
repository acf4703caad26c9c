//! How fast a mesh is checked, how that grows, and whether every mistake in it is found where it is: `cargo xtask bench check`.
//!
//! The mesh is made, with a mistake in one document of a hundred; the same seed gives the same mesh. Limits hold for two cores.

mod mesh;

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use meshwhy_check::kept::KeptFiles;
use meshwhy_check::report::{CheckReport, CheckRequest, check};
use meshwhy_check::source::Source;
use meshwhy_core::catalogue::texts::Lang;

use crate::mesh::Mesh;

const SEED: u64 = 20_261_127;
/// Documents, longest time for them, most memory.
const SIZES: [(usize, Duration, u64); 2] = [(5_000, Duration::from_millis(250), 250), (50_000, Duration::from_secs(2), 250)];
/// Ten times the documents may take this many times the time.
const GROWTH: f64 = 12.0;
/// Longest time for the answer to a change of one file among the fewer documents.
const CHANGE: Duration = Duration::from_millis(50);
/// Set for a run of its own: memory is that of a process.
const DOCUMENTS: &str = "MESHWHY_BENCH_DOCUMENTS";

fn main() -> ExitCode {
    if let Some(documents) = std::env::var(DOCUMENTS).ok().and_then(|documents| documents.parse().ok()) {
        return alone(documents);
    }
    let mut is_met = true;
    let mut times = Vec::new();
    println!("| documents | MB | time | limit | memory (files included) | limit | mistakes found | found beside them |");
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for (documents, limit, memory_limit) in SIZES {
        let mesh = Mesh::new(documents, SEED);
        let megabytes = mesh.files.iter().map(|file| file.text.len()).sum::<usize>() as f64 / 1e6;
        let time = (0..5).map(|_| timed(&mesh.files).0).min().unwrap_or_default();
        let report = timed(&mesh.files).1;
        let (missed, beside) = compare(&mesh, &report);
        let memory = memory_of(documents);
        let found = mesh.mistakes.len() - missed.len();
        println!(
            "| {documents} | {megabytes:.1} | {:.3} s | {:.2} s | {memory} MB | {memory_limit} MB | {found} of {} | {} |",
            time.as_secs_f64(),
            limit.as_secs_f64(),
            mesh.mistakes.len(),
            beside.len(),
        );
        missed.iter().take(10).for_each(|mistake| println!("not found: {mistake:?}"));
        beside.iter().take(10).for_each(|finding| println!("found where nothing is wrong: {finding:?}"));
        is_met &= missed.is_empty() && beside.is_empty() && time <= limit && memory <= memory_limit;
        times.push(time.as_secs_f64());
    }
    let change = after_a_change();
    println!(
        "one file of {} documents changed: {:.0} ms (limit {} ms)",
        SIZES[0].0,
        change.as_secs_f64() * 1e3,
        CHANGE.as_millis()
    );
    is_met &= change <= CHANGE;
    if let [small, large] = times.as_slice() {
        println!("growth: {:.1} times for ten times the documents (limit {GROWTH})", large / small);
        is_met &= large / small <= GROWTH;
    }
    if is_met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// How long the answer to a change of one file takes, with all others read.
fn after_a_change() -> Duration {
    let (documents, ..) = SIZES[0];
    let mesh = Mesh::new(documents, SEED);
    let Some(first) = mesh.files.first().cloned() else { return Duration::ZERO };
    let mut files = KeptFiles::new(mesh.files);
    let once = |_| {
        let start = Instant::now();
        files.put(&first.name, first.text.clone());
        drop(files.check(&CheckRequest::default(), Lang::En));
        start.elapsed()
    };
    (0..10).map(once).min().unwrap_or_default()
}

fn timed(files: &[Source]) -> (Duration, CheckReport) {
    let start = Instant::now();
    let report = check(files, &CheckRequest::default(), Lang::En);
    (start.elapsed(), report)
}

/// File, line and slug of a finding.
type Spot<'a> = (&'a str, u32, &'a str);

/// What was not found, and what was found beside the mistakes.
fn compare<'a>(mesh: &'a Mesh, report: &'a CheckReport) -> (Vec<Spot<'a>>, Vec<Spot<'a>>) {
    let made: BTreeSet<Spot<'_>> =
        mesh.mistakes.iter().map(|mistake| (mistake.file.as_str(), mistake.line, mistake.slug)).collect();
    let found: BTreeSet<Spot<'_>> =
        report.findings.iter().map(|finding| (finding.at.file.as_str(), finding.at.line, finding.slug)).collect();
    (made.difference(&found).copied().collect(), found.difference(&made).copied().collect())
}

/// Checks once and prints the most memory that this process ever had, in kB.
fn alone(documents: usize) -> ExitCode {
    let mesh = Mesh::new(documents, SEED);
    let report = timed(&mesh.files).1;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0").trim().trim_end_matches(" kB");
    println!("{peak}");
    if report.documents == 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The most memory of a process that checks so many documents, in MB; 0 where the system does not say.
fn memory_of(documents: usize) -> u64 {
    let program = std::env::current_exe().unwrap_or_default();
    let output = Command::new(program).env(DOCUMENTS, documents.to_string()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.trim().parse::<u64>().unwrap_or_default() / 1000
}
