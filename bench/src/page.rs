//! The report, as the Markdown of `docs/performance.md`.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result};
use meshwhy_integration::artifacts::workspace;
use meshwhy_integration::envoy::VERSION;

use crate::filter::Run;
use crate::proxies::Sample;
use crate::statistics::Rounds;
use crate::targets::TARGETS;
use crate::traffic::Traffic;
use crate::variant::Variant;

const BEGIN: &str = "<!-- measured: written by `cargo xtask bench filter` -->\n";
const END: &str = "<!-- end measured -->\n";
/// A ratio to no module that is known less well than this, to either side, says that the machine was busy with something else.
const NOISY: f64 = 0.03;

/// Writes the report between the marks.
///
/// # Errors
/// The page has no marks.
pub fn write(report: &str) -> Result<()> {
    let path = workspace().join("docs/performance.md");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let marked = text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = marked.with_context(|| format!("{} has no marks around its tables", path.display()))?;
    fs::write(&path, format!("{before}{BEGIN}\n{report}\n{END}{after}"))?;
    eprintln!("wrote docs/performance.md");
    Ok(())
}

/// The whole report.
pub fn report(run: &Run) -> String {
    let mut text = machine(run);
    text.push_str(&noise(run));
    text.push_str(&targets(run));
    for traffic in &run.traffic {
        text.push_str(&table(run, traffic));
    }
    text.push_str(&memory(run));
    text
}

fn machine(run: &Run) -> String {
    let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = information.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map(|(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "Envoy {VERSION} with one worker on {cores} × {}, {} rounds in {:.0} s, requests from h2load. The module has {} bytes.\n\n",
        model.unwrap_or("an unknown processor"),
        run.rounds,
        run.seconds,
        run.module_bytes,
    )
}

fn noise(run: &Run) -> String {
    let widest = |traffic: &Traffic| {
        let ratios =
            Variant::ALL.iter().map(|variant| run.results.paired(traffic, *variant, Variant::NoModule, |one, other| one / other));
        ratios.map(|ratios| ratios.uncertainty()).fold(0.0, f64::max)
    };
    let noisy: Vec<String> = run
        .traffic
        .iter()
        .filter(|traffic| widest(traffic) > NOISY)
        .map(|traffic| format!("{traffic} (±{:.1} %)", widest(traffic) * 100.0))
        .collect();
    let limit = NOISY * 100.0;
    if noisy.is_empty() {
        let most = run.traffic.iter().map(widest).fold(0.0, f64::max) * 100.0;
        return format!("Noise: every ratio to no module is known to ±{most:.1} % or better (limit ±{limit:.0} %).\n\n");
    }
    format!(
        "**The machine was too noisy to tell** for these: the interval of some ratio to no module is wider than ±{limit:.0} %: {}.\n\n",
        noisy.join(", ")
    )
}

fn targets(run: &Run) -> String {
    let mut text = "### Targets\n\n| target | traffic | measured (95 %) | outcome |\n| --- | --- | --- | --- |\n".to_owned();
    for target in &TARGETS {
        for traffic in run.traffic.iter().filter(|traffic| target.concerns(traffic)) {
            let measured = target.measured(&run.results, traffic);
            let _ = writeln!(text, "| {target} | {traffic} | {} | {} |", with_interval(&measured), target.outcome(&measured));
        }
    }
    text.push('\n');
    text
}

fn table(run: &Run, traffic: &Traffic) -> String {
    let mut text = format!(
        "### {traffic}\n\n| | CPU µs/request, median | least | × no module (95 %) | × empty filter | added µs | requests/s | p50 µs | p99 µs |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
    );
    for variant in Variant::ALL.into_iter().filter(|variant| variant.concerns(traffic)) {
        let rounds = |number: fn(&Sample) -> f64| run.results.rounds(traffic, variant, number);
        let compared = |other, compare: fn(f64, f64) -> f64| run.results.paired(traffic, variant, other, compare);
        let used = rounds(cpu);
        let _ = writeln!(
            text,
            "| {variant} | {:.1} | {:.1} | {} | {:.3} | {:+.1} | {:.0} | {:.0} | {:.0} |",
            used.median(),
            used.least(),
            with_interval(&compared(Variant::NoModule, |one, other| one / other)),
            compared(Variant::EmptyFilter, |one, other| one / other).median(),
            compared(Variant::NoModule, |one, other| one - other).median(),
            rounds(|sample| sample.per_second).median(),
            rounds(|sample| sample.p50_us as f64).median(),
            rounds(|sample| sample.p99_us as f64).median(),
        );
    }
    text.push('\n');
    text
}

fn memory(run: &Run) -> String {
    let mut text =
        "### Memory and records\n\n| | resident MB | over no module | records written |\n| --- | ---: | ---: | ---: |\n"
            .to_owned();
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let base = run.resident.iter().find(|(variant, _)| *variant == Variant::NoModule).map_or(0, |(_, bytes)| *bytes);
    for (variant, bytes) in &run.resident {
        let records = run.records.iter().find(|(one, _)| one == variant).map(|(_, count)| count.to_string()).unwrap_or_default();
        let over = megabytes(*bytes) - megabytes(base);
        let _ = writeln!(text, "| {variant} | {:.1} | {over:+.1} | {records} |", megabytes(*bytes));
    }
    text
}

fn with_interval(rounds: &Rounds) -> String {
    let (low, high) = rounds.interval();
    format!("{:.3} ({low:.3}–{high:.3})", rounds.median())
}

fn cpu(sample: &Sample) -> f64 {
    sample.cpu_us
}
