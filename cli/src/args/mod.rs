//! The command line as it was typed. Nothing is checked here that clap does not check; see `options`.

mod cluster;
mod doctor;
mod install;
mod probe;
mod prometheus;
mod proxy;
mod route;
mod sql;
mod web;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{ArgAction, Args, Command, Parser, Subcommand, ValueEnum};
use jiff::{Span, SpanRelativeTo, Timestamp};

pub(crate) use cluster::{AccessArgs, ClusterArgs, ConnectionArgs};
pub(crate) use doctor::DoctorArgs;
pub(crate) use install::{InstallArgs, InstallFormatArg, InstallSubcommand, ProxyArg, RbacArgs};
pub(crate) use probe::{HttpVersionArgs, ProbeArgs};
pub(crate) use prometheus::PrometheusArgs;
pub(crate) use proxy::ProxyArgs;
pub(crate) use route::RouteArgs;
pub(crate) use sql::SqlArgs;
pub(crate) use web::WebArgs;

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
    /// Say on standard error what is read; twice: also what is left out, and what is not understood. `check` says what it could not decide
    #[arg(long, short, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Name the cause of one failure, from a log line or several, a record or a Proxy-Status header
    Explain(ExplainArgs),
    /// Sum up many lines: cause by target by hop, with counts, times, examples and fixes
    Diagnose(Box<DiagnoseArgs>),
    /// List the causes that meshwhy knows, or show one of them
    Causes(CausesArgs),
    /// Look for causes and rules by words, in English or Chinese
    Search(SearchArgs),
    /// Check manifests: what will fail, where it is written, and what to write instead
    Check(Box<CheckArgs>),
    /// List the rules that `check` knows, or show one of them
    Rules(RulesArgs),
    /// Plan the way from one set of manifests to another, in steps that never name what is not there
    Plan(PlanArgs),
    /// Render what to apply so that the proxies themselves say why requests fail, or the way back from it
    Install(Box<InstallArgs>),
    /// Send one request, and say who answered it, on which way, and why it failed
    Probe(Box<ProbeArgs>),
    /// Say where a request would go in a proxy, from its config dump, and what it just misses
    Route(Box<RouteArgs>),
    /// Look at everything in a proxy that keeps requests from passing, from what its admin interface says
    Doctor(Box<DoctorArgs>),
    /// Serve a page for this machine alone, which explains whatever is pasted into it or dropped on it
    Web(WebArgs),
    /// Print the query that names causes inside a store of logs (ClickHouse, DuckDB), row by row or summed up
    Sql(SqlArgs),
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
    #[command(flatten)]
    pub(crate) manifests: ManifestArgs,
    /// Also say which causes nearly matched, and what was missing
    #[arg(long)]
    pub(crate) why_not: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DiagnoseArgs {
    /// Files, folders, patterns or archives (`istioctl bug-report`, `--save`) with logs or records, gzip and zstd included, one proxy or many;
    /// `-` or nothing reads standard input. With an option of a cluster, or written like `deploy/pay`: the pods to read
    #[arg(value_name = "PATH|TYPE/NAME")]
    pub(crate) files: Vec<PathBuf>,
    /// Only what failed of this cause, such as MW2001 or no-route, in full
    #[arg(long, value_name = "CODE|SLUG")]
    pub(crate) cause: Option<String>,
    /// Only what failed at this service: its host name, NAME.NAMESPACE or NAME; or a cluster
    #[arg(long, value_name = "HOST")]
    pub(crate) target: Option<String>,
    /// Only what failed from this time on: 2026-11-21T06:00:00Z, or 90m, 12h, 2d before now. Lines without a time stay. Of a cluster, the
    /// last 10 minutes are read where nothing else is asked for
    #[arg(long, value_name = "TIME|AGE", value_parser = moment)]
    pub(crate) since: Option<Timestamp>,
    /// Only what failed before this time
    #[arg(long, value_name = "TIME|AGE", value_parser = moment)]
    pub(crate) until: Option<Timestamp>,
    /// What makes the exit code 1
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    pub(crate) fail_on: FailOnArg,
    /// Go on with what is added to the files, or comes from standard input, and show the table anew every second; Ctrl-C ends it
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Print every cause in full: examples, why, how to confirm and how to fix
    #[arg(long)]
    pub(crate) details: bool,
    /// Most rows of the table
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) top: usize,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    #[command(flatten)]
    pub(crate) manifests: ManifestArgs,
    /// Form of the output
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: DiagnosisFormatArg,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    #[command(flatten)]
    pub(crate) prometheus: PrometheusArgs,
    /// Write it to this file as well, in the form that its ending says: txt, json, jsonl, md, html, sarif or otlp.json; may be repeated
    #[arg(long = "output", value_name = "FILE", value_parser = output_file)]
    pub(crate) outputs: Vec<OutputFile>,
}

/// The files that may explain what failed.
#[derive(Debug, Args)]
pub(crate) struct ManifestArgs {
    /// File, folder, pattern or archive with manifests: say under each failure which line of them explains it; may be repeated
    #[arg(long = "manifests", value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// File with the mesh configuration, when it is not among the manifests as ConfigMap `istio` or IstioOperator
    #[arg(long, value_name = "FILE", requires = "paths")]
    pub(crate) mesh_config: Option<PathBuf>,
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

#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    /// What was seen, in any words
    #[arg(value_name = "WORD", required = true)]
    pub(crate) words: Vec<String>,
    /// Show so many
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) top: usize,
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
pub(crate) struct CheckArgs {
    /// Files, folders, patterns or archives (`istioctl bug-report`) with manifests; `-` or nothing reads standard input
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// File with the mesh configuration, when it is not among the manifests as ConfigMap `istio` or IstioOperator
    #[arg(long, value_name = "FILE")]
    pub(crate) mesh_config: Option<PathBuf>,
    /// Version of Istio that runs, such as 1.30 [default: the newest that meshwhy knows]
    #[arg(long, value_name = "VERSION", value_parser = istio_minor)]
    pub(crate) istio_version: Option<u32>,
    /// An upgrade that is planned, such as 1.29..1.31: also what it changes for these manifests
    #[arg(long, value_name = "FROM..TO", value_parser = upgrade)]
    pub(crate) upgrade: Option<(u32, u32)>,
    /// Namespace of manifests that name none [default: default]. With --live: only the pods of this namespace
    #[arg(long, short, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// Also rules for these readers; may be repeated
    #[arg(long, value_enum, value_name = "READER")]
    pub(crate) persona: Vec<PersonaArg>,
    /// Leave out a rule (`MWC201`, its slug, `IST0101`), everywhere or for `=Kind/namespace/name`; may be repeated
    #[arg(long, value_name = "CODE[=RESOURCE]")]
    pub(crate) ignore: Vec<String>,
    /// Least severity that makes the exit code 1
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub(crate) severity_threshold: Option<SeverityArg>,
    /// File with defaults for these options [default: meshwhy.toml, if there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Show the edits that cure findings, as a unified diff
    #[arg(long, conflicts_with = "fix")]
    pub(crate) diff: bool,
    /// Make those edits in the files, after asking
    #[arg(long)]
    pub(crate) fix: bool,
    /// Make them without asking
    #[arg(long, requires = "fix")]
    pub(crate) yes: bool,
    /// Stay, and check again whenever a file changes
    #[arg(long, conflicts_with_all = ["fix", "diff"])]
    pub(crate) watch: bool,
    /// Check what a cluster has instead of files
    #[arg(long, conflicts_with_all = ["paths", "fix", "watch"])]
    pub(crate) live: bool,
    #[command(flatten)]
    pub(crate) access: AccessArgs,
    /// Form of the output
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: CheckFormatArg,
}

#[derive(Debug, Args)]
pub(crate) struct RulesArgs {
    /// Code or slug, such as MWC201 or missing-subset
    #[arg(value_name = "CODE|SLUG")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// What is applied today: a file, a folder, a pattern or an archive; `-` reads standard input
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,
    /// What is to be applied
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,
    /// Namespace of manifests that name none
    #[arg(long, short, value_name = "NAMESPACE", default_value = "default")]
    pub(crate) namespace: String,
    /// Form of the output
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: PlanFormatArg,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlanFormatArg {
    /// For people
    #[default]
    Text,
    /// A script with `kubectl` that applies and waits
    Shell,
    /// The manifests of NEW with sync waves of Argo CD
    Argocd,
    /// A checklist
    Markdown,
    /// For programs: one object, "schema": "meshwhy/1"
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PersonaArg {
    /// Who cares for style
    Pedantic,
    /// Who cares for what lets too much through
    Security,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SeverityArg {
    /// Works, and could be said better
    Info,
    /// May fail
    Warning,
    /// Fails
    Error,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormatArg {
    /// For people
    #[default]
    Text,
    /// For programs: one object, "schema": "meshwhy/1"
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// For comments on a change
    Markdown,
    /// JUnit XML, for test reports
    Junit,
    /// Annotations of GitHub Actions
    Github,
}

/// Reads `1.30` or `1.30.2` as 30.
///
/// # Errors
/// It is no such version.
pub(crate) fn istio_minor(version: &str) -> Result<u32, String> {
    let mut parts = version.trim_start_matches('v').split('.');
    match (parts.next(), parts.next().map(str::parse::<u32>)) {
        (Some("1"), Some(Ok(minor))) => Ok(minor),
        _ => Err("a version of Istio is written like 1.30".to_owned()),
    }
}

/// A file to write a diagnosis to.
#[derive(Debug, Clone)]
pub(crate) struct OutputFile {
    pub(crate) path: PathBuf,
    pub(crate) format: DiagnosisFormatArg,
}

/// Reads the form from the ending of a file.
///
/// # Errors
/// No form has this ending.
fn output_file(path: &str) -> Result<OutputFile, String> {
    let format = match Path::new(path).extension().and_then(|ending| ending.to_str()) {
        _ if path.ends_with(".otlp.json") => DiagnosisFormatArg::Otlp,
        Some("txt") => DiagnosisFormatArg::Text,
        Some("json") => DiagnosisFormatArg::Json,
        Some("jsonl") => DiagnosisFormatArg::Jsonl,
        Some("md") => DiagnosisFormatArg::Markdown,
        Some("html") => DiagnosisFormatArg::Html,
        Some("sarif") => DiagnosisFormatArg::Sarif,
        _ => return Err("the ending says the form: txt, json, jsonl, md, html, sarif or otlp.json".to_owned()),
    };
    Ok(OutputFile { path: path.into(), format })
}

/// Reads a time, or an age by this machine's clock.
///
/// # Errors
/// It is neither.
fn moment(text: &str) -> Result<Timestamp, String> {
    let before = |age: Span| Timestamp::now().checked_sub(age.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?).ok();
    let aged = || text.parse::<Span>().ok().filter(|_| !text.starts_with('-')).and_then(before);
    text.parse()
        .ok()
        .or_else(aged)
        .ok_or_else(|| "a time is written like 2026-11-21T06:00:00Z, an age like 90m, 12h or 2d".to_owned())
}

/// Reads `1.29..1.31` as 29 and 31.
///
/// # Errors
/// It is no such pair, or leads backwards.
fn upgrade(versions: &str) -> Result<(u32, u32), String> {
    let (from, to) = versions.split_once("..").ok_or("an upgrade is written like 1.29..1.31")?;
    let (from, to) = (istio_minor(from)?, istio_minor(to)?);
    if from < to { Ok((from, to)) } else { Err("an upgrade leads to a later version".to_owned()) }
}

/// What of a diagnosis makes the exit code 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum FailOnArg {
    /// Whatever is found
    #[default]
    Any,
    /// A failure that is no answer of the application, no noise, and not unknown
    Failure,
    /// Such a failure of which the cause is certain
    Certain,
    /// Nothing
    Never,
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

/// Form of a diagnosis.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DiagnosisFormatArg {
    /// For people: one screen, or everything with --details
    #[default]
    Text,
    /// For programs: one object, "schema": "meshwhy/1"
    Json,
    /// For programs: one finding per line
    Jsonl,
    /// For a ticket
    Markdown,
    /// A page by itself, for a browser: everything, to search and to print
    Html,
    /// SARIF 2.1.0, for viewers of logs and code scanning
    Sarif,
    /// Log records of OpenTelemetry (OTLP/JSON), one per finding
    Otlp,
}

impl DiagnosisFormatArg {
    /// Whether something is written where nothing was found, too: a program waits for it.
    pub(crate) const fn is_for_programs(self) -> bool {
        !matches!(self, Self::Text | Self::Markdown)
    }
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
