//! The command line as it was typed. Nothing is checked here that clap does not check; see `options`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Args, Command, Parser, Subcommand, ValueEnum};

/// This request failed: who answered, why, and what do I change?
#[derive(Debug, Parser)]
#[command(name = "meshwhy", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) action: Action,
    /// Language of the texts [default: from LC_ALL, LC_MESSAGES, LANG]
    #[arg(long, global = true, value_enum)]
    pub(crate) lang: Option<LangArg>,
    /// When to colour the output
    #[arg(long, global = true, value_enum, default_value_t)]
    pub(crate) color: ColorArg,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Name the cause of one failure, from a log line or several, a record or a Proxy-Status header
    Explain(ExplainArgs),
    /// Sum up many lines: cause by target by hop, with counts, times, examples and fixes
    Diagnose(DiagnoseArgs),
    /// List the causes that meshwhy knows, or show one of them
    Causes(CausesArgs),
    /// Work with the configuration of the module
    #[command(subcommand)]
    Config(ConfigAction),
    /// Print completions for a shell
    Completions {
        /// The shell to complete in
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff)
    Man,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The text itself, such as a log line or a header; `-` or nothing reads standard input
    #[arg(value_name = "INPUT", conflicts_with = "files")]
    pub(crate) input: Vec<String>,
    /// Read this file instead; may be repeated
    #[arg(long = "file", value_name = "PATH")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    /// Also say which causes nearly matched, and what was missing
    #[arg(long)]
    pub(crate) why_not: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DiagnoseArgs {
    /// Files with logs or records, one proxy or many; `-` or nothing reads standard input
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ReadingArgs {
    /// The access-log format, as Envoy's format string; `@FILE` takes it from a MeshConfig, a ConfigMap or a Telemetry resource.
    /// Istio's and Envoy's own formats need none
    #[arg(long, value_name = "FORMAT|@FILE")]
    pub(crate) log_format: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CausesArgs {
    /// Code or slug, such as MW2001 or no-route
    #[arg(value_name = "CODE|SLUG")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigAction {
    /// Check a configuration with the very function that the module uses
    Check {
        /// File with the JSON; `-` or nothing reads standard input
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct OutputArgs {
    /// Form of the output
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: FormatArg,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// For people
    #[default]
    Text,
    /// For programs: one object, "schema": "meshwhy/1"
    Json,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum LangArg {
    /// English
    En,
    /// 简体中文
    Zh,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum ColorArg {
    /// On a terminal
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Names the command as it was called: `kubectl-meshwhy` is `kubectl meshwhy`.
pub(crate) fn named(command: Command, argv0: Option<&OsString>) -> Command {
    let file = argv0.and_then(|path| Path::new(path).file_stem()).and_then(|name| name.to_str()).unwrap_or_default();
    match file.strip_prefix("kubectl-") {
        Some(_) => command.bin_name("kubectl meshwhy").display_name("kubectl meshwhy"),
        None => command,
    }
}
