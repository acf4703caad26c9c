//! How the keys of JSON access logs are spelt: Istio's own, and a closed table of what Envoy distributions, gateways and log
//! pipelines call the same fields.

use super::scan::Text;
use crate::access_log::field::Field;

/// What a key says about the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
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
    pub(super) field: Field,
    pub(super) kind: Kind,
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

/// Istio's default keys, sorted, as Istio writes them.
#[rustfmt::skip]
const ISTIO: [(&str, Spelling); 24] = {
    use Field as F;
    use Kind::{Common, Outcome, Specific};
    [
        ("authority", Spelling { field: F::Authority, kind: Common }),
        ("bytes_received", Spelling { field: F::Ignored, kind: Common }),
        ("bytes_sent", Spelling { field: F::Ignored, kind: Common }),
        ("connection_termination_details", Spelling { field: F::Termination, kind: Specific }),
        ("downstream_local_address", Spelling { field: F::DownstreamLocalAddress, kind: Specific }),
        ("downstream_remote_address", Spelling { field: F::DownstreamRemoteAddress, kind: Specific }),
        ("duration", Spelling { field: F::Duration, kind: Common }),
        ("method", Spelling { field: F::Method, kind: Common }),
        ("path", Spelling { field: F::Path, kind: Common }),
        ("protocol", Spelling { field: F::Protocol, kind: Common }),
        ("request_id", Spelling { field: F::RequestId, kind: Common }),
        ("requested_server_name", Spelling { field: F::ServerName, kind: Specific }),
        ("response_code", Spelling { field: F::Status, kind: Outcome }),
        ("response_code_details", Spelling { field: F::Details, kind: Specific }),
        ("response_flags", Spelling { field: F::Flags, kind: Specific }),
        ("route_name", Spelling { field: F::Route, kind: Specific }),
        ("start_time", Spelling { field: F::StartTime, kind: Common }),
        ("upstream_cluster", Spelling { field: F::Cluster, kind: Specific }),
        ("upstream_host", Spelling { field: F::UpstreamHost, kind: Specific }),
        ("upstream_local_address", Spelling { field: F::UpstreamLocalAddress, kind: Specific }),
        ("upstream_service_time", Spelling { field: F::Ignored, kind: Common }),
        ("upstream_transport_failure_reason", Spelling { field: F::UpstreamTransport, kind: Specific }),
        ("user_agent", Spelling { field: F::Ignored, kind: Common }),
        ("x_forwarded_for", Spelling { field: F::Ignored, kind: Common }),
    ]
};

/// Istio's default keys, which most lines have and nothing else.
fn istio(key: &str) -> Option<Spelling> {
    let at = ISTIO.binary_search_by(|(known, _)| (*known).cmp(key)).ok()?;
    ISTIO.get(at).map(|(_, spelling)| *spelling)
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
    let at = SPELLINGS.binary_search_by(|(known, _, _)| known.as_bytes().cmp(letters)).ok()?;
    SPELLINGS.get(at).map(|(_, field, kind)| Spelling { field: *field, kind: *kind })
}

/// Keys without case and punctuation, sorted.
///
/// Source: Istio `pilot/pkg/model/telemetry_logging.go`; defaults and examples of Envoy Gateway, Contour, Emissary, Consul, App
/// Mesh, Gloo and Istio's Stackdriver logger; OpenTelemetry semantic conventions 1.30.
#[rustfmt::skip]
const SPELLINGS: &[(&str, Field, Kind)] = {
    use Field as F;
    use Kind::{Common, Message, Outcome, Record, Specific};
    &[
        ("authority", F::Authority, Common),
        ("b3traceid", F::TraceId, Common),
        ("connectionterminationdetails", F::Termination, Specific),
        ("downstreamlocaladdress", F::DownstreamLocalAddress, Specific),
        ("downstreamlocalclosereason", F::DownstreamLocalClose, Specific),
        ("downstreamremoteaddress", F::DownstreamRemoteAddress, Specific),
        ("downstreamtransportfailurereason", F::DownstreamTransport, Specific),
        ("duration", F::Duration, Common),
        ("durationms", F::Duration, Common),
        ("envoyconnectionterminationdetails", F::Termination, Specific),
        ("envoyresponsecodedetails", F::Details, Specific),
        ("envoyresponseflag", F::Flags, Specific),
        ("envoyresponseflags", F::Flags, Specific),
        ("envoyupstreamcluster", F::Cluster, Specific),
        ("envoyupstreamtransportfailurereason", F::UpstreamTransport, Specific),
        ("grpcresponsestatus", F::GrpcStatus, Common),
        ("grpcstatus", F::GrpcStatus, Common),
        ("grpcstatuscode", F::GrpcStatus, Common),
        ("grpcstatusnumber", F::GrpcStatus, Common),
        ("httphost", F::Authority, Common),
        ("httpmethod", F::Method, Common),
        ("httpprotocol", F::Protocol, Common),
        ("httprequestmethod", F::Method, Common),
        ("httprequestprotocol", F::Protocol, Common),
        ("httprequestrequestmethod", F::Method, Common),
        ("httprequeststatus", F::Status, Common),
        ("httpresponsecode", F::Status, Outcome),
        ("httpresponsestatuscode", F::Status, Common),
        ("httpstatus", F::Status, Common),
        ("httpstatuscode", F::Status, Common),
        ("httptarget", F::Path, Common),
        ("istiomixerstatus", F::PolicyStatus, Specific),
        ("istiopolicystatus", F::PolicyStatus, Specific),
        ("k8snamespacename", F::Namespace, Common),
        ("k8spodname", F::Pod, Common),
        ("kubernetesnamespacename", F::Namespace, Common),
        ("kubernetespodname", F::Pod, Common),
        ("meshwhyrecord", F::Ignored, Record),
        ("message", F::Ignored, Message),
        ("method", F::Method, Common),
        ("mixerstatus", F::PolicyStatus, Specific),
        ("msg", F::Ignored, Message),
        ("originalpath", F::Path, Common),
        ("path", F::Path, Common),
        ("podname", F::Pod, Common),
        ("podnamespace", F::Namespace, Common),
        ("protocol", F::Protocol, Common),
        ("proxystatus", F::ProxyStatus, Common),
        ("reqauthority", F::Authority, Common),
        ("reqid", F::RequestId, Common),
        ("reqmethod", F::Method, Common),
        ("reqpath", F::Path, Common),
        ("reqtraceparent", F::TraceParent, Common),
        ("requestauthority", F::Authority, Common),
        ("requestedservername", F::ServerName, Specific),
        ("requesthost", F::Authority, Common),
        ("requestid", F::RequestId, Common),
        ("requestmethod", F::Method, Common),
        ("requestpath", F::Path, Common),
        ("requestprotocol", F::Protocol, Common),
        ("requestresponsecode", F::Status, Outcome),
        ("requestxrequestid", F::RequestId, Common),
        ("reqxb3traceid", F::TraceId, Common),
        ("reqxenvoyoriginalpathpath", F::Path, Common),
        ("reqxrequestid", F::RequestId, Common),
        ("resourcelabelsnamespacename", F::Namespace, Common),
        ("resourcelabelspodname", F::Pod, Common),
        ("responsecode", F::Status, Outcome),
        ("responsecodedetail", F::Details, Specific),
        ("responsecodedetails", F::Details, Specific),
        ("responsedetails", F::Details, Specific),
        ("responseflag", F::Flags, Specific),
        ("responseflags", F::Flags, Specific),
        ("responseflagslist", F::Flags, Specific),
        ("responseflagslong", F::Flags, Specific),
        ("responseproxystatus", F::ProxyStatus, Common),
        ("responsestatus", F::Status, Common),
        ("responsestatuscode", F::Status, Common),
        ("respproxystatus", F::ProxyStatus, Common),
        ("routename", F::Route, Specific),
        ("starttime", F::StartTime, Common),
        ("status", F::Status, Common),
        ("statuscode", F::Status, Common),
        ("traceid", F::TraceId, Common),
        ("traceparent", F::TraceParent, Common),
        ("upstreamcluster", F::Cluster, Specific),
        ("upstreamclustername", F::Cluster, Specific),
        ("upstreamclusterraw", F::Cluster, Specific),
        ("upstreamhost", F::UpstreamHost, Specific),
        ("upstreamhostaddress", F::UpstreamHost, Specific),
        ("upstreamlocaladdress", F::UpstreamLocalAddress, Specific),
        ("upstreamlocalclosereason", F::UpstreamLocalClose, Specific),
        ("upstreamremoteaddress", F::UpstreamHost, Specific),
        ("upstreamtransportfailure", F::UpstreamTransport, Specific),
        ("upstreamtransportfailurereason", F::UpstreamTransport, Specific),
        ("urlpath", F::Path, Common),
        ("virtualhostname", F::VirtualHost, Specific),
        ("xb3traceid", F::TraceId, Common),
        ("xenvoyoriginalpath", F::Path, Common),
        ("xenvoyoriginalpathpath", F::Path, Common),
        ("xenvoyoriginpath", F::Path, Common),
        ("xrequestid", F::RequestId, Common),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_spelt_as_it_is_looked_up() {
        assert!(SPELLINGS.is_sorted_by(|(one, ..), (other, ..)| one < other));
        for (key, field, _) in SPELLINGS {
            assert_eq!(spelt("", key).map(|found| found.field), Some(*field), "{key}");
        }
    }
}
