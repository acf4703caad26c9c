//! Measures: each topic is a benchmark of one crate.

use anyhow::Result;
use clap::ValueEnum;

use crate::shell;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Topic {
    /// Judging facts, writing records and reading them
    Judge,
    /// Reading access logs, compared with `serde_json`; fails when it is too slow
    Logs,
}

/// Runs one benchmark, or all of them.
pub fn run(topic: Option<Topic>) -> Result<()> {
    let topics = topic.map_or_else(|| Topic::value_variants().to_vec(), |topic| vec![topic]);
    topics.into_iter().try_for_each(|topic| {
        let (package, bench) = match topic {
            Topic::Judge => ("meshwhy-core", "judge"),
            Topic::Logs => ("meshwhy-logs", "access_log"),
        };
        shell::cargo(&["bench", "--package", package, "--bench", bench])
    })
}
