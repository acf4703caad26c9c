//! A whole diagnosis of a million lines, beside what people use instead: `cargo xtask bench diagnose`.
//!
//! The file is made from a seed, a tenth of its lines failing; smaller ones have no failures, one in a hundred, and nothing else. All take turns, three each, the page cache warm; the fastest turn counts.
//! What a machine lacks is said and left out. Before, ten times as many lines are read, and as many that all fail and have a path, a
//! host and a request of their own: it fails when they take more memory than they may.

#[path = "../../../logs/benches/access_log/generate.rs"]
mod generate;
mod memory;
#[path = "../../../logs/benches/shared/pick.rs"]
mod pick;

use std::collections::BTreeMap;
use std::env;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use generate::{Outcome, lines};
use meshwhy_diagnose::Collector;

const LINES: usize = 1_000_000;
/// Lines of the logs whose share of failures differs.
const SHARE_LINES: usize = 200_000;
const SEED: u64 = 20_261_127;
const TURNS: usize = 3;

/// The least that anybody can type; `FILE` is the log.
const GREP: (&str, &str) = ("grep -c", "grep -c '\"response_flags\":\"U' FILE | cat");
/// What people type instead. None of them names a cause.
const PEERS: [(&str, &str); 4] = [
    GREP,
    (
        "awk, counting flags",
        "awk 'match($0,/\"response_flags\":\"[^\"]*/){n[substr($0,RSTART,RLENGTH)]++} END{for(k in n)print n[k],k}' FILE",
    ),
    ("jq | sort | uniq -c", "jq -r '[.response_code,.response_flags,.upstream_cluster]|@tsv' FILE | sort | uniq -c"),
    (
        "DuckDB, three columns",
        "python3 -c \"import duckdb; duckdb.sql(\\\"select response_code, response_flags, upstream_cluster, count(*) from read_json('FILE', format='newline_delimited', columns={response_code:'INT', response_flags:'VARCHAR', upstream_cluster:'VARCHAR'}) group by all\\\").fetchall()\"",
    ),
];

fn main() -> ExitCode {
    // Making the log takes more memory than reading it, so another process reads it.
    let mut arguments = env::args().skip_while(|argument| argument != memory::ARGUMENT);
    let done = match arguments.nth(1) {
        Some(log) => memory::measure(Path::new(&log)),
        None => run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let log = Log::new("access", LINES, 10)?;
    let status = Command::new(env::current_exe()?).arg(memory::ARGUMENT).arg(&log.json).status()?;
    if !status.success() {
        return Err(io::Error::other("too much memory"));
    }
    let mut fastest = Fastest::default();
    for _ in 0..TURNS {
        for (name, path) in [("meshwhy", &log.json), ("meshwhy, the same lines as TEXT", &log.text)] {
            fastest.turn(name, log.diagnosis(path)?);
        }
        for (name, command) in PEERS {
            match peer(command, &log.json) {
                Some(time) => fastest.turn(name, time),
                None => eprintln!("not run: {name}, since this machine lacks it"),
            }
        }
    }
    let megabytes = log.json.metadata()?.len() as f64 / 1e6;
    println!("{LINES} lines, {megabytes:.0} MB, {} failing, {} cores", log.failing, rayon::current_num_threads());
    fastest.print("meshwhy");
    for percent in [0, 1, 100] {
        let log = Log::new("share", SHARE_LINES, percent)?;
        let mut fastest = Fastest::default();
        for _ in 0..TURNS {
            fastest.turn("meshwhy", log.diagnosis(&log.json)?);
            fastest.turn("meshwhy, the same lines as TEXT", log.diagnosis(&log.text)?);
            if let Some(time) = peer(GREP.1, &log.json) {
                fastest.turn(GREP.0, time);
            }
        }
        println!("\n{SHARE_LINES} lines, {percent} % failing");
        fastest.print("meshwhy");
    }
    Ok(())
}

/// The fastest turn of each.
#[derive(Default)]
struct Fastest(BTreeMap<&'static str, Duration>);

impl Fastest {
    fn turn(&mut self, name: &'static str, time: Duration) {
        let best = self.0.entry(name).or_insert(time);
        *best = time.min(*best);
    }

    fn print(&self, ours: &str) {
        let ours = self.0.get(ours).copied().unwrap_or_default().as_secs_f64();
        println!("| what | time | of ours |\n| --- | ---: | ---: |");
        for (name, time) in &self.0 {
            println!("| {name} | {:.3} s | {:.2} |", time.as_secs_f64(), time.as_secs_f64() / ours);
        }
    }
}

/// A log in both encodings.
struct Log {
    json: PathBuf,
    text: PathBuf,
    /// How many of its lines fail.
    failing: u64,
}

impl Log {
    /// A log of so many lines, of which some fail, evenly spread.
    fn new(name: &str, count: usize, percent: usize) -> io::Result<Self> {
        let path = |ending: &str| Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.{ending}"));
        let log = Self { json: path("jsonl"), text: path("log"), failing: (count / 100 * percent) as u64 };
        let [mut json, mut text] = [BufWriter::new(File::create(&log.json)?), BufWriter::new(File::create(&log.text)?)];
        let failing = lines(SEED, count / 100 * percent, Outcome::Failing);
        let healthy = lines(SEED, count / 100 * (100 - percent), Outcome::Healthy);
        let (mut failing, mut healthy) = (failing.iter(), healthy.iter());
        for at in 0..count {
            let is_failing = at % 100 * percent % 100 < percent;
            let line =
                if is_failing { failing.next().or_else(|| healthy.next()) } else { healthy.next().or_else(|| failing.next()) };
            if let Some(line) = line {
                writeln!(json, "{}", line.json)?;
                writeln!(text, "{}", line.text)?;
            }
        }
        json.flush()?;
        text.flush()?;
        Ok(log)
    }

    /// How long a diagnosis takes, which must find every failure.
    fn diagnosis(&self, path: &Path) -> io::Result<Duration> {
        let start = Instant::now();
        let mut collector = Collector::default();
        collector.read(0, None, &mut File::open(path)?)?;
        let analysis = collector.finish();
        let time = start.elapsed();
        let counted: u64 = analysis.groups.iter().map(|group| group.count).sum();
        if counted == self.failing {
            return Ok(time);
        }
        Err(io::Error::other(format!("{}: {counted} failures found, {} made", path.display(), self.failing)))
    }
}

/// How long a command takes; `None` where it fails.
fn peer(command: &str, path: &Path) -> Option<Duration> {
    let command = command.replace("FILE", &path.display().to_string());
    let start = Instant::now();
    let status = Command::new("sh").args(["-c", &command]).stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?;
    status.success().then(|| start.elapsed())
}
