//! What a run tells its reader: every renderer takes this and adds only its form.

use std::sync::Arc;

use jiff::Timestamp;
use meshwhy_core::Lang;
use meshwhy_core::catalogue::explanation::{Explanation, ExplanationPart};
use meshwhy_core::cluster_name::ClusterName;
use meshwhy_core::condition::Literal;
use meshwhy_core::judge::{self, Decider};
use meshwhy_diagnose::{self as diagnose, Analysis, BurstReason, Class, Course, Group, Rate, Tally, Totals};
use meshwhy_logs::decoded::Decoded;
use meshwhy_proxy::route::{Agreement, FailureReport};
use serde::Serialize;

use crate::configuration::Configuration;

/// The answer to `explain` or `diagnose`.
pub struct DiagnosisReport {
    /// The language of its texts.
    pub lang: Lang,
    /// What failed, by cause, target and hop.
    pub entries: Vec<Entry>,
    /// Failures that were not asked for: of other causes, targets and times.
    pub not_shown: u64,
    /// What was read, by what it is.
    pub tally: Tally,
    /// What each line was.
    pub totals: Totals,
    /// The time that the lines are of.
    pub observed: Option<Observed>,
    /// The first lines that were not understood.
    pub unparsed: Vec<Example>,
    /// What stands in base64 in the input of `explain`.
    pub decoded: Vec<Decoded>,
    /// Whether single lines were asked about, so that what the verdict rests on is of interest.
    pub is_explained: bool,
}

/// A span of time.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Observed {
    /// When the first request began.
    #[cfg_attr(feature = "schemas", schemars(with = "String"))]
    from: Timestamp,
    /// When the last request began.
    #[cfg_attr(feature = "schemas", schemars(with = "String"))]
    until: Timestamp,
}

impl Observed {
    /// Both.
    #[must_use]
    pub const fn times(&self) -> (Timestamp, Timestamp) {
        (self.from, self.until)
    }
}

/// One cause at one target, as one hop tells it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Entry {
    /// How much it matters.
    #[serde(skip)]
    pub class: Class,
    /// The code of the cause.
    pub code: &'static str,
    /// Its slug.
    pub slug: &'static str,
    /// `certain` or `likely`.
    pub confidence: &'static str,
    /// What happened, in one sentence.
    pub headline: &'static str,
    /// The host name of the service, where the cluster names one; else the cluster, or the host that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The cluster, with port and subset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// The proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hop: Option<String>,
    /// The hop, where only a header that another proxy passed on tells of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relayed_from: Option<String>,
    /// The side that the proxy was on: `outbound`, `inbound` or `gateway`.
    pub side: Option<&'static str>,
    /// Whose decision it was: `proxy`, `application`, `caller` or `control-plane`.
    pub decided_by: &'static str,
    /// How often.
    pub count: u64,
    /// Of the requests that the access logs have to this cluster, the part that failed so; from 0 to 1. Absent where they do not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// How many of them have no record of their own.
    pub suppressed: u64,
    /// When the first of them began, in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schemars(with = "Option<String>"))]
    pub first_seen: Option<Timestamp>,
    /// When the last of them began, in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schemars(with = "Option<String>"))]
    pub last_seen: Option<Timestamp>,
    /// When how many of them began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// How they went on: `steady`, `onset`, `burst` or `flapping`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub course: Option<Course>,
    /// What may have made a burst: `order_of_changes` or `listener_update`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst_reason: Option<BurstReason>,
    /// The slug of another finding's cause that explains this one.
    pub caused_by: Option<&'static str>,
    /// The address of the server whose proxy was asked and knows more, and of which no line was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_hop: Option<String>,
    /// Whose requests failed: the pod that sent them, else the addresses that they came from; at most 20.
    pub callers: Vec<String>,
    /// Numbers of the lines that tell of them, over all sources; at most 100.
    pub lines: Vec<u64>,
    /// The facts that prove it.
    pub evidence: Vec<Evidence>,
    /// The header holds a record that contradicts the rest of its member, or is none; it was not believed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub record_refused: bool,
    /// At most five.
    pub examples: Vec<Example>,
    /// Other causes that the facts leave possible.
    #[serde(skip)]
    pub alternatives: Vec<Alternative>,
    /// Causes that it is not, since the counter of the proxy that would count them is 0.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ruled_out: Vec<RuledOut>,
    /// Causes that nearly matched, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub near_misses: Option<Vec<NearMiss>>,
    /// The place in the manifests that explains it; `null` where none does, absent where no manifests were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration: Option<Option<Configuration>>,
    /// Where the request went in the proxy that speaks, where its dump was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<FailureReport>,
    /// What the catalogue says of the cause, with the names of this failure.
    pub explanation: Explanation,
    /// The fixes of the explanation, without its prose.
    pub fixes: Vec<ExplanationPart>,
}

/// A line that tells of a failure.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Example {
    #[serde(skip)]
    number: u32,
    /// The file, or the file in an archive.
    pub source: String,
    /// Its number in that file, from 1.
    pub line: u64,
    /// The id of the request, where the line has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The line as it stands, cut.
    pub text: String,
}

/// A fact that proves a verdict.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Evidence {
    /// The name of the fact.
    pub name: &'static str,
    /// As meshwhy reads it.
    pub value: String,
    /// The number of the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The piece of the line as it stands, escaped and cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A cause that the facts leave possible.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Alternative {
    /// Its code.
    pub code: &'static str,
    /// Its slug.
    pub slug: &'static str,
    /// `possible`.
    pub confidence: &'static str,
    /// What it says happened.
    pub headline: &'static str,
    /// The observation by which it would be the one: the end of a sentence that begins with "if".
    pub decide_by: String,
}

/// A cause that a counter rules out.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct RuledOut {
    /// Its code.
    pub code: &'static str,
    /// Its slug.
    pub slug: &'static str,
    /// What it says happened.
    pub headline: &'static str,
}

/// A cause that nearly matched.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct NearMiss {
    /// Its code.
    pub code: &'static str,
    /// Its slug.
    pub slug: &'static str,
    /// What it says happened.
    pub headline: &'static str,
    /// Conditions that held, in words.
    pub held: Vec<String>,
    /// Conditions that did not.
    pub missing: Vec<String>,
}

impl DiagnosisReport {
    /// `configurations` has what the manifests say of each group, where manifests were given.
    #[must_use]
    pub fn new(analysis: Analysis, configurations: Option<Vec<Option<Configuration>>>, lang: Lang, why_not: bool) -> Self {
        let mut configurations = configurations.map(Vec::into_iter);
        let mut entry = |group| Entry {
            configuration: configurations.as_mut().map(|each| each.next().flatten()),
            ..Entry::new(group, lang, why_not)
        };
        let entries = analysis.groups.into_iter().map(&mut entry).collect();
        let unparsed = analysis.unparsed.into_iter().map(Example::new).collect();
        Self {
            lang,
            entries,
            not_shown: analysis.outside,
            tally: analysis.tally,
            totals: analysis.totals,
            observed: analysis.observed.map(|(from, until)| Observed { from, until }),
            unparsed,
            decoded: Vec::new(),
            is_explained: false,
        }
    }
}

impl DiagnosisReport {
    /// With what dumps of proxies say of each entry, in the order of the groups.
    #[must_use]
    pub fn routed(mut self, routes: Vec<Option<FailureReport>>) -> Self {
        self.entries.iter_mut().zip(routes).for_each(|(entry, route)| entry.route = route);
        self
    }

    /// The causes that some entry leaves possible and that none names, in the order of the entries.
    #[must_use]
    pub fn alternatives(&self) -> Vec<&Alternative> {
        let mut codes: Vec<&str> = self.entries.iter().map(|entry| entry.code).collect();
        let all = self.entries.iter().flat_map(|entry| &entry.alternatives);
        let mut alternatives = Vec::new();
        for other in all {
            if !codes.contains(&other.code) {
                codes.push(other.code);
                alternatives.push(other);
            }
        }
        alternatives
    }

    /// With the names of the sources, in the order of their numbers.
    #[must_use]
    pub fn from(mut self, sources: &[String]) -> Self {
        for example in self.entries.iter_mut().flat_map(|entry| &mut entry.examples).chain(&mut self.unparsed) {
            example.source = sources.get(example.number as usize).cloned().unwrap_or_default();
        }
        self
    }

    /// Only what is asked for.
    #[must_use]
    pub fn only(mut self, is_asked_for: impl Fn(&Entry) -> bool) -> Self {
        let (shown, others): (Vec<Entry>, Vec<Entry>) = self.entries.into_iter().partition(is_asked_for);
        self.entries = shown;
        self.not_shown += others.iter().map(|entry| entry.count).sum::<u64>();
        self
    }

    /// The most frequent first, as an overview wants it; what the application answered and what nobody knows stays last.
    #[must_use]
    pub fn by_count(mut self) -> Self {
        self.entries.sort_by_key(|entry| (entry.class, std::cmp::Reverse(entry.count)));
        self
    }
}

impl Entry {
    /// Whether the proxy's own configuration explains it, so that there is nothing to be said of manifests that do not.
    #[must_use]
    pub fn is_explained_by_route(&self) -> bool {
        self.route.as_ref().is_some_and(|report| report.agreement == Agreement::Explains)
    }

    /// Whether a target is meant by this name: the host or its first labels, or the cluster.
    #[must_use]
    pub fn is_at(&self, name: &str) -> bool {
        let begins = |host: &str| host.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ':']));
        self.cluster.as_deref() == Some(name) || self.target.as_deref().is_some_and(begins)
    }

    fn new(group: Group, lang: Lang, why_not: bool) -> Self {
        let cause = group.verdict.cause;
        let near = |group: &Group| {
            let misses = group.verdict.near_misses(&group.facts);
            misses.iter().map(|miss| NearMiss::new(miss, lang)).collect()
        };
        let (line, example) = (group.lines.first().copied(), group.examples.first().map(|example| Arc::clone(&example.text)));
        let evidence = group.evidence.iter().map(|fact| Evidence {
            name: fact.name,
            value: fact.value.clone(),
            line,
            text: example.as_deref().map(|example| piece(example, &fact.value)),
        });
        let evidence = evidence.collect();
        let explanation = cause.explain(lang, &group.facts);
        let is_fix = |part: &&ExplanationPart| matches!(part, ExplanationPart::Steps { .. });
        Self {
            class: Class::of(cause),
            code: cause.code,
            slug: cause.slug,
            confidence: group.verdict.confidence.as_str(),
            headline: cause.headline(lang),
            alternatives: Alternative::all(&group, lang),
            ruled_out: (group.ruled_out.iter())
                .map(|cause| RuledOut { code: cause.code, slug: cause.slug, headline: cause.headline(lang) })
                .collect(),
            record_refused: group.facts.context.record_refused == Some(true),
            near_misses: why_not.then(|| near(&group)),
            fixes: explanation.fix.iter().filter(is_fix).cloned().collect(),
            explanation,
            target: group.target.map(|target| host(&target).map(str::to_owned).unwrap_or(target)),
            cluster: group.facts.cluster.as_deref().map(str::to_owned),
            hop: group.hop,
            relayed_from: group.relayed_from,
            side: group.side.map(meshwhy_core::Side::as_str),
            decided_by: cause.decided_by.as_str(),
            count: group.count,
            share: share(group.count, group.traffic),
            rate: group.rate,
            course: group.course,
            burst_reason: group.burst_reason,
            missing_hop: group.missing_hop,
            caused_by: group.caused_by.map(|cause| cause.slug),
            suppressed: group.suppressed,
            first_seen: group.first_seen,
            last_seen: group.last_seen,
            callers: group.callers,
            lines: group.lines,
            evidence,
            examples: group.examples.into_iter().map(Example::new).collect(),
            configuration: None,
            route: None,
        }
    }
}

impl Example {
    fn new(example: diagnose::Example) -> Self {
        let diagnose::Example { source, line, request_id, text } = example;
        Self {
            number: source,
            source: String::new(),
            line,
            request_id: request_id.map(|id| id.as_ref().into()),
            text: text.as_ref().into(),
        }
    }
}

impl Alternative {
    fn all(group: &Group, lang: Lang) -> Vec<Self> {
        let open = |literals: Vec<Literal>| literals.iter().map(|literal| literal.prose(lang)).collect::<Vec<_>>();
        let alternative = |other: judge::Alternative| Self {
            code: other.cause.code,
            slug: other.cause.slug,
            confidence: "possible",
            headline: other.cause.headline(lang),
            decide_by: match (other.decide_by, lang) {
                (Decider::Named(suspicion), Lang::En) => suspicion.decide_by.to_owned(),
                (Decider::Named(suspicion), Lang::Zh) => suspicion.decide_by_zh.to_owned(),
                (Decider::Open(literals), Lang::En) => open(literals).join(" and "),
                (Decider::Open(literals), Lang::Zh) => open(literals).join("，且"),
            },
        };
        let alternatives = group.verdict.alternatives(&group.facts).into_iter();
        alternatives.filter(|other| !group.ruled_out.contains(&other.cause)).map(alternative).collect()
    }
}

/// The part of all requests that failed, to four digits; `None` where there are too few of them to say, or fewer than failed.
fn share(failed: u64, requests: u64) -> Option<f64> {
    const FEWEST: u64 = 10;
    (requests >= FEWEST && failed <= requests).then(|| (failed as f64 / requests as f64 * 1e4).round() / 1e4)
}

/// The host name of the service that a cluster stands for.
fn host(cluster: &str) -> Option<&str> {
    match ClusterName::parse(cluster) {
        ClusterName::Service { host: Some(host), .. } if !host.is_empty() => Some(host),
        _ => None,
    }
}

/// The value as it stands in the line, else the line: Envoy prints one text with spaces or with underscores.
fn piece(line: &str, value: &str) -> String {
    let folded = |text: &str| text.replace('_', " ");
    match folded(line).find(&folded(value)) {
        Some(at) => line.get(at..at + value.len()).unwrap_or(line).to_owned(),
        None => line.to_owned(),
    }
}

impl NearMiss {
    fn new(miss: &judge::NearMiss, lang: Lang) -> Self {
        let prose = |literals: &[Literal]| literals.iter().map(|literal| literal.prose(lang)).collect();
        Self {
            code: miss.cause.code,
            slug: miss.cause.slug,
            headline: miss.cause.headline(lang),
            held: prose(&miss.held),
            missing: prose(&miss.missing),
        }
    }
}
