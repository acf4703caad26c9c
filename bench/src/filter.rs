//! `cargo xtask bench filter`: what meshwhy costs a real Envoy.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::page;
use crate::proxies::{Proxies, Sample};
use crate::statistics::Rounds;
use crate::traffic::Traffic;
pub use crate::variant::Modules;
use crate::variant::Variant;

/// How long a variant's turn is without a module: longer than what changing from one to the next costs, shorter than the paces of the machine last,
/// and long enough for so many requests.
const TURN: (Duration, f64) = (Duration::from_millis(10), 80.0);
/// How many requests a round has that only finds out how fast it goes, and how long its turns are.
const CALIBRATION: (f64, Duration) = (2000.0, Duration::from_millis(25));

/// After so many rounds all Envoys are started anew: where a process has its memory makes it a percent or two faster or slower for as long
/// as it lives.
const ROUNDS_OF_A_START: usize = 3;

/// How much is measured.
#[derive(Debug, Clone, Args)]
pub struct FilterOptions {
    /// filter: measurements of every variant under every kind of traffic
    // From 17 on the interval leaves out four on each side.
    #[arg(long, default_value_t = 17, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// filter: seconds that the turns of one measurement take without a module
    #[arg(long, default_value_t = 0.5)]
    seconds: f64,
    /// filter: a smoke run of two rounds with few requests; writes nothing into docs/performance.md
    #[arg(long)]
    quick: bool,
    /// filter: only traffic whose name contains this, such as `HTTP/1.1` or `100 %`; writes nothing, too
    #[arg(long)]
    only: Option<String>,
}

/// Every sample, in the order of the rounds.
#[derive(Debug, Default)]
pub struct Results {
    samples: BTreeMap<(Traffic, Variant), Vec<Sample>>,
}

/// How the rounds of one kind of traffic are.
#[derive(Debug)]
struct Plan {
    traffic: Traffic,
    /// Of each variant.
    requests: u64,
    /// How long each variant's turns are, so that all of them need the same number of turns.
    turns: Vec<(Variant, Duration)>,
}

/// What a whole run gave besides samples.
#[derive(Debug)]
pub struct Run {
    /// The samples.
    pub results: Results,
    /// The kinds of traffic, in the order of the report.
    pub traffic: Vec<Traffic>,
    /// How many rounds.
    pub rounds: u32,
    /// Size of meshwhy's module in bytes.
    pub module_bytes: u64,
    /// Resident bytes of every variant's last Envoy in the end.
    pub resident: Vec<(Variant, u64)>,
    /// Records that each variant's module wrote since its last start.
    pub records: Vec<(Variant, usize)>,
    /// How long all of it took, in seconds.
    pub seconds: f64,
}

impl Results {
    /// The samples of one variant.
    pub fn of(&self, traffic: &Traffic, variant: Variant) -> &[Sample] {
        self.samples.get(&(*traffic, variant)).map_or(&[], Vec::as_slice)
    }

    /// One number of each sample.
    pub fn rounds(&self, traffic: &Traffic, variant: Variant, number: impl Fn(&Sample) -> f64) -> Rounds {
        Rounds::new(self.of(traffic, variant).iter().map(number))
    }

    /// CPU per request of two variants, compared within each round. Of no module, what is between both.
    pub fn paired(&self, traffic: &Traffic, one: Variant, other: Variant, compare: impl Fn(f64, f64) -> f64) -> Rounds {
        let twin = if other == Variant::NoModule { Variant::NoModuleAgain } else { other };
        let others =
            self.of(traffic, other).iter().zip(self.of(traffic, twin)).map(|(one, two)| (one.cpu_us * two.cpu_us).sqrt());
        Rounds::new(self.of(traffic, one).iter().zip(others).map(|(one, other)| compare(one.cpu_us, other)))
    }
}

impl Plan {
    /// Warms every Envoy up, and finds out how many requests take so long without a module.
    fn new(stage: &Proxies, traffic: Traffic, seconds: f64) -> Result<Self> {
        let ((shortest, fewest), (requests, turn)) = (TURN, CALIBRATION);
        let variants = Variant::ALL.into_iter().filter(|variant| variant.concerns(&traffic));
        let turns: Vec<_> = variants.map(|variant| (variant, turn)).collect();
        let samples = stage.round(0, &traffic, traffic.requests(requests), &turns)?;
        let fastest = samples.first().context("no variant was measured")?.per_second;
        let least = shortest.max(Duration::from_secs_f64(fewest / fastest));
        let turn = |sample: &Sample| least.mul_f64((fastest / sample.per_second).clamp(0.5, 5.0));
        let turns = turns.iter().zip(&samples).map(|((variant, _), sample)| (*variant, turn(sample))).collect();
        Ok(Self { traffic, requests: traffic.requests(fastest * seconds), turns })
    }
}

/// Measures these modules, prints the report and writes it into `docs/performance.md`.
///
/// # Errors
/// Envoy cannot be had, or a request was not answered as it should be.
pub fn run(options: &FilterOptions, modules: &Modules) -> Result<()> {
    ensure!((0.1..=60.0).contains(&options.seconds), "--seconds is at least 0.1 and at most 60");
    let (rounds, seconds) = if options.quick { (2, 0.1) } else { (options.rounds, options.seconds) };
    let measured = measure(modules, rounds, seconds, options.only.as_deref().unwrap_or_default())?;
    let report = page::report(&measured);
    println!("{report}");
    if options.quick || options.only.is_some() {
        eprintln!("not a whole run: docs/performance.md is left as it was");
        return Ok(());
    }
    page::write(&report)
}

fn measure(modules: &Modules, rounds: u32, seconds: f64, only: &str) -> Result<Run> {
    let started = Instant::now();
    let module_bytes = std::fs::metadata(&modules.meshwhy)?.len();
    let traffic: Vec<Traffic> = Traffic::all().into_iter().filter(|traffic| traffic.to_string().contains(only)).collect();
    ensure!(!traffic.is_empty(), "there is no traffic named {only:?}");
    let mut results = Results::default();
    let (mut stage, mut plans) = start(modules, &traffic, seconds)?;
    for round in 0..usize::try_from(rounds)? {
        if round > 0 && round.is_multiple_of(ROUNDS_OF_A_START) {
            drop(stage);
            (stage, plans) = start(modules, &traffic, seconds)?;
        }
        eprintln!("round {} of {rounds}, {:.0} s", round + 1, started.elapsed().as_secs_f64());
        for Plan { traffic, requests, turns } in &plans {
            let samples = stage.round(round, traffic, *requests, turns)?;
            for ((variant, _), sample) in turns.iter().zip(samples) {
                results.samples.entry((*traffic, *variant)).or_default().push(sample);
            }
        }
    }
    let resident = Variant::ALL.iter().map(|variant| Ok((*variant, stage.resident(*variant)?))).collect::<Result<_>>()?;
    let with_module = [Variant::Observe, Variant::ObserveTraceCheck, Variant::Annotate];
    let records = with_module.iter().map(|variant| Ok((*variant, stage.records(*variant)?))).collect::<Result<_>>()?;
    let seconds = started.elapsed().as_secs_f64();
    Ok(Run { results, traffic, rounds, module_bytes, resident, records, seconds })
}

fn start(modules: &Modules, traffic: &[Traffic], seconds: f64) -> Result<(Proxies, Vec<Plan>)> {
    let stage = Proxies::start(modules, &Variant::ALL)?;
    let plans = traffic.iter().map(|traffic| Plan::new(&stage, *traffic, seconds)).collect::<Result<_>>()?;
    Ok((stage, plans))
}
