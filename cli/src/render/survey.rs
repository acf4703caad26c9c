//! Where to look first, as Prometheus has it.

use std::io::{self, Write};

use meshwhy_core::catalogue::slot::Slot;
use meshwhy_core::{Lang, Side};
use serde::Serialize;

use super::page::Page;
use super::table::{self, Column};
use super::{Labels, json};
use crate::args::DiagnosisFormatArg;
use crate::escape;
use crate::lang;
use crate::prometheus::survey::{Counter, Ranked, Survey, whole};

/// Rows that come with the commands to go on with.
const WITH_COMMANDS: usize = 3;

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub(super) struct Surveyed<'a> {
    schema: &'static str,
    lang: &'static str,
    /// The server that was asked.
    server: &'a str,
    /// Of how long, in seconds.
    window_seconds: u64,
    /// Proxies that were scraped in that time.
    proxies: u64,
    /// Whether anything counts requests, so that no finding means that none failed where scrapes come.
    counts_requests: bool,
    /// What counts, and whether it is there.
    counters: Vec<CounterPresence>,
    /// Jobs with targets that do not answer.
    silent: Vec<SilentJob<'a>>,
    /// The most frequent first.
    findings: Vec<Finding<'a>>,
    /// Whether there may be more of them than were asked for.
    truncated: bool,
}

/// One kind of counter.
#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
struct CounterPresence {
    metric: &'static str,
    series: u64,
    /// `absent`: no such series, which says nothing of failures; `zero`: series, and no failure; `failures`.
    state: &'static str,
}

/// A job of which some targets do not answer.
#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
struct SilentJob<'a> {
    job: &'a str,
    down: u64,
    of: u64,
}

/// What failed.
#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
struct Finding<'a> {
    code: &'static str,
    slug: &'static str,
    headline: &'static str,
    confidence: &'static str,
    /// How many in that time; Prometheus extrapolates.
    count: u64,
    side: Option<&'static str>,
    namespace: Option<&'a str>,
    workload: Option<&'a str>,
    target: Option<&'a str>,
    status: Option<&'a str>,
    flags: Option<&'a str>,
    /// The metric that says it.
    metric: &'static str,
    /// Commands to go on with.
    next: Vec<String>,
}

/// Writes the survey, of at most `top` rows where a person reads it.
pub(crate) fn write(
    out: &mut dyn Write,
    survey: &Survey,
    server: &str,
    top: usize,
    lang: Lang,
    format: DiagnosisFormatArg,
) -> io::Result<()> {
    match format {
        DiagnosisFormatArg::Json => json::object(out, &surveyed(survey, server, lang)),
        DiagnosisFormatArg::Markdown => markdown(out, survey, server, top, lang),
        _ => text(out, survey, server, top, lang),
    }
}

fn surveyed<'a>(survey: &'a Survey, server: &'a str, lang: Lang) -> Surveyed<'a> {
    let finding = |ranked: &'a Ranked| Finding {
        code: ranked.cause.code,
        slug: ranked.cause.slug,
        headline: ranked.cause.headline(lang),
        confidence: ranked.confidence.as_str(),
        count: whole(ranked.count),
        side: ranked.side.map(Side::as_str),
        namespace: ranked.namespace.as_deref(),
        workload: ranked.workload.as_deref(),
        target: ranked.target.as_deref(),
        status: ranked.seen.as_ref().map(|(status, _)| status.as_str()),
        flags: ranked.seen.as_ref().map(|(_, flags)| flags.as_str()),
        metric: ranked.counter.metric(),
        next: next(ranked),
    };
    Surveyed {
        schema: json::SCHEMA,
        lang: lang::tag(lang),
        server,
        window_seconds: survey.window,
        proxies: survey.proxies,
        counts_requests: survey.counts_requests(),
        counters: Counter::ALL.map(|counter| presence(survey, counter)).into(),
        silent: survey.silent.iter().map(|silent| SilentJob { job: &silent.job, down: silent.down, of: silent.of }).collect(),
        findings: survey.ranked.iter().map(finding).collect(),
        truncated: survey.is_cut,
    }
}

fn presence(survey: &Survey, counter: Counter) -> CounterPresence {
    let series = survey.series(counter);
    let state = match series {
        0 => "absent",
        _ if survey.ranked.iter().any(|ranked| ranked.counter == counter) => "failures",
        _ => "zero",
    };
    CounterPresence { metric: counter.metric(), series, state }
}

fn text(out: &mut dyn Write, survey: &Survey, server: &str, top: usize, lang: Lang) -> io::Result<()> {
    let labels = Labels::of(lang);
    let mut page = Page::new(out);
    page.dim(&beginning(survey, server, lang))?;
    for counter in Counter::ALL {
        page.prose(&said(survey, counter, lang))?;
    }
    for silent in &survey.silent {
        page.prose(&unscraped(&silent.job, silent.down, silent.of, lang))?;
    }
    let shown: Vec<&Ranked> = survey.ranked.iter().take(top).collect();
    if shown.is_empty() {
        return Ok(());
    }
    page.blank()?;
    let cells = |cell: fn(&Ranked) -> String| shown.iter().map(move |ranked| cell(ranked)).collect::<Vec<_>>().into_iter();
    let confidence = shown.iter().map(|ranked| labels.confidence(ranked.confidence.as_str()).to_owned()).collect::<Vec<_>>();
    table::fitting(
        &mut page,
        vec![
            Column::new(labels.count, cells(|ranked| whole(ranked.count).to_string())),
            Column::new(labels.cause, cells(|ranked| format!("{} {}", ranked.cause.code, ranked.cause.slug))),
            Column::new("", confidence.into_iter()).or_nothing(),
            Column::new(workload_label(lang), cells(who)),
            Column::new(labels.target, cells(|ranked| ranked.target.as_deref().map(escape::line).unwrap_or_default()))
                .or_nothing(),
            Column::new("", cells(seen)).or_nothing(),
        ],
    )?;
    let left = survey.ranked.len().saturating_sub(top);
    if left > 0 {
        page.dim(&format!("{}: {left}", labels.more_rows))?;
    }
    page.heading(next_label(lang))?;
    let mut commands: Vec<String> = shown.iter().take(WITH_COMMANDS).flat_map(|ranked| next(ranked)).collect();
    let mut known = std::collections::BTreeSet::new();
    commands.retain(|command| known.insert(command.clone()));
    page.code(&commands.join("\n"))
}

fn markdown(out: &mut dyn Write, survey: &Survey, server: &str, top: usize, lang: Lang) -> io::Result<()> {
    let Labels { count, cause, target, .. } = Labels::of(lang);
    let cell = |text: &str| escape::line(text).replace('\\', "\\\\").replace('|', "\\|").replace(['`', '<'], "'");
    writeln!(out, "{}\n", cell(&beginning(survey, server, lang)))?;
    for counter in Counter::ALL {
        writeln!(out, "- {}", said(survey, counter, lang))?;
    }
    for silent in &survey.silent {
        writeln!(out, "- {}", cell(&unscraped(&silent.job, silent.down, silent.of, lang)))?;
    }
    if survey.ranked.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n| {count} | {cause} | {} | {target} |\n| ---: | --- | --- | --- |", workload_label(lang))?;
    for ranked in survey.ranked.iter().take(top) {
        let (code, slug) = (ranked.cause.code, ranked.cause.slug);
        let target = cell(ranked.target.as_deref().unwrap_or_default());
        writeln!(
            out,
            "| {} | [{code}]({}) {slug} | {} | {target} |",
            whole(ranked.count),
            ranked.cause.address(lang),
            cell(&who(ranked))
        )?;
    }
    Ok(())
}

fn beginning(survey: &Survey, server: &str, lang: Lang) -> String {
    let (server, minutes, proxies) = (escape::line(server), survey.window.div_ceil(60), survey.proxies);
    match lang {
        Lang::En => format!("{server}  last {minutes} min  proxies scraped: {proxies}"),
        Lang::Zh => format!("{server}  最近 {minutes} 分钟  已采集的代理：{proxies}"),
    }
}

/// Whether a counter is there; where it is not, what that means.
fn said(survey: &Survey, counter: Counter, lang: Lang) -> String {
    let CounterPresence { metric, series, state } = presence(survey, counter);
    let state = match (state, counter, lang) {
        ("failures", _, Lang::En) => "failures",
        ("failures", _, Lang::Zh) => "有失败",
        ("zero", _, Lang::En) => "no failure counted",
        ("zero", _, Lang::Zh) => "未统计到失败",
        (_, Counter::Module, Lang::En) => "no such series: no proxy has the module, or none has failed since it started",
        (_, Counter::Module, Lang::Zh) => "没有这样的序列：代理未装模块，或启动以来没有失败",
        (_, Counter::Native, Lang::En) => {
            "no such series: no proxy has envoyfilter/counters.yaml, or none has failed since it started"
        }
        (_, Counter::Native, Lang::Zh) => "没有这样的序列：代理未应用 envoyfilter/counters.yaml，或启动以来没有失败",
        (_, Counter::Istio, Lang::En) => "no such series: nothing counts requests, so nothing can be said of those that failed",
        (_, Counter::Istio, Lang::Zh) => "没有这样的序列：没有任何指标统计请求，因此无法判断是否有失败",
        (_, Counter::Refused, Lang::En) => "no such series: whether proxies take their configuration is not known",
        (_, Counter::Refused, Lang::Zh) => "没有这样的序列：无法得知代理是否接受了配置",
    };
    match (series, lang) {
        (0, _) => format!("{metric}: {state}"),
        (_, Lang::En) => format!("{metric}: {state} (series: {series})"),
        (_, Lang::Zh) => format!("{metric}：{state}（序列数：{series}）"),
    }
}

fn unscraped(job: &str, down: u64, of: u64, lang: Lang) -> String {
    let job = escape::line(job);
    match lang {
        Lang::En => format!("job {job}: {down} of {of} targets do not answer, so nothing is known of them (`up == 0`)"),
        Lang::Zh => format!("job {job}：{of} 个目标中有 {down} 个采集失败（`up == 0`），它们的情况未知"),
    }
}

const fn workload_label(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "WORKLOAD",
        Lang::Zh => "工作负载",
    }
}

const fn next_label(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "Go on with",
        Lang::Zh => "接下来运行",
    }
}

/// Namespace, workload and side.
fn who(ranked: &Ranked) -> String {
    let name = [ranked.namespace.as_deref(), ranked.workload.as_deref()].into_iter().flatten().collect::<Vec<_>>().join("/");
    let side = ranked.side.map(|side| format!(" ({})", side.as_str())).unwrap_or_default();
    escape::line(&format!("{}{side}", if name.is_empty() { "-" } else { &name }))
}

fn seen(ranked: &Ranked) -> String {
    ranked.seen.as_ref().map(|(status, flags)| escape::line(&format!("{status} {flags}"))).unwrap_or_default()
}

/// What to run next. A label that is no name of Kubernetes stands in no command.
fn next(ranked: &Ranked) -> Vec<String> {
    let named = |name: &Option<String>, slot: Slot| name.as_deref().filter(|name| slot.accepts(name)).map(str::to_owned);
    let namespace = named(&ranked.namespace, Slot::Namespace);
    let workload = named(&ranked.workload, Slot::Workload);
    let whose = match (namespace, workload) {
        (Some(namespace), Some(workload)) => format!("deploy/{workload} -n {namespace}"),
        (Some(namespace), None) => format!("-n {namespace}"),
        (None, _) => "-A".to_owned(),
    };
    let target = named(&ranked.target, Slot::Host).map(|target| format!(" --target {target}")).unwrap_or_default();
    let what = match ranked.counter {
        Counter::Module => format!(" --cause {}", ranked.cause.code),
        _ => target,
    };
    vec![format!("kubectl meshwhy diagnose {whose}{what}"), format!("meshwhy causes {}", ranked.cause.code)]
}
