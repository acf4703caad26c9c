//! What became of an upstream connection, by Envoy's debug lines of it.
//!
//! Source: `ENVOY_CONN_LOG` texts of Envoy 1.10–1.40, `source/common/{http,conn_pool,network}`.

use meshwhy_core::{Decisive, Facts};

use super::phrase::detailed;

/// How the pool says that a request was given a connection, and whether that had been used before.
const TAKEN: [(&str, bool); 3] = [
    ("using existing connection", true),
    ("using existing fully connected connection", true),
    ("creating a new connection", false),
];
const ENDED: &str = "remote close";

/// Whether a line says that a request was given a connection.
pub(crate) fn begins(line: &str) -> bool {
    TAKEN.iter().any(|(words, _)| line.contains(words)) && id(line).is_some()
}

/// Whether a line is one of the same log.
pub(crate) fn goes_on(line: &str) -> bool {
    line.contains("debug") && id(line).is_some()
}

/// Reads the lines from there on: the upstream closed the very connection that the request was given.
pub(crate) fn read(text: &str) -> Option<Facts<'_>> {
    let first = text.lines().next()?;
    let (_, reused) = TAKEN.iter().find(|(words, _)| first.contains(words))?;
    let connection = id(first)?;
    let ended = text.lines().skip(1).any(|line| line.trim_end().ends_with(ENDED) && id(line) == Some(connection));
    let details = "upstream_reset_before_response_started{connection_termination}";
    ended.then(|| Decisive { upstream_reused: Some(*reused), ..detailed(details).decisive }.into())
}

/// The number in `[C26]`.
fn id(line: &str) -> Option<&str> {
    let inside = line.split("[C").skip(1).filter_map(|rest| rest.split_once(']'));
    inside.map(|(id, _)| id).find(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()))
}
