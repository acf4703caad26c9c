//! Measures: each topic is a benchmark of one crate, or of the whole under a real Envoy.

use anyhow::Result;
use clap::{Args, ValueEnum};
use meshwhy_bench::filter::{FilterOptions, Modules};
use meshwhy_bench::{filter, mesh};

use crate::{build, shell};

/// What to measure, and how long.
#[derive(Debug, Args)]
pub struct Arguments {
    /// What to measure; everything when left out
    topic: Option<Topic>,
    #[command(flatten)]
    filter: FilterOptions,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Topic {
    /// Judging facts, writing records and reading them
    Judge,
    /// Reading access logs, compared with `serde_json`; fails when it is too slow
    Logs,
    /// A diagnosis of a million lines, compared with what people use instead
    Diagnose,
    /// Checking the manifests of a mesh: time, memory, growth, mistakes found; fails when a limit is not kept
    Check,
    /// The deployments under a real Envoy, compared with nothing and with what people use instead (a quarter of an hour)
    Filter,
    /// What the deployments add to a sidecar with many ports: configuration, memory, time until it is ready
    Mesh,
}

/// Runs one benchmark, or all of them.
///
/// # Errors
/// One cannot be run, or is too slow.
pub fn run(arguments: &Arguments) -> Result<()> {
    ctrlc::set_handler(|| {
        meshwhy_integration::stop_all();
        std::process::exit(130);
    })?;
    let topics = arguments.topic.map_or_else(|| Topic::value_variants().to_vec(), |topic| vec![topic]);
    let cargo = |package, bench| shell::cargo(&["bench", "--package", package, "--bench", bench]);
    topics.into_iter().try_for_each(|topic| match topic {
        Topic::Judge => cargo("meshwhy-core", "judge"),
        Topic::Logs => cargo("meshwhy-logs", "access_log"),
        Topic::Diagnose => cargo("meshwhy-diagnose", "access_log"),
        Topic::Check => cargo("meshwhy-check", "manifests"),
        Topic::Filter => filter::run(&arguments.filter, &Modules { meshwhy: build::module()?, empty: build::empty_filter()? }),
        Topic::Mesh => build::module().and_then(|_| mesh::run()),
    })
}
