//! What was asked for, checked: every contradiction is gone.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anstream::ColorChoice;
use jiff::{SignedDuration, Timestamp};
use meshwhy_check::rules::Rule;
use meshwhy_cluster::{Access, LogRequest, Selection, Subject};
use meshwhy_core::{Cause, Lang};
use meshwhy_diagnose::Window;
use meshwhy_logs::Formats;

use crate::args::{
    Action, Cli, ClusterArgs, ColorArg, ConfigAction, DiagnosisFormatArg, DoctorArgs, FailOnArg, FormatArg, InstallSubcommand,
    LangArg, ManifestArgs, OutputFile, PlanArgs, RbacArgs, ReadingArgs, RouteArgs, SqlArgs,
};
use crate::check_options::CheckOptions;
use crate::failure::Failure;
use crate::install_options::InstallOptions;
use crate::manifests::{self, Manifests};
use crate::probe_options::ProbeOptions;
use crate::survey_options::SurveyOptions;
use crate::{escape, input, lang};
use meshwhy_report::configuration::ConfigurationFiles;

/// A run.
pub(crate) struct Options {
    pub(crate) task: Task,
    pub(crate) lang: Lang,
    pub(crate) color: ColorChoice,
}

pub(crate) enum Task {
    Explain {
        input: Input,
        formats: Formats,
        manifests: Option<ConfigurationFiles>,
        why_not: bool,
        format: FormatArg,
    },
    Diagnose {
        from: DiagnosisSource,
        formats: Formats,
        manifests: Option<ConfigurationFiles>,
        format: DiagnosisFormatArg,
        outputs: Vec<OutputFile>,
        shown: Shown,
    },
    Causes {
        cause: Option<&'static Cause>,
        format: FormatArg,
    },
    Search {
        words: String,
        top: usize,
        format: FormatArg,
    },
    Check(Box<CheckOptions>),
    Rules {
        rule: Option<&'static Rule>,
        format: FormatArg,
    },
    Plan(PlanArgs),
    Install(Box<InstallOptions>),
    Rbac(RbacArgs),
    Probe(Box<ProbeOptions>),
    Route(Box<RouteArgs>),
    Sql(SqlArgs),
    Doctor(Box<DoctorArgs>),
    /// Serve the page on this port.
    Web(u16),
    Survey(Box<SurveyOptions>),
    CheckConfig {
        input: Input,
    },
    Completions(clap_complete::Shell),
    Manual,
}

/// What is diagnosed.
pub(crate) enum DiagnosisSource {
    Files(Vec<Source>),
    Cluster(Box<LiveOptions>),
}

/// What of a cluster is read.
pub(crate) struct LiveOptions {
    pub(crate) access: Access,
    pub(crate) istio_namespace: String,
    pub(crate) selection: Selection,
    pub(crate) logs: LogRequest,
    /// The proxies themselves, too.
    pub(crate) deep: bool,
    /// The archive to keep it in.
    pub(crate) save: Option<PathBuf>,
}

/// What of a diagnosis is shown.
pub(crate) struct Shown {
    /// What failed of one cause alone.
    pub(crate) cause: Option<&'static Cause>,
    /// What failed at one target alone.
    pub(crate) target: Option<String>,
    /// What failed then.
    pub(crate) window: Window,
    /// What makes the exit code 1.
    pub(crate) fail_on: FailOnArg,
    /// What is added while it is read, too.
    pub(crate) follow: bool,
    /// Every cause in full.
    pub(crate) in_full: bool,
    /// Rows of the overview's table.
    pub(crate) top: usize,
}

/// Where bytes come from.
pub(crate) enum Input {
    Text(String),
    Sources(Vec<Source>),
}

/// One stream of bytes; what one proxy wrote, or several with prefixes.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Stdin,
    File(PathBuf),
}

impl Source {
    /// What it is called in reports.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Stdin => "standard input".to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }
}

impl Options {
    /// Checks what clap cannot.
    ///
    /// # Errors
    /// [`Failure::Usage`] for contradictions, an unknown cause, and for a terminal as input that nobody asked for.
    pub(crate) fn new(cli: Cli) -> Result<Self, Failure> {
        let task = match cli.action {
            Action::Explain(args) => {
                let input = if !args.files.is_empty() {
                    Input::Sources(args.files.into_iter().map(Source::File).collect())
                } else if args.input.iter().any(|text| text != "-") {
                    Input::Text(args.input.join("\n"))
                } else {
                    Input::Sources(stdin(args.input.is_empty())?)
                };
                let manifests = configuration(args.manifests)?;
                Task::Explain {
                    input,
                    formats: formats(args.reading)?,
                    manifests,
                    why_not: args.why_not,
                    format: args.output.format,
                }
            }
            Action::Diagnose(args) if args.prometheus.url.is_some() => Task::Survey(Box::new(SurveyOptions::new(*args)?)),
            Action::Diagnose(args) => {
                let manifests = configuration(args.manifests)?.or_else(|| configuration_of_bug_reports(&args.files));
                let cause = args.cause.map(|name| cause(&name)).transpose()?;
                Task::Diagnose {
                    from: match live(&args.files, &args.cluster, args.follow, args.since)? {
                        Some(live) => DiagnosisSource::Cluster(Box::new(live)),
                        None => DiagnosisSource::Files(files(args.files)?),
                    },
                    shown: Shown {
                        cause,
                        target: args.target,
                        window: Window { since: args.since, until: args.until },
                        fail_on: args.fail_on,
                        follow: args.follow,
                        in_full: args.details || cause.is_some(),
                        top: args.top,
                    },
                    formats: formats(args.reading)?,
                    manifests,
                    format: args.format,
                    outputs: args.outputs,
                }
            }
            Action::Causes(args) => {
                Task::Causes { cause: args.name.map(|name| cause(&name)).transpose()?, format: args.output.format }
            }
            Action::Search(args) => Task::Search { words: args.words.join(" "), top: args.top, format: args.output.format },
            Action::Check(args) => Task::Check(Box::new(CheckOptions::new(*args, cli.verbose > 0)?)),
            Action::Rules(args) => {
                Task::Rules { rule: args.name.map(|name| rule(&name)).transpose()?, format: args.output.format }
            }
            Action::Plan(args) => {
                if is_dash(&args.old) && is_dash(&args.new) {
                    return Err(Failure::Usage("`-` can be given once".to_owned()));
                }
                Task::Plan(args)
            }
            Action::Install(mut args) => match args.action.take() {
                Some(InstallSubcommand::Rbac(args)) => Task::Rbac(args),
                None => Task::Install(Box::new(InstallOptions::new(*args)?)),
            },
            Action::Probe(args) => Task::Probe(Box::new(ProbeOptions::new(*args)?)),
            Action::Doctor(args) => Task::Doctor(args),
            Action::Web(args) => Task::Web(args.port),
            Action::Route(args) => Task::Route(args),
            Action::Sql(args) => Task::Sql(args),
            Action::Config(ConfigAction::Check { file }) => {
                Task::CheckConfig { input: Input::Sources(files(file.into_iter().collect())?) }
            }
            Action::Completions { shell } => Task::Completions(shell),
            Action::Man => Task::Manual,
        };
        let lang = match cli.lang {
            Some(LangArg::En) => Lang::En,
            Some(LangArg::Zh) => Lang::Zh,
            None => lang::preferred(|name| std::env::var(name).ok()),
        };
        let color = match cli.color {
            ColorArg::Auto => ColorChoice::Auto,
            ColorArg::Always => ColorChoice::Always,
            ColorArg::Never => ColorChoice::Never,
        };
        Ok(Self { task, lang, color })
    }
}

/// How much of the logs of a cluster is read where nothing else is asked for.
const RECENT: SignedDuration = SignedDuration::from_mins(10);
/// Most bytes of one container's log that are read.
const MOST_OF_A_LOG: u64 = 1 << 30;

/// What of a cluster is meant; `None` where files are.
fn live(paths: &[PathBuf], args: &ClusterArgs, follow: bool, since: Option<Timestamp>) -> Result<Option<LiveOptions>, Failure> {
    let subject = |path: &PathBuf| path.to_str().filter(|text| !Path::new(text).exists()).and_then(Subject::parse);
    let subjects: Vec<Option<Subject>> = paths.iter().map(subject).collect();
    if !args.is_given() && subjects.iter().all(Option::is_none) {
        return Ok(None);
    }
    if let Some((path, _)) = paths.iter().zip(&subjects).find(|(_, subject)| subject.is_none()) {
        let path = escape::line(&path.display().to_string());
        return Err(Failure::Usage(format!(
            "`{path}` is no TYPE/NAME such as deploy/pay: files and a cluster cannot be read together; --save keeps what a cluster has"
        )));
    }
    if args.all_namespaces && !subjects.is_empty() {
        return Err(Failure::Usage("what TYPE/NAME means is in one namespace; -A takes the pods of all of them".to_owned()));
    }
    let age = since.map(|since| Timestamp::now().duration_since(since));
    Ok(Some(LiveOptions {
        access: args.access.connection.access(),
        istio_namespace: args.access.istio_namespace.clone(),
        selection: args.selection(subjects.into_iter().flatten().collect()),
        logs: LogRequest {
            since: age.or_else(|| (!args.previous).then_some(RECENT)),
            follow,
            previous: args.previous,
            at_once: usize::from(args.max_log_requests.max(1)),
            most: MOST_OF_A_LOG,
        },
        deep: args.deep,
        save: args.save.clone(),
    }))
}

/// Largest file with a format, in bytes.
const MAX_FORMAT_FILE: u64 = 1024 * 1024;

fn formats(args: ReadingArgs) -> Result<Formats, Failure> {
    let Some(given) = args.log_format else { return Ok(Formats::default()) };
    let (formats, name) = match given.strip_prefix('@') {
        None => (Formats::compile(&given), "--log-format".to_owned()),
        Some(path) => {
            let bytes = input::bytes(Input::Sources(vec![Source::File(path.into())]), MAX_FORMAT_FILE)?;
            (Formats::from_mesh_config(&String::from_utf8_lossy(&bytes)), escape::line(path))
        }
    };
    formats.map_err(|error| Failure::Usage(format!("{name}: {}", escape::line(&error.to_string()))))
}

/// What the archives of bug reports hold beside the logs.
fn configuration_of_bug_reports(paths: &[PathBuf]) -> Option<ConfigurationFiles> {
    let Manifests { sources, clusters, .. } = Manifests::of_bug_reports(paths);
    (!sources.is_empty()).then_some(ConfigurationFiles { sources, clusters, mesh_config: None })
}

fn configuration(args: ManifestArgs) -> Result<Option<ConfigurationFiles>, Failure> {
    if args.paths.is_empty() {
        return Ok(None);
    }
    if args.paths.iter().any(|path| is_dash(path)) {
        return Err(Failure::Usage("--manifests needs files; standard input is for what failed".to_owned()));
    }
    let Manifests { sources, clusters, .. } = Manifests::read(&args.paths)?;
    let mesh_config = args.mesh_config.map(|path| manifests::one(&path)).transpose()?;
    Ok(Some(ConfigurationFiles { sources, clusters, mesh_config }))
}

fn files(paths: Vec<PathBuf>) -> Result<Vec<Source>, Failure> {
    if paths.is_empty() {
        return stdin(true);
    }
    if paths.iter().filter(|path| is_dash(path)).count() > 1 {
        return Err(Failure::Usage("`-` can be given once".to_owned()));
    }
    let source = |path: PathBuf| if is_dash(&path) { Source::Stdin } else { Source::File(path) };
    Ok(paths.into_iter().map(source).collect())
}

pub(crate) fn stdin(by_default: bool) -> Result<Vec<Source>, Failure> {
    if by_default && std::io::stdin().is_terminal() {
        return Err(Failure::Usage(
            "no input: give it as an argument or a file, or pipe it in; `-` reads the terminal".to_owned(),
        ));
    }
    Ok(vec![Source::Stdin])
}

fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// A rule by its own code or slug, or by another tool's code where that stands for one rule only.
fn rule(name: &str) -> Result<&'static Rule, Failure> {
    if let Some(rule) = Rule::find(name) {
        return Ok(rule);
    }
    let same: Vec<&Rule> = Rule::equivalent_to(name).collect();
    match same.as_slice() {
        [] => Err(Failure::Usage(format!("no rule has the code or slug `{name}`; `meshwhy rules` lists them"))),
        [rule] => Ok(rule),
        several => {
            let codes: Vec<&str> = several.iter().map(|rule| rule.code).collect();
            Err(Failure::Usage(format!("`{name}` stands for several rules; name one of {}", codes.join(", "))))
        }
    }
}

pub(crate) fn cause(name: &str) -> Result<&'static Cause, Failure> {
    let unknown = || Failure::Usage(format!("no cause has the code or slug `{name}`; `meshwhy causes` lists them"));
    Cause::find(name).ok_or_else(unknown)
}
