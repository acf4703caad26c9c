//! Finds healthy lines without reading them.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::layout::Rest;
use crate::access_log::field::{Success, present};

static STATUS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#","response_code":"#));
static GRPC: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#","grpc"#));
static CLUSTER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(CLUSTER_KEY));
static TRACE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(TRACE_KEY));
static START: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(START_KEY));
static DOWNSTREAM: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#","downstream_tr"#));

const CLUSTER_KEY: &str = r#","upstream_cluster":"#;
/// Between start and cluster in the order of the alphabet.
const TRACE_KEY: &str = r#","traceparent":"#;
const START_KEY: &str = r#","start_time":"#;

/// The neighbours of the status as Istio writes them, its keys in alphabetical order.
const NEIGHBOURS: &[u8] = br#","response_code_details":"via_upstream","response_flags":"-""#;

/// A line that has a status of success between the neighbours that say that the upstream gave it.
///
/// A quote inside a JSON text has a backslash before it, and behind the quote that ends one stands no letter: what is
/// searched for is a key and nothing that a client sent. No brace but the first stands before it, so it is the line's own key.
/// Lines with a gRPC status or a failure of the downstream's handshake are read in full; so are those whose start or cluster may
/// be no UTF-8.
pub(in crate::access_log) fn success(line: &[u8]) -> Option<Success<'_>> {
    let at = STATUS.find(line)?;
    let (before, after) = line.split_at_checked(at)?;
    let after = after.get(STATUS.needle().len()..).unwrap_or_default();
    let after = after.strip_prefix(b"\"").map_or(after, |quoted| quoted);
    let (status, after) = after.split_first_chunk::<3>()?;
    let succeeded = matches!(status, [b'2', b'0'..=b'9', b'0'..=b'9']);
    let behind = after.strip_prefix(b"\"").unwrap_or(after).strip_prefix(NEIGHBOURS).filter(|_| succeeded)?;
    let healthy = before.get(1..).is_some_and(|keys| memchr::memchr(b'{', keys).is_none())
        && !line.starts_with(br#"{"grpc"#)
        && GRPC.find(before).is_none()
        && DOWNSTREAM.find(before).is_none()
        && GRPC.find(behind).is_none();
    if !healthy {
        return None;
    }
    let behind = simdutf8::basic::from_utf8(behind).ok()?;
    next_to_the_status(behind).or_else(|| Some(anywhere(simdutf8::basic::from_utf8(line).ok()?)))
}

/// Start and cluster where Istio writes them.
fn next_to_the_status(text: &str) -> Option<Success<'_>> {
    let mut rest = Rest(text);
    rest.text(r#","route_name":"#)?;
    let (start_time, cluster) = (rest.text(START_KEY)?, rest.text(CLUSTER_KEY)?);
    Some(Success { cluster: plain(cluster), start_time: plain(start_time), traceparent: None })
}

/// Start, cluster and trace context wherever they stand.
fn anywhere(text: &str) -> Success<'_> {
    let value = |finder: &Finder<'_>, key: &'static str| Rest(text.get(finder.find(text.as_bytes())?..)?).text(key)?;
    let traceparent = TRACE.find(text.as_bytes()).and_then(|at| Rest(text.get(at..)?).text(TRACE_KEY));
    Success {
        cluster: plain(value(&CLUSTER, CLUSTER_KEY)),
        start_time: plain(value(&START, START_KEY)),
        traceparent: traceparent.map(|header| present(header).is_some()),
    }
}

/// A text that has no escapes: nothing that is looked for has any.
fn plain(text: Option<&str>) -> Option<Cow<'_, str>> {
    present(text.filter(|text| memchr::memchr(b'\\', text.as_bytes()).is_none()))
}
