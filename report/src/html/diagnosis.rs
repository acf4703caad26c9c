//! A diagnosis: totals, the course of failures, which cause at which target, and each cause with its fixes.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;
use maud::{Markup, html};
use meshwhy_logs::decoded::Decoded;
use meshwhy_proxy::matching::Truth;
use meshwhy_proxy::route::report::ReportedCondition;
use meshwhy_proxy::route::{Agreement, FailureReport, RouteReport};

use super::{code, prose, steps};
use crate::columns::{hop, seconds, service, share};
use crate::configuration::Configuration;
use crate::decoded::rows;
use crate::diagnosis::{DiagnosisReport, Entry};
use crate::escape;
use crate::labels::Labels;
use crate::sparkline::resampled;

/// Most findings of a cause that the page has; JSON has all of them.
const MOST: usize = 20;
/// Colours: one for each of the causes that count most, and one for all others.
const COLOURS: usize = 6;
/// Near misses of a route.
const NEAR: usize = 3;
/// Rows and columns of the map.
const MAP: usize = 12;
/// Shades of the map, as classes of the style.
const SHADES: f64 = 10.0;
/// Bars of the timeline.
const BARS: usize = 60;
/// What nearly matched a request, and what of it did not.
struct Near {
    name: String,
    missed: Vec<String>,
}

/// A cause and the entries that have it.
struct CauseEntries<'r> {
    entries: Vec<&'r Entry>,
    count: u64,
}

impl<'r> CauseEntries<'r> {
    fn first(&self) -> Option<&'r Entry> {
        self.entries.first().copied()
    }
}

fn causes(report: &DiagnosisReport) -> Vec<CauseEntries<'_>> {
    let mut causes: Vec<CauseEntries<'_>> = Vec::new();
    for entry in &report.entries {
        let is_of = |cause: &&mut CauseEntries<'_>| cause.first().is_some_and(|first| first.code == entry.code);
        match causes.iter_mut().find(is_of) {
            Some(cause) => {
                cause.count = cause.count.saturating_add(entry.count);
                cause.entries.push(entry);
            }
            None => causes.push(CauseEntries { entries: vec![entry], count: entry.count }),
        }
    }
    causes.sort_by_key(|cause| (cause.first().map(|first| first.class), Reverse(cause.count)));
    causes
}

/// A diagnosis on its way into a page.
pub(super) struct Diagnosis<'r> {
    labels: &'static Labels,
    report: &'r DiagnosisReport,
    causes: Vec<CauseEntries<'r>>,
    now: Timestamp,
}

impl<'r> Diagnosis<'r> {
    pub(super) fn of(report: &'r DiagnosisReport, now: Timestamp) -> Self {
        Self { labels: Labels::of(report.lang), report, causes: causes(report), now }
    }

    /// What is found, below the head.
    pub(super) fn body(&self) -> Markup {
        let Self { labels, report, causes, .. } = self;
        html! {
            @if report.entries.is_empty() && report.decoded.is_empty() {
                p { (if report.not_shown > 0 { labels.others_failed } else { labels.nothing_found }) }
            }
            @if !report.is_explained {
                @if let Some(observed) = &report.observed { (self.timeline(observed.times())) }
                @if !causes.is_empty() { (self.map()) }
            }
            @for cause in causes { (self.cause(cause)) }
            @for decoded in &report.decoded { (self.decoded(decoded)) }
            @if !report.unparsed.is_empty() {
                h2 { (labels.unparsed) }
                @for line in &report.unparsed { pre tabindex="0" { (line.source) ":" (line.line) " " (escape::line(&line.text)) } }
            }
        }
    }

    /// The numbers, and a field that searches.
    pub(super) fn head(&self) -> Markup {
        let labels = self.labels;
        html! {
            (self.totals())
            @if self.causes.len() > 1 {
                input type="search" placeholder=(labels.search) aria-label=(labels.search);
                p.faint.keys { (labels.keys) }
            }
        }
    }

    fn totals(&self) -> Markup {
        let (labels, totals) = (self.labels, self.report.totals);
        let numbers = [
            (labels.lines_read, totals.lines),
            (labels.failed, totals.failed),
            (labels.healthy, totals.healthy),
            (labels.ignored, totals.ignored),
            (labels.unreadable, totals.unparsed),
            (labels.not_shown, self.report.not_shown),
        ];
        html! {
            dl {
                @for (name, number) in numbers { @if number > 0 { div { dt { (name) } dd { (number) } } } }
                @if let Some(observed) = &self.report.observed {
                    div { dt { (labels.observed) } dd { (seconds(Some(observed.times().0))) " … " (seconds(Some(observed.times().1))) } }
                }
            }
        }
    }

    /// Failures over time, the causes that count most in colours of their own.
    fn timeline(&self, observed: (Timestamp, Timestamp)) -> Markup {
        let mut stacks = [[0.0; BARS]; COLOURS];
        for (at, cause) in self.causes.iter().enumerate() {
            for rate in cause.entries.iter().filter_map(|entry| entry.rate.as_ref()) {
                let counts = resampled::<BARS>(rate, observed);
                if let Some(stack) = stacks.get_mut(at.min(COLOURS - 1)) {
                    stack.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
                }
            }
        }
        let highest = (0..BARS).map(|bar| stacks.iter().filter_map(|stack| stack.get(bar)).sum::<f64>()).fold(0.0, f64::max);
        if highest <= 0.0 {
            return html! {};
        }
        let mut bars = Vec::new();
        for bar in 0..BARS {
            let mut top = 100.0;
            for (colour, count) in stacks.iter().map(|stack| stack.get(bar).copied().unwrap_or_default()).enumerate() {
                let height = count / highest * 96.0;
                top -= height;
                if count > 0.0 {
                    bars.push((bar, colour, top, height, count));
                }
            }
        }
        let name = |cause: &CauseEntries<'_>| cause.first().map_or("", |first| first.slug);
        html! {
            h2 { (self.labels.rate) }
            svg viewBox=(format!("0 0 {BARS} 100")) preserveAspectRatio="none" role="img" aria-label=(self.labels.rate) {
                @for (bar, colour, top, height, count) in bars {
                    rect class=(format!("k{colour}")) x=(bar) width="0.9" y=(format!("{top:.2}")) height=(format!("{height:.2}")) {
                        title { (format!("{count:.0}")) }
                    }
                }
            }
            ul.legend {
                @for (at, cause) in self.causes.iter().take(COLOURS - 1).enumerate() {
                    li { i class=(format!("k{at}")) {} (name(cause)) " " (cause.count) }
                }
                @if self.causes.len() >= COLOURS { li { i class=(format!("k{}", COLOURS - 1)) {} (self.labels.others) } }
            }
        }
    }

    /// Which cause at which target.
    fn map(&self) -> Markup {
        let mut all: BTreeMap<String, u64> = BTreeMap::new();
        let mut rows: Vec<(&Entry, BTreeMap<String, u64>)> = Vec::new();
        for cause in self.causes.iter().take(MAP) {
            let mut counts: BTreeMap<String, u64> = BTreeMap::new();
            for entry in &cause.entries {
                let target = service(entry);
                *all.entry(target.clone()).or_default() += entry.count;
                *counts.entry(target).or_default() += entry.count;
            }
            rows.extend(cause.first().map(|first| (first, counts)));
        }
        let mut targets: Vec<(String, u64)> = all.into_iter().collect();
        targets.sort_by_key(|(_, count)| Reverse(*count));
        targets.truncate(MAP);
        let shown = |counts: &BTreeMap<String, u64>| -> Vec<u64> {
            targets.iter().map(|(target, _)| counts.get(target).copied().unwrap_or_default()).collect()
        };
        let rows: Vec<(&Entry, Vec<u64>)> = (rows.iter())
            .map(|(cause, counts)| (*cause, shown(counts)))
            .filter(|(_, counts)| counts.iter().any(|count| *count > 0))
            .collect();
        let most = rows.iter().flat_map(|(_, counts)| counts).copied().max().unwrap_or_default().max(1);
        let shade = |count: u64| format!("s{:.0}", (count as f64 / most as f64 * SHADES).ceil());
        html! {
            h2 { (self.labels.cause) " × " (self.labels.target) }
            div.scroll tabindex="0" { table.heat {
                thead { tr { td {} @for (target, _) in &targets { th scope="col" { (target) } } } }
                tbody { @for (cause, counts) in &rows {
                    tr {
                        th scope="row" { a href=(format!("#{}", cause.code)) { (cause.code) " " (cause.slug) } }
                        @for count in counts { @if *count > 0 { td class=(shade(*count)) { (count) } } @else { td {} } }
                    }
                } }
            } }
        }
    }

    fn cause(&self, cause: &CauseEntries<'_>) -> Markup {
        let (labels, Some(first)) = (self.labels, cause.first()) else { return html! {} };
        let words = |entry: &Entry| {
            let callers = entry.callers.join(" ");
            format!("{} {} {} {callers}", service(entry), hop(entry), entry.cluster.as_deref().unwrap_or_default()).to_lowercase()
        };
        let all: Vec<String> = cause.entries.iter().map(|entry| words(entry)).collect();
        let all = format!("{} {} {} {}", first.code, first.slug, first.headline, all.join(" ")).to_lowercase();
        html! {
            article id=(first.code) tabindex="-1" data-words=(escape::line(&all)) {
                h2 { (first.code) " " (first.slug) " " span.faint { (labels.confidence(first.confidence)) " · " (cause.count) "×" } }
                p { strong { (first.headline) } }
                div.scroll tabindex="0" { table {
                    thead { tr {
                        @for name in [labels.count, labels.share, labels.target, labels.hop, labels.first_seen, labels.rate] { th { (name) } }
                    } }
                    tbody { @for entry in cause.entries.iter().take(MOST) { (self.row(entry)) } }
                } }
                @if cause.entries.len() > MOST { p.faint { (labels.more_rows) ": " (cause.entries.len() - MOST) " (JSON)" } }
                (self.hops(first))
                @if let Some(server) = &first.missing_hop { p.faint { (self.labels.missing_hop) " " (escape::line(server)) } }
                @if self.report.is_explained { @for entry in &cause.entries { (self.evidence(entry)) } }
                @if let Some(found) = &first.configuration { @if !first.is_explained_by_route() { (self.configuration(found.as_ref())) } }
                @if let Some(report) = &first.route { (self.route(report)) }
                h3 { (labels.why) }
                @for paragraph in &first.explanation.why { p { (prose(paragraph)) } }
                h3 { (labels.fix) }
                (steps(labels, &first.explanation.fix))
                details { summary { (labels.confirm) } (steps(labels, &first.explanation.confirm)) }
                (self.others(first))
                details { summary { (labels.examples) }
                    @for example in &first.examples {
                        p.faint { (example.source) ":" (example.line) }
                        (code(labels, &escape::line(&example.text)))
                    }
                }
            }
        }
    }

    fn row(&self, entry: &Entry) -> Markup {
        let counts = entry.rate.as_ref().zip(self.report.observed.as_ref());
        let counts = counts.map(|(rate, observed)| resampled::<BARS>(rate, observed.times()));
        let most = counts.iter().flatten().copied().fold(f64::MIN_POSITIVE, f64::max);
        let height = |count: f64| format!("{:.1}", count / most * 20.0);
        let top = |count: f64| format!("{:.1}", 20.0 - count / most * 20.0);
        let remark = [
            entry.course.map(|course| self.labels.course(course)),
            entry.burst_reason.map(|reason| self.labels.burst_reason(reason)),
        ];
        html! {
            tr {
                td.number { (entry.count) }
                td.number { (share(entry)) }
                td { (service(entry)) }
                td { (hop(entry)) }
                td { (seconds(entry.first_seen)) }
                td title=(remark.into_iter().flatten().collect::<Vec<_>>().join(" · ")) {
                    @if let Some(counts) = counts {
                        svg.spark viewBox=(format!("0 0 {BARS} 20")) preserveAspectRatio="none" aria-hidden="true" {
                            @for (at, count) in counts.into_iter().enumerate() {
                                @if count > 0.0 { rect.k2 x=(at) width="0.9" y=(top(count)) height=(height(count)) {} }
                            }
                        }
                    }
                    @if let Some(course) = entry.course { " " (self.labels.course(course)) }
                    @if let Some(cause) = entry.caused_by { " " (self.labels.caused_by) " " (cause) }
                }
            }
        }
    }

    /// Who called whom; who answered is marked.
    fn hops(&self, entry: &Entry) -> Markup {
        let caller = entry.callers.first().map(|caller| escape::line(caller));
        let (proxy, target) = (hop(entry), service(entry));
        let caller = caller.unwrap_or_else(|| "?".to_owned());
        let author = match entry.decided_by {
            "caller" => 0,
            "application" => 2,
            _ => 1,
        };
        html! {
            ol.hops aria-label=(self.labels.hops) {
                @for (at, name) in [caller, proxy, target].into_iter().enumerate() {
                    li { span.author[at == author] { (name) } }
                }
            }
        }
    }

    /// The place in the manifests that explains it, or that none does.
    fn configuration(&self, found: Option<&Configuration>) -> Markup {
        let labels = self.labels;
        html! {
            h3 { (labels.configuration) }
            @match found {
                None => p { (labels.no_configuration) },
                Some(found) => {
                    p { (escape::line(&found.message)) @if let Some(rule) = found.rule { " (" (rule) ")" } }
                    p.faint { (escape::line(&found.at.to_string())) " " (escape::line(&found.resource)) }
                },
            }
        }
    }

    /// Where the request went in the proxy that speaks, and what it just missed there.
    fn route(&self, FailureReport { agreement, route }: &FailureReport) -> Markup {
        let labels = self.labels;
        let is_open = *agreement == Agreement::Open;
        html! {
            h3 { (labels.route) }
            p.faint { (escape::line(&route.request)) @if let Some(proxy) = &route.proxy { " " (labels.in_proxy) " " (escape::line(proxy)) } }
            p { (prose(&escape::line(if is_open { labels.route_open } else { &route.headline }))) }
            @if *agreement == Agreement::Contradicts { p { (labels.route_contradicts) } } @else { (self.near(route)) }
        }
    }

    fn near(&self, route: &RouteReport) -> Markup {
        let labels = self.labels;
        let missed = |conditions: &[ReportedCondition]| -> Vec<String> {
            let missed = conditions.iter().filter(|condition| condition.holds != Truth::Yes);
            missed.map(|condition| condition.detail.clone()).collect()
        };
        let hosts =
            route.near_hosts.iter().map(|host| Near { name: host.virtual_host.clone(), missed: vec![host.detail.clone()] });
        let routes = route.near_routes.iter().map(|near| {
            let resource = near.resource.as_deref().unwrap_or_default();
            let name = format!("{} {} {} {resource}", labels.route_number, near.number, near.name);
            Near { name, missed: missed(&near.conditions) }
        });
        let policies = route.near_policies.iter().map(|near| {
            let name = near.resource.clone().unwrap_or_else(|| near.name.clone());
            Near { name, missed: missed(&near.conditions) }
        });
        let lists: [(&str, Vec<Near>); 3] = [
            (labels.near_hosts, hosts.take(NEAR).collect()),
            (labels.near_routes, routes.take(NEAR).collect()),
            (labels.near_policies, policies.take(NEAR).collect()),
        ];
        html! {
            @for (title, list) in &lists {
                @if !list.is_empty() {
                    h4 { (title) }
                    ul {
                        @for near in list {
                            li { (escape::line(&near.name)) @for detail in &near.missed { br; span.faint { (prose(&escape::line(detail))) } } }
                        }
                    }
                }
            }
        }
    }

    /// What else it may be, and what it cannot be.
    fn others(&self, entry: &Entry) -> Markup {
        let labels = self.labels;
        html! {
            @if !entry.alternatives.is_empty() {
                h3 { (labels.alternatives) }
                @for other in &entry.alternatives {
                    p { (other.code) " " (other.slug) ": " (other.headline) br; span.faint { (labels.decided_if) (prose(&other.decide_by)) } }
                }
            }
            @if !entry.ruled_out.is_empty() {
                h3 { (labels.ruled_out) }
                @for other in &entry.ruled_out { p { (other.code) " " (other.slug) ": " (other.headline) } }
            }
        }
    }

    /// What a verdict rests on.
    fn evidence(&self, entry: &Entry) -> Markup {
        html! {
            h3 { (self.labels.evidence) }
            dl.evidence { @for fact in &entry.evidence { div { dt { (fact.name) } dd { code { (escape::line(&fact.value)) } } } } }
            @if entry.record_refused { p { (prose(self.labels.record_refused)) } }
        }
    }

    fn decoded(&self, decoded: &Decoded) -> Markup {
        let (title, rows) = rows(self.labels, decoded, self.now);
        html! {
            h2 { (title) }
            dl.evidence { @for (name, value) in rows { div { dt { (name) } dd { (escape::line(&value)) } } } }
        }
    }
}
