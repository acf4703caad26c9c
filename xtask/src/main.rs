//! `cargo xtask …`: everything that is done to this workspace.

mod bench;
mod build;
mod catalogue;
mod demo;
mod fuzz;
mod generate;
mod prune;
mod shell;
mod soak;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "Builds, tests, generates and demonstrates meshwhy")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Provokes every cause under a real Envoy in all three deployments and reports what was found
    Demo,
    /// Runs every test: units, cases, laws, transcripts, and those under a real Envoy
    Test,
    /// Checks format and lints
    Lint,
    /// Builds the module, the command line, and the manifests with the hash of the module
    Build,
    /// Measures how long judging and reading logs take, and what the deployments cost under a real Envoy
    Bench(bench::Arguments),
    /// Watches the memory of Envoys with and without the module under ever new paths, hosts and clusters
    Soak {
        /// How long
        #[arg(long, default_value_t = 600)]
        seconds: u64,
    },
    /// Feeds every parser with random inputs (needs a nightly compiler)
    Fuzz {
        /// The target; all of them one after the other when left out
        #[arg(value_parser = fuzz::TARGETS)]
        target: Option<String>,
        /// How long each of them runs
        #[arg(long, default_value_t = 600)]
        seconds: u64,
    },
    /// Writes what is generated: the registry of causes and the deployment manifests
    Gen {
        /// Changes nothing and fails when something is stale
        #[arg(long)]
        check: bool,
    },
    /// Makes the folder of a new cause
    NewCause {
        /// Kebab-case name of the problem
        slug: String,
        /// The next free code of its stage, such as MW3005
        code: String,
    },
    /// Runs a cause's scenario and writes the facts that Envoy gave into its cases.md
    Record {
        /// Slug of the cause; all that have a scenario when left out
        slug: Option<String>,
    },
    /// Confirms that zh.md says what en.md says
    BlessTranslation {
        /// Slug of the cause; all when left out
        slug: Option<String>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    match task {
        Task::Demo => demo::run(),
        Task::Test => build::test(),
        Task::Lint => build::lint(),
        Task::Build => build::deploy(),
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Soak { seconds } => soak::run(seconds),
        Task::Fuzz { target, seconds } => fuzz::run_targets(target.as_deref(), seconds),
        Task::Gen { check } => generate::run(check),
        Task::NewCause { slug, code } => catalogue::new_cause(&slug, &code),
        Task::Record { slug } => catalogue::record(slug.as_deref()),
        Task::BlessTranslation { slug } => catalogue::bless(slug.as_deref()),
    }
}
