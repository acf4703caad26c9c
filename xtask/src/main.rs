//! `cargo xtask …`: everything that is done to this workspace.
//!
//! The alias builds without features: what changes or tests a cause needs no harness here and builds in seconds. For any other command this
//! program hands over to its build with them.

#[cfg(feature = "envoy")]
mod bench;
#[cfg(feature = "envoy")]
mod build;
mod catalogue;
mod cause_test;
#[cfg(feature = "generate")]
mod coverage_page;
#[cfg(feature = "envoy")]
mod demo;
#[cfg(feature = "envoy")]
mod dist;
#[cfg(feature = "generate")]
mod facts_page;
mod fuzz;
#[cfg(feature = "generate")]
mod generate;
#[cfg(feature = "generate")]
mod prometheus_rules;
#[cfg(feature = "envoy")]
mod prune;
#[cfg(feature = "envoy")]
mod record;
#[cfg(feature = "generate")]
mod schemas;
mod shell;
#[cfg(feature = "generate")]
mod site;
#[cfg(feature = "envoy")]
mod soak;
#[cfg(feature = "envoy")]
mod web;

#[cfg(feature = "generate")]
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
#[cfg(feature = "generate")]
use meshwhy_check::rules::Topic;
use meshwhy_core::Stage;

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "Builds, tests, generates and demonstrates meshwhy")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Provokes every cause under a real Envoy in all three deployments and reports what was found
    #[cfg(feature = "envoy")]
    Demo,
    /// Runs every test: units, cases, laws, transcripts, and those under a real Envoy
    Test {
        /// Slug of a cause: only the cases and laws, and its scenario
        slug: Option<String>,
        /// Leaves the scenario out
        #[arg(long, requires = "slug")]
        without_envoy: bool,
    },
    /// Checks format and lints
    #[cfg(feature = "envoy")]
    Lint,
    /// Builds the module, the command line, and the manifests with the hash of the module
    #[cfg(feature = "envoy")]
    Build,
    /// Builds the web page into target/web
    #[cfg(feature = "envoy")]
    Web,
    /// Builds what a release has: an archive per platform, one with the module, hashes, and the manifest for krew
    #[cfg(feature = "envoy")]
    Dist(dist::Arguments),
    /// Measures how long judging and reading logs take, and what the deployments cost under a real Envoy
    #[cfg(feature = "envoy")]
    Bench(bench::Arguments),
    /// Watches the memory of Envoys with and without the module under ever new paths, hosts and clusters
    #[cfg(feature = "envoy")]
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
    /// Writes what is generated: the registries of causes and of rules, the deployment manifests, the pages of facts and of coverage, Prometheus' rule per cause, and the JSON Schemas
    #[cfg(feature = "generate")]
    Gen {
        /// Changes nothing and fails when something is stale
        #[arg(long)]
        check: bool,
    },
    /// Writes the site of the catalogue: a page for each cause and each rule, in both languages
    #[cfg(feature = "generate")]
    Site {
        /// Where to [default: target/site]
        #[arg(long, value_name = "FOLDER")]
        to: Option<PathBuf>,
    },
    /// Makes the folder of a new cause
    NewCause {
        /// Kebab-case name of the problem
        slug: String,
        /// Where on its way the request fails; the code follows from it
        #[arg(long, value_parser = catalogue::stage)]
        stage: Stage,
    },
    /// Makes the folder of a new rule on manifests
    #[cfg(feature = "generate")]
    NewRule {
        /// Kebab-case name of the mistake
        slug: String,
        /// What it is about; the code follows from it
        #[arg(long, value_parser = catalogue::topic)]
        topic: Topic,
    },
    /// Gives a cause another slug; the old one still finds it
    RenameCause {
        /// Its slug
        old: String,
        /// Its new slug
        new: String,
    },
    /// Marks a cause as no longer named, and keeps its texts for whoever meets its code in old data
    RetireCause {
        /// Its slug
        slug: String,
        /// The reason, in English
        #[arg(long)]
        why: String,
        /// The reason, in Chinese
        #[arg(long)]
        why_zh: String,
    },
    /// Runs a cause's scenario and writes the facts that Envoy gave into its cases.md
    #[cfg(feature = "envoy")]
    Record {
        /// Slug of the cause; all that have a scenario when left out
        slug: Option<String>,
    },
    /// Confirms that zh.md says what en.md says
    BlessTranslation {
        /// Slug of the cause or rule
        slug: String,
    },
}

fn main() -> ExitCode {
    #[cfg(feature = "envoy")]
    let arguments = Arguments::parse();
    #[cfg(not(feature = "envoy"))]
    let arguments = match Arguments::try_parse() {
        Ok(arguments) if !matches!(arguments.task, Task::Test { slug: None, .. }) => arguments,
        _ => return shell::hand_over(),
    };
    match run(arguments.task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    match task {
        #[cfg(feature = "envoy")]
        Task::Demo => demo::run(),
        Task::Test { slug: Some(slug), without_envoy } => cause_test::test(&slug, without_envoy),
        #[cfg(feature = "envoy")]
        Task::Test { slug: None, .. } => build::test(),
        #[cfg(not(feature = "envoy"))]
        Task::Test { slug: None, .. } => anyhow::bail!("every test takes the build with Envoy"),
        #[cfg(feature = "envoy")]
        Task::Lint => build::lint(),
        #[cfg(feature = "envoy")]
        Task::Build => build::deploy(),
        #[cfg(feature = "envoy")]
        Task::Web => web::build().map(drop),
        #[cfg(feature = "envoy")]
        Task::Dist(arguments) => dist::run(&arguments),
        #[cfg(feature = "envoy")]
        Task::Bench(arguments) => bench::run(&arguments),
        #[cfg(feature = "envoy")]
        Task::Soak { seconds } => soak::run(seconds),
        Task::Fuzz { target, seconds } => fuzz::run_targets(target.as_deref(), seconds),
        #[cfg(feature = "generate")]
        Task::Gen { check } => generate::run(check),
        #[cfg(feature = "generate")]
        Task::Site { to } => site::write(to),
        Task::NewCause { slug, stage } => catalogue::new_cause(&slug, stage),
        #[cfg(feature = "generate")]
        Task::NewRule { slug, topic } => catalogue::new_rule(&slug, topic),
        Task::RenameCause { old, new } => catalogue::rename_cause(&old, &new),
        Task::RetireCause { slug, why, why_zh } => catalogue::retire_cause(&slug, &why, &why_zh),
        #[cfg(feature = "envoy")]
        Task::Record { slug } => record::run(slug.as_deref()),
        Task::BlessTranslation { slug } => catalogue::bless(&slug),
    }
}
