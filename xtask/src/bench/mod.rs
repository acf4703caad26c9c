//! Measures: each topic is a benchmark of one crate, or of the whole under a real Envoy.

mod filter;
mod mesh;
mod page;
mod statistics;
mod targets;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::shell;

/// What to measure, and how long.
#[derive(Debug, Args)]
pub struct Arguments {
    /// What to measure; everything when left out
    topic: Option<Topic>,
    #[command(flatten)]
    filter: filter::Options,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Topic {
    /// Judging facts, writing records and reading them
    Judge,
    /// Reading access logs, compared with `serde_json`; fails when it is too slow
    Logs,
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
    let topics = arguments.topic.map_or_else(|| Topic::value_variants().to_vec(), |topic| vec![topic]);
    let cargo = |package, bench| shell::cargo(&["bench", "--package", package, "--bench", bench]);
    topics.into_iter().try_for_each(|topic| match topic {
        Topic::Judge => cargo("meshwhy-core", "judge"),
        Topic::Logs => cargo("meshwhy-logs", "access_log"),
        Topic::Filter => filter::run(&arguments.filter),
        Topic::Mesh => mesh::run(),
    })
}
