//! What each command does, once its options are checked.

mod check;
mod doctor;
mod install;
mod live;
mod plan;
mod probe;
mod route;
mod sql;
mod survey;
mod web;

use std::borrow::Cow;
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};

use anstream::StripStream;
use meshwhy_core::Confidence;
use meshwhy_core::Lang;
use meshwhy_diagnose::{Analysis, Class, Collector, Pod};
use meshwhy_logs::decoded::decoded;
use meshwhy_logs::{Formats, Origin};

use self::live::Live;
use crate::args::{DiagnosisFormatArg, FailOnArg, FormatArg, OutputFile};
use crate::escape;
use crate::failure::{Failure, Outcome};
use crate::follow::follow;
use crate::input;
use crate::interruption;
use crate::options::{DiagnosisSource, Input, Options, Shown, Source, Task};
use crate::render;
use crate::report::DiagnosisReport;
use crate::search;
use meshwhy_report::configuration::ConfigurationFiles;

/// Largest module configuration that is checked, in bytes.
const MAX_CONFIG: u64 = 1024 * 1024;

/// How many entries are named where nothing was understood.
const NEAREST: usize = 3;

/// Runs a task; data goes to stdout.
///
/// # Errors
/// Whatever keeps the task from an answer; findings are no error.
pub(crate) fn run(options: Options, command: clap::Command) -> Result<Outcome, Failure> {
    let Options { task, lang, color } = options;
    let mut out = io::BufWriter::new(anstream::AutoStream::new(io::stdout().lock(), color));
    let outcome = match task {
        Task::Explain { input, formats, manifests, why_not, format } => {
            let render = if format == FormatArg::Json { render::json::verdicts } else { render::text::verdicts };
            let mut beginning = Beginning::default();
            let reading = Reading::of(input, collector(formats, manifests.as_ref()), Some(&mut beginning));
            let decoded = decoded(&String::from_utf8_lossy(&beginning.0));
            report(&mut out, reading, (format == FormatArg::Json, FailOnArg::Any), render, |analysis| {
                let report = diagnosed(analysis, manifests.as_ref(), lang, why_not);
                DiagnosisReport { decoded: decoded.clone(), ..report }
            })
        }
        Task::Diagnose { from, formats, manifests, format, outputs, shown } => {
            let render = |out: &mut dyn Write, report: &DiagnosisReport| {
                let written = render::diagnosis::write(out, report, format, &shown);
                // What one of them cannot take, the others still do.
                outputs.iter().map(|output| save(output, report, &shown)).fold(Ok(()), Result::and).and(written)
            };
            let (from, manifests) = match from {
                DiagnosisSource::Files(sources) => (Collected::Files(sources), manifests),
                DiagnosisSource::Cluster(options) => {
                    let (cluster, found) = Live::begin(*options, manifests.is_none(), lang)?;
                    let mut files = manifests.unwrap_or_default();
                    files.sources.extend(found.sources);
                    (Collected::Cluster(Box::new(cluster)), Some(files))
                }
            };
            let collector = collector(formats, manifests.as_ref()).within(shown.window);
            let diagnose = |analysis| {
                let report = diagnosed(analysis, manifests.as_ref(), lang, false).by_count();
                report.only(|entry| {
                    shown.cause.is_none_or(|cause| entry.code == cause.code)
                        && shown.target.as_deref().is_none_or(|target| entry.is_at(target))
                })
            };
            let is_live = format == DiagnosisFormatArg::Text && io::stdout().is_terminal();
            let show = |collector: Collector| match is_live && shown.follow {
                true => live(&mut out, &diagnose(collector.finish()), shown.top),
                false => Ok(()),
            };
            let reading = match from {
                Collected::Cluster(cluster) => cluster.read(collector, show),
                Collected::Files(sources) if shown.follow => Reading::following(sources, collector, show),
                Collected::Files(sources) => Reading::of(Input::Sources(sources), collector, None),
            };
            report(&mut out, reading, (format.is_for_programs(), shown.fail_on), render, diagnose)
        }
        Task::Causes { cause, format } => {
            match cause {
                Some(cause) => render::causes::one(&mut out, cause, lang, format)?,
                None => render::causes::list(&mut out, lang, format)?,
            }
            Ok(Outcome::Clean)
        }
        Task::Search { words, top, format } => {
            let found = search::search(&words, top);
            if found.is_empty() {
                return Err(Failure::NothingFound(lang));
            }
            render::search::found(&mut out, &found, lang, format)?;
            Ok(Outcome::Clean)
        }
        Task::Check(options) => check::run(&mut out, *options, lang),
        Task::Rules { rule, format } => {
            match rule {
                Some(rule) => render::rules::one(&mut out, rule, lang, format)?,
                None => render::rules::list(&mut out, lang, format)?,
            }
            Ok(Outcome::Clean)
        }
        Task::Plan(args) => plan::run(&mut out, &args, lang),
        Task::Install(options) => install::run(&mut out, &options, lang),
        Task::Rbac(args) => install::rbac(&mut out, args),
        Task::Probe(options) => probe::run(&mut out, &options, lang),
        Task::Survey(options) => survey::run(&mut out, *options, lang),
        Task::Doctor(args) => doctor::run(&mut out, &args, lang),
        Task::Route(args) => route::run(&mut out, &args, lang),
        Task::Web(port) => web::run(&mut out, port, lang),
        Task::Sql(args) => sql::run(&mut out, &args),
        Task::CheckConfig { input } => check_config(&mut out, input),
        Task::Completions(shell) => {
            let (mut command, mut script) = (command, Vec::new());
            clap_complete::generate(shell, &mut command, "meshwhy", &mut script);
            out.write_all(&script)?;
            Ok(Outcome::Clean)
        }
        Task::Manual => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page)?;
            out.write_all(&page)?;
            Ok(Outcome::Clean)
        }
    };
    out.flush()?;
    outcome
}

/// A reader of which the beginning is kept.
struct Tee<'t> {
    reader: &'t mut (dyn Read + Send),
    beginning: &'t mut Beginning,
}

impl Read for Tee<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(buffer)?;
        self.beginning.take(buffer.get(..length).unwrap_or_default());
        Ok(length)
    }
}

/// The first mebibyte.
#[derive(Default)]
struct Beginning(Vec<u8>);

impl Beginning {
    fn take(&mut self, bytes: &[u8]) {
        const MAX: usize = 1024 * 1024;
        let left = MAX.saturating_sub(self.0.len()).min(bytes.len());
        self.0.extend_from_slice(bytes.get(..left).unwrap_or_default());
    }
}

/// Where lines come from, once the cluster was asked what there is.
enum Collected {
    Files(Vec<Source>),
    Cluster(Box<Live>),
}

/// What was read, and what could not be.
struct Reading {
    collector: Collector,
    /// The names of the sources, in the order of their numbers.
    sources: Vec<String>,
    failures: Vec<Failure>,
}

impl Reading {
    /// All that is there, the beginning of which may be kept as well.
    fn of(input: Input, mut collector: Collector, mut beginning: Option<&mut Beginning>) -> Self {
        interruption::ends_reading();
        let mut sources = Vec::new();
        let failures = input::for_each(input, |name, reader| {
            let number = u32::try_from(sources.len()).unwrap_or(u32::MAX);
            sources.push(name.to_owned());
            let pod = pod_of(name);
            match beginning.as_deref_mut() {
                Some(beginning) => collector.read(number, pod.as_ref(), &mut Tee { reader, beginning }),
                None => collector.read(number, pod.as_ref(), reader),
            }
        });
        Self { collector, sources, failures }
    }

    /// Also what is added, until Ctrl-C.
    fn following(sources: Vec<Source>, collector: Collector, mut show: impl FnMut(Collector) -> io::Result<()>) -> Self {
        interruption::ends_reading();
        let collector = RefCell::new(collector);
        let take = |source: usize, name: &str, mut lines: &[u8]| {
            let number = u32::try_from(source).unwrap_or(u32::MAX);
            collector.borrow_mut().read(number, pod_of(name).as_ref(), &mut lines)
        };
        let (sources, failures) = follow(sources, take, || show(collector.borrow().clone()));
        Self { collector: collector.into_inner(), sources, failures }
    }
}

/// Writes the overview over the one before it.
fn live(out: &mut dyn Write, report: &DiagnosisReport, top: usize) -> io::Result<()> {
    const ANEW: &str = "\x1b[H\x1b[J";
    write!(out, "{ANEW}")?;
    render::diagnosis::overview::live(out, report, top)?;
    out.flush()
}

fn report(
    out: &mut dyn Write,
    reading: Reading,
    (is_for_programs, fail_on): (bool, FailOnArg),
    render: impl Fn(&mut dyn Write, &DiagnosisReport) -> io::Result<()>,
    diagnose: impl Fn(Analysis) -> DiagnosisReport,
) -> Result<Outcome, Failure> {
    let Reading { collector, sources, mut failures } = reading;
    let analysis = collector.finish();
    let (is_recognised, is_of_another_time) = (analysis.recognised(), analysis.is_of_another_time());
    let report = diagnose(analysis).from(&sources);
    let nothing = match () {
        () if !is_recognised && report.decoded.is_empty() => Some(nothing_recognised(&report)),
        () if is_of_another_time => Some(Failure::NothingOfThatTime(report.lang)),
        () => None,
    };
    if nothing.is_none() || is_for_programs {
        render(out, &report)?;
    }
    out.flush()?;
    // What could be read is reported first, so that nothing that was counted is lost.
    if let Some(last) = failures.pop() {
        failures.into_iter().for_each(crate::complain);
        return Err(last);
    }
    if let Some(failure) = nothing {
        return Err(failure);
    }
    Ok(if fails(&report, fail_on) { Outcome::Findings } else { Outcome::Clean })
}

/// Whether something was found that makes the exit code 1. What was not asked for is no all-clear, unless its weight is asked for.
fn fails(report: &DiagnosisReport, on: FailOnArg) -> bool {
    let failures = || report.entries.iter().filter(|entry| entry.class == Class::Failure);
    match on {
        FailOnArg::Any => !report.entries.is_empty() || report.not_shown > 0,
        FailOnArg::Failure => failures().next().is_some(),
        FailOnArg::Certain => failures().any(|entry| entry.confidence == Confidence::Certain.as_str()),
        FailOnArg::Never => false,
    }
}

/// A diagnosis, with what is configured beside it.
fn diagnosed(mut analysis: Analysis, files: Option<&ConfigurationFiles>, lang: Lang, why_not: bool) -> DiagnosisReport {
    let Some(files) = files else { return DiagnosisReport::new(analysis, None, lang, why_not) };
    // Explaining may find further failures.
    let configurations = files.explain(&mut analysis, lang);
    let routes = files.routes(&analysis, lang);
    DiagnosisReport::new(analysis, Some(configurations), lang, why_not).routed(routes)
}

/// What could be read is said first; that something could not is no all-clear.
fn all_but_last(mut failures: Vec<Failure>) -> Result<(), Failure> {
    let last = failures.pop();
    failures.into_iter().for_each(crate::complain);
    last.map_or(Ok(()), Err)
}

/// What the first lines that nobody understood come near to.
fn nothing_recognised(report: &DiagnosisReport) -> Failure {
    let words = report.unparsed.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n");
    let (component, nearest) = (search::component(&words), search::search(&words, NEAREST));
    Failure::NothingRecognised { lang: report.lang, component, nearest }
}

/// Writes a diagnosis to a file, without colours.
fn save(OutputFile { path, format }: &OutputFile, report: &DiagnosisReport, shown: &Shown) -> io::Result<()> {
    let written = || {
        let mut file = io::BufWriter::new(StripStream::new(File::create(path)?));
        render::diagnosis::write(&mut file, report, *format, shown)?;
        file.flush()
    };
    written().map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

/// The pod whose log a file is, by its path.
fn pod_of(name: &str) -> Option<Pod> {
    let origin = Origin::of_file(name)?;
    Some(Pod { name: origin.pod?.into_owned(), namespace: origin.namespace.map(Cow::into_owned) })
}

/// What reads the lines: with manifests beside them, also those that only the manifests show to have failed.
fn collector(formats: Formats, files: Option<&ConfigurationFiles>) -> Collector {
    let collector = Collector::reading(formats);
    if files.is_some() { collector.keeping_suspects() } else { collector }
}

fn check_config(out: &mut dyn Write, input: Input) -> Result<Outcome, Failure> {
    let bytes = input::bytes(input, MAX_CONFIG)?;
    let parsed = meshwhy_filter::config::parse(&bytes);
    for problem in &parsed.problems {
        writeln!(out, "{}", escape::line(problem))?;
    }
    Ok(if parsed.problems.is_empty() { Outcome::Clean } else { Outcome::Findings })
}
