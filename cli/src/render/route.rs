//! Where a request would go.

use std::io::{self, Write};

use meshwhy_core::Lang;
use meshwhy_proxy::matching::Truth;
use meshwhy_proxy::route::report::{Outcome, ReportedDestination, ReportedRoute, StepKind};
use meshwhy_proxy::route::{Agreement, FailureReport, RouteReport};
use serde::Serialize;

use super::page::Page;
use super::{Labels, json};
use crate::args::FormatArg;
use crate::escape;
use crate::lang;
use crate::report::Entry;

/// Endpoints up to which each is listed.
const ENDPOINTS: usize = 20;

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub(super) struct Routed<'a> {
    schema: &'static str,
    lang: &'static str,
    #[serde(flatten)]
    report: &'a RouteReport,
}

/// Writes the answer; as text with at most `top` near misses.
pub(crate) fn write(out: &mut dyn Write, report: &RouteReport, lang: Lang, top: usize, format: FormatArg) -> io::Result<()> {
    if format == FormatArg::Json {
        return json::object(out, &Routed { schema: json::SCHEMA, lang: lang::tag(lang), report });
    }
    let (words, labels) = (Words::of(lang), Labels::of(lang));
    let mut page = Page::new(out);
    let proxy = report.proxy.as_deref().map(|proxy| format!("{} {}", labels.in_proxy, escape::line(proxy))).unwrap_or_default();
    page.dim(&format!("{} {proxy}", escape::line(&report.request)))?;
    let passed = match report.outcome {
        Outcome::Unknown => Truth::Unknown,
        _ => Truth::from(!report.is_failure()),
    };
    page.checked(passed, &escape::line(&report.headline))?;
    page.heading(words.way)?;
    for step in &report.steps {
        let name = if step.name.is_empty() { &step.detail } else { &step.name };
        page.checked(step.passed, &format!("{}{}{}", words.step(step.step), words.colon, escape::line(name)))?;
        if !step.detail.is_empty() && !step.name.is_empty() {
            page.note(&escape::line(&step.detail))?;
        }
    }
    report.destinations.iter().try_for_each(|it| destination(&mut page, words, it))?;
    near(&mut page, words, report, top)?;
    if !report.remarks.is_empty() {
        page.heading(words.remarks)?;
        report.remarks.iter().try_for_each(|remark| page.prose(&escape::line(remark)))?;
    }
    if !report.unreadable.is_empty() {
        page.heading(words.unreadable)?;
        report.unreadable.iter().try_for_each(|part| page.prose(&escape::line(part)))?;
    }
    Ok(())
}

/// How many near misses are shown beside a failure; `meshwhy route` and JSON have all of them.
const BESIDE_FAILURE: usize = 3;

/// Writes what the proxy that speaks is configured with for a request that failed, where its dump is there.
pub(super) fn of_failure(page: &mut Page<'_>, entry: &Entry, lang: Lang) -> io::Result<()> {
    let Some(FailureReport { agreement, route: report }) = &entry.route else { return Ok(()) };
    let (words, labels) = (Words::of(lang), Labels::of(lang));
    page.heading(labels.route)?;
    let proxy = report.proxy.as_deref().map(|proxy| format!("{} {}", labels.in_proxy, escape::line(proxy))).unwrap_or_default();
    page.dim(&format!("{} {proxy}", escape::line(&report.request)))?;
    let passed = match agreement {
        Agreement::Explains => Truth::No,
        Agreement::Open | Agreement::Contradicts => Truth::Unknown,
    };
    // What follows from an open answer is no news: it is known how the request ended.
    let headline = if *agreement == Agreement::Open { labels.route_open } else { &report.headline };
    page.checked(passed, &escape::line(headline))?;
    match agreement {
        Agreement::Explains if report.outcome == Outcome::NoEndpoint => {
            report.destinations.iter().try_for_each(|it| destination(page, words, it))
        }
        Agreement::Explains if report.outcome == Outcome::NoCluster => Ok(()),
        Agreement::Explains | Agreement::Open => near(page, words, report, BESIDE_FAILURE),
        Agreement::Contradicts => page.prose(labels.route_contradicts),
    }
}

fn destination(page: &mut Page<'_>, words: &Words, it: &ReportedDestination) -> io::Result<()> {
    let share = if it.weight == it.weight_total { String::new() } else { format!(" ({}/{})", it.weight, it.weight_total) };
    page.checked(it.served, &format!("{}{}{}{share}", words.cluster, words.colon, escape::line(&it.cluster)))?;
    page.note(&escape::line(&it.detail))?;
    let endpoints = it.endpoints.as_deref().unwrap_or_default();
    for endpoint in endpoints.iter().take(ENDPOINTS) {
        let mut facts = endpoint.unhealthy.clone();
        if endpoint.priority > 0 {
            facts.push(format!("priority {}", endpoint.priority));
        }
        if !endpoint.locality.is_empty() {
            facts.push(endpoint.locality.clone());
        }
        let mark = if endpoint.usable { "✓" } else { "✗" };
        page.line(escape::line(&format!("  {mark} {}  {}", endpoint.address, facts.join(", "))).trim_end())?;
    }
    match endpoints.len().checked_sub(ENDPOINTS) {
        Some(more @ 1..) => page.note(&format!("+{more}")),
        _ => Ok(()),
    }
}

fn near(page: &mut Page<'_>, words: &Words, report: &RouteReport, top: usize) -> io::Result<()> {
    let labels = words.labels();
    if !report.near_hosts.is_empty() && top > 0 {
        page.heading(labels.near_hosts)?;
        for host in report.near_hosts.iter().take(top) {
            page.line(&escape::line(&host.virtual_host))?;
            page.note(&escape::line(&host.detail))?;
        }
        more(page, words, report.near_hosts.len(), top)?;
    }
    if !report.near_routes.is_empty() && top > 0 {
        page.heading(labels.near_routes)?;
        report.near_routes.iter().take(top).try_for_each(|it| route(page, labels, it))?;
        more(page, words, report.near_routes.len(), top)?;
    }
    if !report.near_policies.is_empty() && top > 0 {
        page.heading(labels.near_policies)?;
        for policy in report.near_policies.iter().take(top) {
            page.line(&escape::line(policy.resource.as_deref().unwrap_or(&policy.name)))?;
            policy.conditions.iter().try_for_each(|condition| page.note(&escape::line(&condition.detail)))?;
        }
        more(page, words, report.near_policies.len(), top)?;
    }
    Ok(())
}

fn more(page: &mut Page<'_>, words: &Words, all: usize, shown: usize) -> io::Result<()> {
    match all.checked_sub(shown) {
        Some(rest @ 1..) => page.prose(&format!("+{rest} ({})", words.more)),
        _ => Ok(()),
    }
}

fn route(page: &mut Page<'_>, labels: &Labels, it: &ReportedRoute) -> io::Result<()> {
    let name = if it.name.is_empty() { String::new() } else { format!(" `{}`", escape::line(&it.name)) };
    let resource = it.resource.as_deref().map(|resource| format!("  {}", escape::line(resource))).unwrap_or_default();
    page.line(&format!("{} {}{name}{resource}", labels.route_number, it.number))?;
    for condition in it.conditions.iter().filter(|condition| condition.holds != Truth::Yes) {
        page.note(&escape::line(&condition.detail))?;
    }
    Ok(())
}

struct Words {
    lang: Lang,
    colon: &'static str,
    way: &'static str,
    listener: &'static str,
    filter_chain: &'static str,
    policies: &'static str,
    route_table: &'static str,
    virtual_host: &'static str,
    cluster: &'static str,
    more: &'static str,
    remarks: &'static str,
    unreadable: &'static str,
}

impl Words {
    const fn of(lang: Lang) -> &'static Self {
        match lang {
            Lang::En => &Self {
                lang: Lang::En,
                colon: ": ",
                way: "The way through the proxy",
                listener: "listener",
                filter_chain: "filter chain",
                policies: "policies",
                route_table: "route table",
                virtual_host: "virtual host",
                cluster: "cluster",
                more: "--top shows more",
                remarks: "Remarks",
                unreadable: "Not read",
            },
            Lang::Zh => &Self {
                lang: Lang::Zh,
                colon: "：",
                way: "在代理中的路径",
                listener: "监听器",
                filter_chain: "过滤器链",
                policies: "授权策略",
                route_table: "路由表",
                virtual_host: "虚拟主机",
                cluster: "集群",
                more: "用 --top 查看更多",
                remarks: "说明",
                unreadable: "未能读取",
            },
        }
    }

    fn labels(&self) -> &'static Labels {
        Labels::of(self.lang)
    }

    fn step(&self, step: StepKind) -> &'static str {
        match step {
            StepKind::Listener => self.listener,
            StepKind::FilterChain => self.filter_chain,
            StepKind::Policies => self.policies,
            StepKind::RouteTable => self.route_table,
            StepKind::VirtualHost => self.virtual_host,
            StepKind::Route => self.labels().route_number,
        }
    }
}
