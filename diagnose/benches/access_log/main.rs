//! A whole diagnosis of a million lines, beside what people use instead: `cargo xtask bench diagnose`.
//!
//! The file is made from a seed, a tenth of its lines failing. All take turns, three each, the page cache warm; the fastest turn counts.
//! What a machine lacks is said and left out.

#[path = "../../../logs/benches/access_log/generate.rs"]
mod generate;
#[path = "../../../logs/benches/shared/pick.rs"]
mod pick;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use generate::{Outcome, lines};
use meshwhy_diagnose::{Analysis, Collector};

const LINES: usize = 1_000_000;
const SEED: u64 = 20_261_127;
const TURNS: usize = 3;

/// What people type instead; `FILE` is the log. None of them names a cause.
const PEERS: [(&str, &str); 4] = [
    ("grep -c", "grep -c '\"response_flags\":\"U' FILE | cat"),
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
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let ([path, text], failing) = files()?;
    let megabytes = path.metadata()?.len() as f64 / 1e6;
    let mut fastest: BTreeMap<&str, Duration> = BTreeMap::new();
    let mut turn = |name: &'static str, time: Duration| {
        let best = fastest.entry(name).or_insert(time);
        *best = time.min(*best);
    };
    for _ in 0..TURNS {
        for (name, path) in [("meshwhy", &path), ("meshwhy, the same lines as TEXT", &text)] {
            let start = Instant::now();
            let analysis = diagnosis(path)?;
            turn(name, start.elapsed());
            let counted: u64 = analysis.groups.iter().map(|group| group.count).sum();
            if counted != failing {
                return Err(io::Error::other(format!("{name}: {counted} failures found, {failing} made")));
            }
        }
        for (name, command) in PEERS {
            match peer(command, &path) {
                Some(time) => turn(name, time),
                None => eprintln!("not run: {name}, since this machine lacks it"),
            }
        }
    }
    let ours = fastest.get("meshwhy").copied().unwrap_or_default().as_secs_f64();
    println!("{LINES} lines, {megabytes:.0} MB, {failing} failing, {} cores", rayon::current_num_threads());
    println!("| what | time | of ours |\n| --- | ---: | ---: |");
    for (name, time) in &fastest {
        println!("| {name} | {:.2} s | {:.2} |", time.as_secs_f64(), time.as_secs_f64() / ours);
    }
    Ok(())
}

/// The log in both encodings, and how many of its lines fail.
fn files() -> io::Result<([PathBuf; 2], u64)> {
    let paths = ["access.jsonl", "access.log"].map(|name| Path::new(env!("CARGO_TARGET_TMPDIR")).join(name));
    let (healthy, failing) = (lines(SEED, LINES / 10 * 9, Outcome::Healthy), lines(SEED, LINES / 10, Outcome::Failing));
    let [mut json, mut text] = [BufWriter::new(File::create(&paths[0])?), BufWriter::new(File::create(&paths[1])?)];
    let mut failing_lines = failing.iter();
    for (at, line) in healthy.iter().enumerate() {
        for line in Some(line).into_iter().chain(failing_lines.by_ref().take(usize::from(at % 9 == 0))) {
            writeln!(json, "{}", line.json)?;
            writeln!(text, "{}", line.text)?;
        }
    }
    json.flush()?;
    text.flush()?;
    Ok((paths, failing.len() as u64))
}

fn diagnosis(path: &Path) -> io::Result<Analysis> {
    let mut collector = Collector::default();
    collector.read(0, None, &mut File::open(path)?)?;
    Ok(collector.finish())
}

/// How long a command takes; `None` where it fails.
fn peer(command: &str, path: &Path) -> Option<Duration> {
    let command = command.replace("FILE", &path.display().to_string());
    let start = Instant::now();
    let status = Command::new("sh").args(["-c", &command]).stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?;
    status.success().then(|| start.elapsed())
}
