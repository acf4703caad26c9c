//! A cluster as it is now: the logs of its proxies, events and what is configured.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use indicatif::{ProgressBar, ProgressStyle};
use meshwhy_check::source::Source;
use meshwhy_cluster::{
    Bundle, Gap, GapReason, LogProgress, LogRequest, Next, Piece, ProxyContainer, Selected, Session, answer_path,
};
use meshwhy_core::Lang;
use meshwhy_diagnose::{Analysis, Collector, Pod};

use super::Reading;
use crate::check_options::LiveObjects;
use crate::escape;
use crate::failure::Failure;
use crate::follow::{Arrival, arriving};
use crate::interruption;
use crate::options::LiveOptions;
use crate::paths::unreadable;
use meshwhy_report::configuration::ConfigurationFiles;
use meshwhy_report::dumps::{CLUSTERS, DUMP};

/// What the events are called among the sources, and the states of pods.
const EVENTS: &str = "events";
const STATUSES: &str = "pods";

/// Most bytes of all dumps of proxies that are compared with what is configured.
const MAX_DUMPS: usize = 512 << 20;

/// A cluster of which everything but the logs was read.
pub(super) struct Live {
    options: LiveOptions,
    session: Session,
    containers: Vec<ProxyContainer>,
    /// What the control plane says beside the logs, each with its name.
    beside: Vec<(&'static str, String)>,
    bundle: Option<Bundle>,
    failures: Vec<Failure>,
    lang: Lang,
}

impl Live {
    /// Asks what there is, and for its configuration where that is wanted.
    ///
    /// # Errors
    /// The cluster cannot be asked, has nothing of what is meant, or the archive cannot be begun.
    pub(super) fn begin(
        options: LiveOptions,
        wants_configuration: bool,
        lang: Lang,
    ) -> Result<(Self, ConfigurationFiles), Failure> {
        let session = Session::connect(&options.access, &options.istio_namespace)?;
        let Selected { containers, has_proxy, without, statuses, gaps, gaps_around } = session.select(&options.selection);
        let mut failures: Vec<Failure> = gaps.into_iter().map(|gap| failed(gap, lang)).collect();
        if !has_proxy {
            let last = failures.pop().unwrap_or(Failure::NoProxies { lang, pods: without });
            failures.into_iter().for_each(crate::complain);
            return Err(last);
        }
        let (proxies, LogRequest { follow, at_once, .. }) = (containers.len(), options.logs);
        if follow && proxies > at_once {
            return Err(Failure::Usage(format!(
                "{proxies} logs would be followed at once, and --max-log-requests allows {at_once}: name fewer pods, or allow more"
            )));
        }
        announce(&session, &options, &containers, without, lang);
        let bundle = options
            .save
            .as_deref()
            .map(|path| Bundle::create(path).map_err(|error| Failure::Usage(format!("--save {}: {error}", path.display()))));
        let mut live =
            Self { bundle: bundle.transpose()?, session, containers, beside: Vec::new(), failures: Vec::new(), options, lang };
        live.failures.append(&mut failures);
        gaps_around.iter().for_each(|gap| live.note(gap));
        let says_something = |status: &String| Analysis::of(status.as_bytes()).recognised();
        let statuses: String = statuses.into_iter().filter(says_something).map(|status| status + "\n").collect();
        live.keep(|bundle| bundle.statuses(&statuses));
        live.beside.push((STATUSES, statuses));
        match live.session.events(&live.options.selection) {
            Ok(events) => {
                live.keep(|bundle| bundle.events(&events));
                live.beside.push((EVENTS, events));
            }
            Err(gap) => live.note(&gap),
        }
        let (mut sources, mut clusters) = (Vec::new(), Vec::new());
        if wants_configuration || live.bundle.is_some() {
            let objects = live.objects();
            sources.extend(objects.into_iter().filter(|_| wants_configuration));
        }
        if live.options.deep {
            let (dumps, beside) = live.dumps();
            sources.extend(dumps);
            clusters = beside;
        }
        Ok((live, ConfigurationFiles { sources, clusters, mesh_config: None }))
    }

    /// What is configured.
    fn objects(&mut self) -> Vec<Source> {
        let objects = self.session.objects(&self.options.selection);
        objects.gaps.iter().for_each(|gap| self.note(gap));
        self.keep(|bundle| bundle.objects(&objects));
        objects.objects.into_iter().map(|object| Source { name: object.name, text: object.yaml }).collect()
    }

    /// What the proxies say of themselves: all of it is kept where that is wanted. Their dumps, and what they know of endpoints, are looked into
    /// as far as they fit into memory.
    fn dumps(&mut self) -> (Vec<Source>, Vec<Source>) {
        let Self { session, containers, bundle, failures, lang, .. } = self;
        let (mut dumps, mut clusters, mut left) = (BTreeMap::new(), Vec::new(), MAX_DUMPS);
        session.admin(containers, |at, answers| {
            let Some(container) = containers.get(at) else { return };
            for (endpoint, answer) in answers {
                match answer {
                    Ok(bytes) => {
                        let kept = bundle.as_mut().map_or(Ok(()), |bundle| bundle.admin(container, endpoint.file, &bytes));
                        failures.extend(kept.map_err(Failure::Output).err());
                        if ![DUMP, CLUSTERS].contains(&endpoint.file) {
                            continue;
                        }
                        if bytes.len() > left {
                            let what = format!("{} of {container}", endpoint.path);
                            say(&Gap { what, reason: GapReason::TooMuch(MAX_DUMPS as u64) }, *lang);
                            continue;
                        }
                        left -= bytes.len();
                        let name = answer_path(container, endpoint.file).display().to_string();
                        let source = Source { name, text: String::from_utf8_lossy(&bytes).into_owned() };
                        if endpoint.file == DUMP {
                            dumps.insert(at, source);
                        } else {
                            clusters.push(source);
                        }
                    }
                    Err(gap) => {
                        say(&gap, *lang);
                        bundle.iter_mut().for_each(|bundle| bundle.gap(&gap));
                    }
                }
            }
        });
        (dumps.into_values().collect(), clusters)
    }

    /// Reads the logs, and what is written while they are read where that is wanted.
    pub(super) fn read(self, collector: Collector, mut show: impl FnMut(Collector) -> io::Result<()>) -> Reading {
        interruption::ends_reading();
        let Self { session, containers, options, beside, bundle, mut failures, lang } = self;
        let collector = RefCell::new(collector);
        let mut sources: Vec<String> = Vec::new();
        for (name, lines) in beside {
            // Reading memory cannot fail.
            let _ = collector.borrow_mut().read(number(sources.len()), None, &mut lines.as_bytes());
            sources.push(name.to_owned());
        }
        let before = sources.len();
        let (bundle, notes) = (RefCell::new(bundle), RefCell::new(Vec::new()));
        // Those that are followed may become more.
        let read: RefCell<BTreeMap<usize, Arc<ProxyContainer>>> = RefCell::default();
        let (mut pieces, progress) = session.logs(&containers, &options.selection, options.logs);
        let bar = Progress::new(containers.len(), options.logs.follow);
        let next = |wait| {
            bar.show(&progress);
            let Piece { source, container, lines } = match pieces.next_within(wait) {
                Next::Nothing => return Arrival::Nothing,
                Next::End => return Arrival::End,
                Next::Piece(piece) => piece,
            };
            read.borrow_mut().insert(source, container);
            match lines {
                Ok(lines) => Arrival::Lines(source, Ok(lines)),
                Err(gap) => {
                    bundle.borrow_mut().iter_mut().for_each(|bundle| bundle.gap(&gap));
                    if is_harmless(&gap.reason) {
                        notes.borrow_mut().push(gap);
                        return Arrival::Nothing;
                    }
                    Arrival::Lines(source, Err(failed(gap, lang)))
                }
            }
        };
        let take = |source: usize, mut lines: &[u8]| {
            let Some(container) = read.borrow().get(&source).cloned() else { return Ok(()) };
            let pod = Pod { name: container.pod.clone(), namespace: Some(container.namespace.clone()) };
            let unreadable = |error| unreadable(&container.to_string(), error);
            if let Some(bundle) = bundle.borrow_mut().as_mut() {
                bundle.log(&container, lines).map_err(unreadable)?;
            }
            collector.borrow_mut().read(number(before + source), Some(&pod), &mut lines).map_err(unreadable)
        };
        failures.extend(arriving(next, take, || show(collector.borrow().clone())));
        bar.end();
        notes.into_inner().iter().for_each(|gap| say(gap, lang));
        if let Some(bundle) = bundle.into_inner() {
            match bundle.finish() {
                Ok(path) => saved(&path.display().to_string(), lang),
                Err(error) => failures.push(Failure::Output(error)),
            }
        }
        let read = read.into_inner();
        let last = read.keys().next_back().map_or(0, |last| last + 1);
        sources.extend((0..last).map(|source| read.get(&source).map(ToString::to_string).unwrap_or_default()));
        Reading { collector: collector.into_inner(), sources, failures }
    }

    /// Says what is missing of what only helps to understand the logs.
    fn note(&mut self, gap: &Gap) {
        say(gap, self.lang);
        self.bundle.iter_mut().for_each(|bundle| bundle.gap(gap));
    }

    /// What cannot be kept is no reason not to go on.
    fn keep(&mut self, put: impl FnOnce(&mut Bundle) -> io::Result<()>) {
        let kept = self.bundle.as_mut().map_or(Ok(()), put);
        self.failures.extend(kept.map_err(Failure::Output).err());
    }
}

/// What a cluster is configured with, and what of it could not be read.
///
/// # Errors
/// The cluster cannot be asked.
pub(super) fn objects(options: &LiveObjects, lang: Lang) -> Result<(Vec<Source>, Vec<Failure>), Failure> {
    let session = Session::connect(&options.access, &options.istio_namespace)?;
    let objects = session.objects(&options.selection);
    let (harmless, missing): (Vec<Gap>, Vec<Gap>) =
        objects.gaps.into_iter().partition(|gap| is_harmless(&gap.reason) || matches!(gap.reason, GapReason::OnlyIn(_)));
    harmless.iter().for_each(|gap| say(gap, lang));
    let sources = objects.objects.into_iter().map(|object| Source { name: object.name, text: object.yaml }).collect();
    Ok((sources, missing.into_iter().map(|gap| failed(gap, lang)).collect()))
}

/// Whether nothing is missing because of it.
const fn is_harmless(reason: &GapReason) -> bool {
    matches!(reason, GapReason::NotStarted | GapReason::NoPrevious | GapReason::NotFound)
}

fn number(source: usize) -> u32 {
    u32::try_from(source).unwrap_or(u32::MAX)
}

fn failed(gap: Gap, lang: Lang) -> Failure {
    unreadable(&gap.what, io::Error::other(gap.reason.text(lang)))
}

fn say(gap: &Gap, lang: Lang) {
    let reason = gap.reason.text(lang);
    let line = match lang {
        Lang::En => format!("not read: {}: {reason}", gap.what),
        Lang::Zh => format!("未读取：{}：{reason}", gap.what),
    };
    let _ = writeln!(anstream::stderr(), "meshwhy: {}", escape::line(&line));
}

fn saved(path: &str, lang: Lang) {
    let line = match lang {
        Lang::En => format!("kept in {path}; `meshwhy diagnose {path}` and `meshwhy check {path}` read it"),
        Lang::Zh => format!("已保存到 {path}；可用 `meshwhy diagnose {path}`、`meshwhy check {path}` 离线读取"),
    };
    let _ = writeln!(anstream::stderr(), "meshwhy: {}", escape::line(&line));
}

/// Says what is read, and how much of it.
fn announce(session: &Session, options: &LiveOptions, containers: &[ProxyContainer], without: usize, lang: Lang) {
    let proxies = containers.len();
    let age = options.logs.since.map(|since| format!("{:#}", jiff::SignedDuration::from_secs(since.as_secs())));
    let line = match (lang, age) {
        (Lang::En, Some(age)) => format!("reading {proxies} proxies at {}, the last {age}", session.server()),
        (Lang::En, None) => format!("reading {proxies} proxies at {}", session.server()),
        (Lang::Zh, Some(age)) => format!("正在读取 {} 上 {proxies} 个代理最近 {age} 的日志", session.server()),
        (Lang::Zh, None) => format!("正在读取 {} 上 {proxies} 个代理的日志", session.server()),
    };
    let _ = writeln!(anstream::stderr(), "meshwhy: {}", escape::line(&line));
    if without > 0 {
        let line = match lang {
            Lang::En => format!("{without} of the pods have no proxy"),
            Lang::Zh => format!("其中 {without} 个 Pod 没有代理"),
        };
        let _ = writeln!(anstream::stderr(), "meshwhy: {line}");
    }
}

/// How far the reading is, on a terminal.
struct Progress(ProgressBar);

impl Progress {
    fn new(proxies: usize, follow: bool) -> Self {
        const TEMPLATE: &str = "{bar:30} {pos}/{len} {msg}";
        let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
        // What is followed shows itself.
        let bar = if follow { ProgressBar::hidden() } else { ProgressBar::new(proxies as u64).with_style(style) };
        Self(bar)
    }

    fn show(&self, progress: &LogProgress) {
        self.0.set_position(progress.done.load(Ordering::Relaxed) as u64);
        self.0.set_message(indicatif::HumanBytes(progress.bytes.load(Ordering::Relaxed)).to_string());
    }

    fn end(&self) {
        self.0.finish_and_clear();
    }
}
