//! What a run tells its reader: every renderer takes this and adds only its form.

use std::sync::Arc;

use jiff::Timestamp;
use meshwhy_core::catalogue::explanation::{Explanation, ExplanationPart};
use meshwhy_core::cluster_name::ClusterName;
use meshwhy_core::condition::Literal;
use meshwhy_core::judge::{self, Decider};
use meshwhy_core::{Confidence, Lang};
use meshwhy_diagnose::{self as diagnose, Analysis, BurstReason, Class, Course, Group, Rate, Tally, Totals};
use meshwhy_logs::decoded::Decoded;
use meshwhy_proxy::route::FailureReport;
use serde::Serialize;

use crate::args::FailOnArg;
use crate::configuration::{Configuration, Configured};

/// The answer to `explain` or `diagnose`.
pub(crate) struct DiagnosisReport {
    pub(crate) lang: Lang,
    pub(crate) entries: Vec<Entry>,
    /// Failures that were not asked for: of other causes, targets and times.
    pub(crate) not_shown: u64,
    pub(crate) tally: Tally,
    pub(crate) totals: Totals,
    /// The time that the lines are of.
    pub(crate) observed: Option<Observed>,
    /// The first lines that were not understood.
    pub(crate) unparsed: Vec<Example>,
    /// What stands in base64 in the input of `explain`.
    pub(crate) decoded: Vec<Decoded>,
}

/// A span of time.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub(crate) struct Observed {
    /// When the first request began.
    #[cfg_attr(feature = "schemas", schemars(with = "String"))]
    from: Timestamp,
    /// When the last request began.
    #[cfg_attr(feature = "schemas", schemars(with = "String"))]
    until: Timestamp,
}

impl Observed {
    /// Both.
    pub(crate) const fn times(&self) -> (Timestamp, Timestamp) {
        (self.from, self.until)
    }
}

/// One cause at one target, as one hop tells it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub(crate) struct Entry {
    #[serde(skip)]
    pub(crate) class: Class,
    pub(crate) code: &'static str,
    pub(crate) slug: &'static str,
    pub(crate) confidence: &'static str,
    pub(crate) headline: &'static str,
    /// The host name of the service, where the cluster names one; else the cluster, or the host that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<String>,
    /// The cluster, with port and subset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cluster: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hop: Option<String>,
    /// The hop, where only a header that another proxy passed on tells of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) relayed_from: Option<String>,
    pub(crate) side: Option<&'static str>,
    /// Whose decision it was: `proxy`, `application`, `caller` or `control-plane`.
    pub(crate) decided_by: &'static str,
    pub(crate) count: u64,
    /// Of the requests that the access logs have to this cluster, the part that failed so; from 0 to 1. Absent where they do not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) share: Option<f64>,
    pub(crate) suppressed: u64,
    /// When the first of them began, in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schemars(with = "Option<String>"))]
    pub(crate) first_seen: Option<Timestamp>,
    /// When the last of them began, in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schemars(with = "Option<String>"))]
    pub(crate) last_seen: Option<Timestamp>,
    /// When how many of them began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rate: Option<Rate>,
    /// How they went on: `steady`, `onset`, `burst` or `flapping`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) course: Option<Course>,
    /// What may have made a burst: `order_of_changes` or `listener_update`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) burst_reason: Option<BurstReason>,
    /// The slug of another finding's cause that explains this one.
    pub(crate) caused_by: Option<&'static str>,
    /// The address of the server whose proxy was asked and knows more, and of which no line was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) missing_hop: Option<String>,
    /// Whose requests failed: the pod that sent them, else the addresses that they came from; at most 20.
    pub(crate) callers: Vec<String>,
    /// Numbers of the lines that tell of them, over all sources; at most 100.
    pub(crate) lines: Vec<u64>,
    pub(crate) evidence: Vec<Evidence>,
    /// The header holds a record that contradicts the rest of its member, or is none; it was not believed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) record_refused: bool,
    /// At most five.
    pub(crate) examples: Vec<Example>,
    /// Other causes that the facts leave possible.
    #[serde(skip)]
    pub(crate) alternatives: Vec<Alternative>,
    /// Causes that it is not, since the counter of the proxy that would count them is 0.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) ruled_out: Vec<RuledOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) near_misses: Option<Vec<NearMiss>>,
    /// The place in the manifests that explains it; `null` where none does, absent where no manifests were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) configuration: Option<Option<Configuration>>,
    /// Where the request went in the proxy that speaks, where its dump was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) route: Option<FailureReport>,
    pub(crate) explanation: Explanation,
    /// The fixes of the explanation, without its prose.
    pub(crate) fixes: Vec<ExplanationPart>,
}

/// A line that tells of a failure.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub(crate) struct Example {
    #[serde(skip)]
    number: u32,
    /// The file, or the file in an archive.
    pub(crate) source: String,
    /// Its number in that file, from 1.
    pub(crate) line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request_id: Option<String>,
    /// The line as it stands, cut.
    pub(crate) text: String,
}

/// A fact that proves a verdict.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub(crate) struct Evidence {
    pub(crate) name: &'static str,
    /// As meshwhy reads it.
    pub(crate) value: String,
    /// The number of the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u64>,
    /// The piece of the line as it stands, escaped and cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
}

/// A cause that the facts leave possible.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub(crate) struct Alternative {
    pub(crate) code: &'static str,
    pub(crate) slug: &'static str,
    /// `possible`.
    pub(crate) confidence: &'static str,
    pub(crate) headline: &'static str,
    /// The observation by which it would be the one: the end of a sentence that begins with "if".
    pub(crate) decide_by: String,
}

/// A cause that a counter rules out.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub(crate) struct RuledOut {
    pub(crate) code: &'static str,
    pub(crate) slug: &'static str,
    pub(crate) headline: &'static str,
}

/// A cause that nearly matched.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub(crate) struct NearMiss {
    pub(crate) code: &'static str,
    pub(crate) slug: &'static str,
    pub(crate) headline: &'static str,
    /// Conditions that held, in words.
    pub(crate) held: Vec<String>,
    /// Conditions that did not.
    pub(crate) missing: Vec<String>,
}

impl DiagnosisReport {
    /// `configured` has what is configured for each group, where manifests or dumps were given.
    pub(crate) fn new(analysis: Analysis, configured: Option<Vec<Configured>>, lang: Lang, why_not: bool) -> Self {
        let mut configured = configured.map(Vec::into_iter);
        let mut entry = |group| {
            let found =
                configured.as_mut().map(|each| each.next().map(|found| (found.configuration, found.route)).unwrap_or_default());
            let (configuration, route) = found.map_or((None, None), |(configuration, route)| (Some(configuration), route));
            Entry { configuration, route, ..Entry::new(group, lang, why_not) }
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
        }
    }
}

impl DiagnosisReport {
    /// The causes that some entry leaves possible and that none names, in the order of the entries.
    pub(crate) fn alternatives(&self) -> Vec<&Alternative> {
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
    pub(crate) fn from(mut self, sources: &[String]) -> Self {
        for example in self.entries.iter_mut().flat_map(|entry| &mut entry.examples).chain(&mut self.unparsed) {
            example.source = sources.get(example.number as usize).cloned().unwrap_or_default();
        }
        self
    }

    /// Only what is asked for.
    pub(crate) fn only(mut self, is_asked_for: impl Fn(&Entry) -> bool) -> Self {
        let (shown, others): (Vec<Entry>, Vec<Entry>) = self.entries.into_iter().partition(is_asked_for);
        self.entries = shown;
        self.not_shown += others.iter().map(|entry| entry.count).sum::<u64>();
        self
    }

    /// Whether something was found that makes the exit code 1. What was not asked for is no all-clear, unless its weight is asked for.
    pub(crate) fn fails(&self, on: FailOnArg) -> bool {
        let failures = || self.entries.iter().filter(|entry| entry.class == Class::Failure);
        match on {
            FailOnArg::Any => !self.entries.is_empty() || self.not_shown > 0,
            FailOnArg::Failure => failures().next().is_some(),
            FailOnArg::Certain => failures().any(|entry| entry.confidence == Confidence::Certain.as_str()),
            FailOnArg::Never => false,
        }
    }

    /// The most frequent first, as an overview wants it; what the application answered and what nobody knows stays last.
    pub(crate) fn by_count(mut self) -> Self {
        self.entries.sort_by_key(|entry| (entry.class, std::cmp::Reverse(entry.count)));
        self
    }
}

impl Entry {
    /// Whether a target is meant by this name: the host or its first labels, or the cluster.
    pub(crate) fn is_at(&self, name: &str) -> bool {
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
