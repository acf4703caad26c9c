//! `cargo xtask bench filter`: what meshwhy costs a real Envoy.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Args;
use meshwhy_integration::artifacts::target;
use meshwhy_integration::load::{Modules, Protocol, Sample, Stage, Traffic, Variant};

use super::page;
use super::statistics::Rounds;
use crate::build;
use crate::shell::{cargo_program, run as run_command};

/// How much is measured.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// filter: measurements of every variant under every kind of traffic
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// filter: seconds that one measurement takes without a module
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

/// What a whole run gave besides samples.
#[derive(Debug)]
pub struct Run {
    /// The samples.
    pub results: Results,
    /// The kinds of traffic, in the order of the report.
    pub traffic: Vec<Traffic>,
    /// How many rounds.
    pub rounds: u32,
    /// What sent the requests.
    pub generator: &'static str,
    /// Size of meshwhy's module in bytes.
    pub module_bytes: u64,
    /// Resident bytes of every variant's Envoy in the end.
    pub resident: Vec<(Variant, u64)>,
    /// Records that each variant's module wrote.
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

    /// CPU per request of two variants, compared within each round.
    pub fn paired(&self, traffic: &Traffic, one: Variant, other: Variant, compare: impl Fn(f64, f64) -> f64) -> Rounds {
        let pairs = self.of(traffic, one).iter().zip(self.of(traffic, other));
        Rounds::new(pairs.map(|(one, other)| compare(one.cpu_us, other.cpu_us)))
    }
}

/// Builds what is measured, measures it, prints the report and writes it into `docs/performance.md`.
///
/// # Errors
/// Something does not build, Envoy cannot be had, or a request was not answered as it should be.
pub fn run(options: &Options) -> Result<()> {
    ensure!(options.seconds > 0.0 && options.seconds <= 60.0, "--seconds is more than 0 and at most 60");
    ctrlc::set_handler(|| {
        meshwhy_integration::stop_all();
        std::process::exit(130);
    })?;
    let modules = Modules { meshwhy: build::module()?, empty: empty_filter()? };
    let (rounds, seconds) = if options.quick { (2, 0.02) } else { (options.rounds, options.seconds) };
    let measured = measure(&modules, rounds, seconds, options.only.as_deref().unwrap_or_default())?;
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
    let stage = Stage::start(modules, &Variant::ALL)?;
    let traffic: Vec<Traffic> = stage.traffic().into_iter().filter(|traffic| traffic.to_string().contains(only)).collect();
    ensure!(!traffic.is_empty(), "there is no traffic named {only:?}");
    let requests = calibrate(&stage, &traffic, seconds)?;
    let mut results = Results::default();
    for round in 0..rounds {
        eprintln!("round {} of {rounds}, {:.0} s", round + 1, started.elapsed().as_secs_f64());
        for (traffic, requests) in &requests {
            let mut variants: Vec<Variant> = Variant::ALL.into_iter().filter(|variant| variant.concerns(traffic)).collect();
            // Another one begins in each round, so that none is always first after a change of traffic.
            let first = usize::try_from(round)? % variants.len().max(1);
            variants.rotate_left(first);
            for variant in variants {
                let sample = stage.measure(variant, traffic, *requests)?;
                results.samples.entry((*traffic, variant)).or_default().push(sample);
            }
        }
    }
    let resident = Variant::ALL.iter().map(|variant| Ok((*variant, stage.resident(*variant)?))).collect::<Result<_>>()?;
    let with_module = [Variant::Observe, Variant::ObserveTraceCheck, Variant::Annotate];
    let records = with_module.iter().map(|variant| Ok((*variant, stage.records(*variant)?))).collect::<Result<_>>()?;
    let generator = stage.generator();
    let seconds = started.elapsed().as_secs_f64();
    Ok(Run { results, traffic, rounds, generator, module_bytes, resident, records, seconds })
}

/// How many requests take so long without a module; also warms every Envoy up.
fn calibrate(stage: &Stage, traffic: &[Traffic], seconds: f64) -> Result<Vec<(Traffic, u64)>> {
    let mut requests = Vec::new();
    for traffic in traffic {
        for variant in Variant::ALL.into_iter().filter(|variant| variant.concerns(traffic)) {
            let sample = stage.measure(variant, traffic, Traffic::requests(0.0))?;
            if variant == Variant::NoModule {
                requests.push((*traffic, Traffic::requests(sample.per_second * seconds)));
            }
        }
    }
    Ok(requests)
}

/// Builds the module that does nothing, as meshwhy's is built but with all of the SDK's exports.
fn empty_filter() -> Result<PathBuf> {
    let arguments = ["build", "--quiet", "--package", "meshwhy-empty-filter", "--target", "wasm32-wasip1", "--profile", "module"];
    run_command(Command::new(cargo_program()).args(arguments))?;
    let built = target().join("wasm32-wasip1/module/meshwhy_empty_filter.wasm");
    built.is_file().then_some(built).context("cargo built no empty filter")
}

/// Whether anything was sent with this protocol.
pub fn speaks(run: &Run, protocol: Protocol) -> bool {
    run.traffic.iter().any(|traffic| traffic.protocol == protocol)
}
