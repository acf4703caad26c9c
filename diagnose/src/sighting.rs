//! One failure as one line tells it, judged.

use std::borrow::Cow;

use jiff::Timestamp;
use meshwhy_core::causes::{redirect_loop, tls_handshake_failed, unknown};
use meshwhy_core::details::{Details, Word};
use meshwhy_core::facts::text;
use meshwhy_core::node_id::pod_and_namespace;
use meshwhy_core::record::Record;
use meshwhy_core::{Cause, Confidence, Context, Decisive, Facts, Side, Verdict, judge};
use meshwhy_logs::decoded::without_secrets;
use meshwhy_logs::{RecordWriter, Success};

use crate::window;

/// Longest excerpt of a line, in bytes.
const MAX_EXCERPT: usize = 1000;

/// Who tells of a failure; a better witness comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum SightingSource {
    /// A record of the module, whose count is exact, or one that Envoy wrote of what the module does not report.
    Module,
    /// A record that Envoy wrote itself, perhaps beside the module's.
    Envoy,
    /// An access-log line, or a header.
    Log,
}

/// Where a line stands.
#[derive(Debug, Clone)]
pub(crate) struct LinePlace<'a> {
    /// Number over all sources, from 1.
    pub(crate) line: u64,
    /// Number of the source.
    pub(crate) source: u32,
    /// The last of its lines, where it has several.
    pub(crate) last: u64,
    /// The container that wrote it.
    pub(crate) origin: Option<&'a str>,
    /// The pod of that container, and its namespace.
    pub(crate) pod: Option<(&'a str, Option<&'a str>)>,
    /// The line as it stands.
    pub(crate) bytes: &'a [u8],
}

/// The beginning of a line.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    let bytes = bytes.trim_ascii();
    let text = String::from_utf8_lossy(bytes.get(..MAX_EXCERPT + char::MAX_LEN_UTF8).unwrap_or(bytes));
    let text = text.get(..text.floor_char_boundary(MAX_EXCERPT)).unwrap_or_default();
    without_secrets(text).into_owned()
}

/// One failure, as one line tells it.
#[derive(Debug)]
pub(crate) struct Sighting<'a> {
    /// Its first and its last line, from 1.
    pub(crate) line: u64,
    pub(crate) last: u64,
    pub(crate) source: u32,
    pub(crate) origin: Option<&'a str>,
    pub(crate) bytes: &'a [u8],
    pub(crate) witness: SightingSource,
    /// The plugin that wrote the record, where Envoy's log names it.
    pub(crate) plugin: Option<String>,
    pub(crate) facts: Facts<'a>,
    pub(crate) verdict: Verdict,
    pub(crate) time: Option<Timestamp>,
    pub(crate) count: u64,
    pub(crate) suppressed: u64,
}

impl<'a> Sighting<'a> {
    /// Judges the facts of a line; what is left of them when nothing failed. A line that is cut makes nothing certain.
    pub(crate) fn from_facts(place: &LinePlace<'a>, mut facts: Facts<'a>, truncated: bool) -> Result<Self, Success<'a>> {
        if truncated && matches!(facts.parsed_details(), Some(Details::Other(_))) {
            // The line may end within the word.
            facts.details = None;
        }
        let Some(verdict) = judge(&facts) else { return Err(Success::of(facts)) };
        let confidence = if truncated { Confidence::Likely } else { verdict.confidence };
        let count = facts.context.occurrences.unwrap_or(1).max(1);
        Ok(Self::new(place, SightingSource::Log, facts, Verdict { confidence, ..verdict }, (count, 0)))
    }

    /// A line that shows no failure and may hide one: a redirect of the proxy's own, or a short connection to an upstream. Its verdict is
    /// what it would be.
    pub(crate) fn suspect(place: &LinePlace<'a>, facts: &Facts<'a>) -> Option<Self> {
        const SHORT: u64 = 1000;
        let is_redirect =
            matches!(facts.status, Some(301..=308)) && facts.parsed_details() == Some(Details::Word(Word::DirectResponse));
        let is_short = facts.status == Some(0)
            && facts.context.method.is_none()
            && facts.duration_ms.is_some_and(|duration| duration <= SHORT);
        let cause: &'static Cause = match () {
            () if facts.flags.is_some_and(|flags| !flags.is_empty()) => return None,
            () if is_redirect => &redirect_loop::CAUSE,
            () if is_short => &tls_handshake_failed::CAUSE,
            () => return None,
        };
        let verdict = Verdict { cause, confidence: Confidence::Likely, condition: None };
        Some(Self::new(place, SightingSource::Log, facts.clone(), verdict, (1, 0)))
    }

    /// Judges a record anew; `None` when its facts say that nothing failed, whatever an older module made of them. Its own code is
    /// used where it is more precise, or where its facts alone say nothing.
    pub(crate) fn from_record(place: &LinePlace<'a>, record: Record, writer: RecordWriter) -> Option<Self> {
        let Record { mut facts, code, count, suppressed, plugin, unreported } = record;
        let recorded = code.as_deref().and_then(Cause::find);
        let coded = code.is_some();
        facts.annotated_code = facts.annotated_code.take().or_else(|| code.map(Into::into));
        if writer == RecordWriter::Module && is_no_grpc(&facts) {
            facts.grpc_status = None;
        }
        if is_connection(&facts) {
            facts.status = Some(0);
        }
        let likely = |cause| Verdict { cause, confidence: Confidence::Likely, condition: None };
        let verdict = match (judge(&facts), recorded) {
            (Some(judged), Some(cause)) if judged.cause == &unknown::CAUSE && facts.relayed_from.is_none() => likely(cause),
            (Some(judged), _) => judged,
            // A newer module may report what this version does not know.
            (None, None) if coded => likely(&unknown::CAUSE),
            (None, _) => return None,
        };
        let witness = match writer {
            RecordWriter::Envoy if !unreported => SightingSource::Envoy,
            RecordWriter::Module | RecordWriter::Envoy => SightingSource::Module,
        };
        Some(Self { plugin, ..Self::new(place, witness, facts, verdict, (count, suppressed)) })
    }

    fn new(
        place: &LinePlace<'a>,
        witness: SightingSource,
        facts: Facts<'a>,
        verdict: Verdict,
        (count, suppressed): (u64, u64),
    ) -> Self {
        let facts = attributed(facts, place.pod);
        Self {
            line: place.line,
            last: place.last,
            source: place.source,
            origin: place.origin,
            bytes: place.bytes,
            witness,
            plugin: None,
            time: facts.context.start_time.as_deref().and_then(window::read),
            facts,
            verdict,
            count,
            suppressed,
        }
    }
}

/// Whether a record without a status is of a connection that carried no HTTP; an access log prints 0 there.
fn is_connection(facts: &Facts<'_>) -> bool {
    let request = [&facts.context.method, &facts.context.protocol, &facts.context.request_id].into_iter().any(Option::is_some);
    facts.status.is_none() && facts.event.is_none() && facts.context.downstream_local_address.is_some() && !request
}

/// Whether the gRPC status UNKNOWN is one that Envoy derived from a plain 200: its attribute falls back to the HTTP status, and
/// the modules that wrote it down could not tell.
///
/// A call is a POST to `/SERVICE/METHOD`, and over HTTP/1 (gRPC-Web) a service without a package is no reason to doubt a 200.
fn is_no_grpc(facts: &Facts<'_>) -> bool {
    const UNKNOWN: u32 = 2;
    let answered = facts.parsed_details() == Some(Details::Word(Word::ViaUpstream)) && facts.status == Some(200);
    if facts.grpc_status != Some(UNKNOWN) || !answered {
        return false;
    }
    let old_http = facts.context.protocol.as_deref().is_some_and(|version| version.trim_start_matches("HTTP/").starts_with('1'));
    let posted = facts.context.method.as_deref().is_none_or(|method| method == "POST");
    let called = facts.context.path.as_deref().is_none_or(|path| is_call(path, old_http));
    !posted || !called
}

/// Whether the path is `/SERVICE/METHOD`.
fn is_call(path: &str, with_package: bool) -> bool {
    let parts = path.strip_prefix('/').and_then(|path| path.split_once('/'));
    parts.is_some_and(|(service, method)| {
        !service.is_empty() && !method.is_empty() && !method.contains('/') && (!with_package || service.contains('.'))
    })
}

/// Names that Istio's charts give to gateways, and so their pods.
const GATEWAYS: [&str; 3] = ["istio-ingressgateway", "istio-egressgateway", "istio-eastwestgateway"];

/// Facts that name the proxy which speaks: the one that made the reply, where another only passed it on.
fn attributed<'a>(facts: Facts<'a>, written_by: Option<(&'a str, Option<&'a str>)>) -> Facts<'a> {
    let Some(author) = facts.relayed_from.clone() else {
        let side = side(&facts, written_by.map(|(pod, _)| pod));
        let (pod, namespace) = match (facts.context.pod, written_by) {
            (None, Some((pod, namespace))) => (Some(pod.into()), namespace.map(Cow::Borrowed)),
            (pod, _) => (pod, facts.context.namespace),
        };
        return Facts { decisive: Decisive { side, ..facts.decisive }, context: Context { pod, namespace, ..facts.context } };
    };
    let own = |name: &str| Cow::Owned(name.to_owned());
    let (pod, namespace) = pod_and_namespace(&author).map_or((author.as_ref(), None), |(pod, namespace)| (pod, Some(namespace)));
    Facts { context: Context { pod: Some(own(pod)), namespace: namespace.map(own), workload: None, ..facts.context }, ..facts }
}

/// Which way the traffic went, from what a log line says of it beside the cluster.
fn side(facts: &Facts<'_>, pod: Option<&str>) -> Option<Side> {
    if pod.is_some_and(|pod| GATEWAYS.iter().any(|gateway| pod.starts_with(gateway))) {
        return Some(Side::Gateway);
    }
    if facts.side.is_some() {
        return facts.side;
    }
    match facts.parsed_details() {
        Some(Details::Word(Word::FilterChainNotFound)) => Some(Side::Inbound),
        // Inbound listeners have one route, and it always names a cluster.
        Some(Details::Word(Word::RouteNotFound | Word::ClusterNotFound)) => Some(Side::Outbound),
        // Istio names the server so when a sidecar calls another one.
        _ => text(facts.context.server_name.as_ref()).filter(|name| name.starts_with("outbound_.")).map(|_| Side::Inbound),
    }
}
