//! How the keys of JSON access logs are spelt: Istio's own, and a closed table of what Envoy distributions, gateways and log
//! pipelines call the same fields.

use std::sync::LazyLock;

use meshwhy_core::facts::Fact;

use super::scan::Text;
use crate::access_log::field::LogField;

/// What a key says about the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyKind {
    /// Only access logs of Envoy have it.
    Specific,
    /// A status under a name that applications use as well.
    Outcome,
    /// Any log may have it.
    Common,
    /// The text of an application's log line.
    Message,
    /// The mark of a record of ours.
    Record,
}

/// A key, understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spelling {
    pub(super) field: LogField,
    pub(super) kind: KeyKind,
}

/// The longest key that is looked up; `path` and key together.
const LONGEST: usize = 64;

/// Containers whose name adds nothing to the names inside.
const TRANSPARENT: [&str; 8] = ["accesslog", "attributes", "envoy", "fields", "http", "httprequest", "istio", "labels"];

/// The path of an object inside another one, without what [`find`] ignores.
pub(super) fn below(path: &str, key: &str) -> String {
    let mut inner = String::with_capacity(LONGEST);
    inner.extend(path.bytes().chain(letters(key)).take(LONGEST).map(char::from));
    inner
}

/// Finds what a key stands for, wherever it is nested.
#[inline]
pub(super) fn find(path: &str, key: &Text<'_>) -> Option<Spelling> {
    if path.is_empty()
        && let Some(known) = key.plain().and_then(istio)
    {
        return Some(known);
    }
    spelt(path, &key.text())
}

/// A key as Istio writes it, which most lines have and nothing else.
fn istio(key: &str) -> Option<Spelling> {
    if matches!(key, "bytes_received" | "bytes_sent" | "upstream_service_time" | "user_agent" | "x_forwarded_for") {
        return Some(Spelling { field: LogField::Ignored, kind: KeyKind::Common });
    }
    Fact::of_key(key).map(Spelling::of)
}

impl Spelling {
    /// What the key or the operator of a fact says.
    const fn of(fact: Fact) -> Self {
        use Fact::{Authority, Duration, GrpcStatus, Method, Namespace, Path, Pod, Protocol, RequestId, StartTime, TraceId};
        let kind = match fact {
            Fact::Status => KeyKind::Outcome,
            Authority | Duration | GrpcStatus | Method | Namespace | Path | Pod => KeyKind::Common,
            Protocol | RequestId | StartTime | TraceId => KeyKind::Common,
            _ => KeyKind::Specific,
        };
        Self { field: LogField::Fact(fact), kind }
    }
}

/// The letters and digits of a key in small letters: `responseCode`, `response-code` and `RESPONSE_CODE` are one key.
fn letters(key: &str) -> impl Iterator<Item = u8> {
    key.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase())
}

fn spelt(path: &str, key: &str) -> Option<Spelling> {
    let mut buffer = [0; LONGEST];
    let length = fill(&mut buffer, path.bytes().chain(letters(key)))?;
    let whole = buffer.get(..length)?;
    look_up(whole).or_else(|| {
        let container = TRANSPARENT.iter().any(|name| path.ends_with(name));
        container.then(|| whole.get(path.len()..)).flatten().and_then(look_up)
    })
}

fn fill(buffer: &mut [u8; LONGEST], bytes: impl Iterator<Item = u8>) -> Option<usize> {
    let mut length = 0_usize;
    for byte in bytes {
        *buffer.get_mut(length)? = byte;
        length = length.saturating_add(1);
    }
    Some(length)
}

fn look_up(letters: &[u8]) -> Option<Spelling> {
    let at = SPELLINGS.binary_search_by(|(known, _)| known.as_bytes().cmp(letters)).ok()?;
    SPELLINGS.get(at).map(|(_, spelling)| *spelling)
}

/// Keys and operators of the table of facts, and what else they are called, without case and punctuation, sorted.
static SPELLINGS: LazyLock<Vec<(String, Spelling)>> = LazyLock::new(|| {
    let names = |fact: &Fact| [fact.key(), fact.operator()].map(|name| name.map(|name| (name, Spelling::of(*fact))));
    let aliases = ALIASES.iter().map(|(name, field, kind)| (*name, Spelling { field: *field, kind: *kind }));
    let all = Fact::ALL.iter().flat_map(names).flatten().chain(aliases);
    let mut all: Vec<_> = all.map(|(name, spelling)| (letters(name).map(char::from).collect(), spelling)).collect();
    all.sort_by(|(one, _): &(String, _), (other, _)| one.cmp(other));
    all
});

/// Keys that are neither those of the table of facts nor its operators.
///
/// Source: Istio `pilot/pkg/model/telemetry_logging.go`; defaults and examples of Envoy Gateway, Contour, Emissary, Consul, App
/// Mesh, Gloo and Istio's Stackdriver logger; OpenTelemetry semantic conventions 1.30.
#[rustfmt::skip]
const ALIASES: &[(&str, LogField, KeyKind)] = {
    use Fact as F;
    use LogField::Fact as Of;
    use KeyKind::{Common, Message, Outcome, Record, Specific};
    &[
        ("b3traceid", Of(F::TraceId), Common),
        ("durationms", Of(F::Duration), Common),
        ("envoyconnectionterminationdetails", Of(F::Termination), Specific),
        ("envoyresponsecodedetails", Of(F::Details), Specific),
        ("envoyresponseflag", Of(F::Flags), Specific),
        ("envoyresponseflags", Of(F::Flags), Specific),
        ("envoyupstreamcluster", Of(F::Cluster), Specific),
        ("envoyupstreamtransportfailurereason", Of(F::UpstreamTransport), Specific),
        ("flags", Of(F::Flags), Common),
        ("grpcresponsestatus", Of(F::GrpcStatus), Common),
        ("grpcstatuscode", Of(F::GrpcStatus), Common),
        ("httphost", Of(F::Authority), Common),
        ("httpmethod", Of(F::Method), Common),
        ("httpprotocol", Of(F::Protocol), Common),
        ("httprequestmethod", Of(F::Method), Common),
        ("httprequestprotocol", Of(F::Protocol), Common),
        ("httprequestrequestmethod", Of(F::Method), Common),
        ("httprequeststatus", Of(F::Status), Common),
        ("httpresponsecode", Of(F::Status), Outcome),
        ("httpresponsestatuscode", Of(F::Status), Common),
        ("httpstatus", Of(F::Status), Common),
        ("httpstatuscode", Of(F::Status), Common),
        ("httptarget", Of(F::Path), Common),
        ("istiomixerstatus", Of(F::PolicyStatus), Specific),
        ("k8snamespacename", Of(F::Namespace), Common),
        ("k8spodname", Of(F::Pod), Common),
        ("kubernetesnamespacename", Of(F::Namespace), Common),
        ("kubernetespodname", Of(F::Pod), Common),
        ("meshwhyrecord", LogField::Ignored, Record),
        ("message", LogField::Ignored, Message),
        ("mixerstatus", Of(F::PolicyStatus), Specific),
        ("msg", LogField::Ignored, Message),
        ("originalpath", Of(F::Path), Common),
        ("podname", Of(F::Pod), Common),
        ("podnamespace", Of(F::Namespace), Common),
        ("proxystatus", LogField::ProxyStatus, Common),
        ("reqid", Of(F::RequestId), Common),
        ("reqpath", Of(F::Path), Common),
        ("reqtraceparent", LogField::TraceParent, Common),
        ("requestauthority", Of(F::Authority), Common),
        ("requesthost", Of(F::Authority), Common),
        ("requestmethod", Of(F::Method), Common),
        ("requestpath", Of(F::Path), Common),
        ("requestprotocol", Of(F::Protocol), Common),
        ("requestresponsecode", Of(F::Status), Outcome),
        ("requestxrequestid", Of(F::RequestId), Common),
        ("reqxb3traceid", Of(F::TraceId), Common),
        ("reqxenvoyoriginalpathpath", Of(F::Path), Common),
        ("resourcelabelsnamespacename", Of(F::Namespace), Common),
        ("resourcelabelspodname", Of(F::Pod), Common),
        ("responsecodedetail", Of(F::Details), Specific),
        ("responsedetails", Of(F::Details), Specific),
        ("responseflag", Of(F::Flags), Specific),
        ("responseflagslist", Of(F::Flags), Specific),
        ("responseflagslong", Of(F::Flags), Specific),
        ("responseproxystatus", LogField::ProxyStatus, Common),
        ("responsestatus", Of(F::Status), Common),
        ("responsestatuscode", Of(F::Status), Common),
        ("respproxystatus", LogField::ProxyStatus, Common),
        ("status", Of(F::Status), Common),
        ("statuscode", Of(F::Status), Common),
        ("traceparent", LogField::TraceParent, Common),
        ("upstreamclustername", Of(F::Cluster), Specific),
        ("upstreamhostaddress", Of(F::UpstreamHost), Specific),
        ("upstreamremoteaddress", Of(F::UpstreamHost), Specific),
        ("upstreamtransportfailure", Of(F::UpstreamTransport), Specific),
        ("urlpath", Of(F::Path), Common),
        ("xb3traceid", Of(F::TraceId), Common),
        ("xenvoyoriginalpath", Of(F::Path), Common),
        ("xenvoyoriginalpathpath", Of(F::Path), Common),
        ("xenvoyoriginpath", Of(F::Path), Common),
        ("xrequestid", Of(F::RequestId), Common),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alias_adds_a_spelling() {
        for (at, (key, field, kind)) in ALIASES.iter().enumerate() {
            assert_eq!(spelt("", key), Some(Spelling { field: *field, kind: *kind }), "{key}");
            let named = Fact::ALL.iter().flat_map(|fact| [fact.key(), fact.operator()]).flatten();
            let others = named.chain(ALIASES.iter().take(at).map(|(other, ..)| *other));
            assert!(others.into_iter().all(|other| !letters(other).eq(key.bytes())), "{key}");
        }
    }

    #[test]
    fn keys_mean_the_same_as_istio_writes_them_and_otherwise() {
        for key in Fact::ALL.iter().filter_map(|fact| fact.key()) {
            assert_eq!(spelt("", key), istio(key), "{key}");
        }
    }
}
