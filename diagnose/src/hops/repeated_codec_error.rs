//! What old proxies said twice of one response.

use foldhash::HashMap;
use meshwhy_core::causes::{protocol_error_upstream, upstream_closed_connection};

use super::mark_explained;
use crate::failure::Failures;
use crate::kind::Kind;

/// An upstream's protocol error that Envoy's own log tells, and the access-log line of it: before Envoy 1.18 that line had the
/// flag `UC` and no details.
pub(super) fn join(failures: &mut Failures) {
    let mut flagged: HashMap<(u32, Option<&str>), Vec<usize>> = HashMap::default();
    let old = |line: &Kind| line.is(&upstream_closed_connection::CAUSE) && line.facts.details.is_none();
    for (at, line) in failures.of(old).rev().filter(|(_, line)| !line.is_absorbed()) {
        flagged.entry((line.kind.source, line.kind.origin.as_deref())).or_default().push(at);
    }
    let is_unnamed = |words: &Kind| words.is(&protocol_error_upstream::CAUSE) && words.facts.status.is_none();
    let mut pairs = Vec::new();
    for (at, words) in failures.of(is_unnamed) {
        let line = flagged.get_mut(&(words.kind.source, words.kind.origin.as_deref())).and_then(Vec::pop);
        pairs.extend(line.map(|line| (line, at)));
    }
    for (line, words) in pairs {
        mark_explained(failures, line, words);
    }
}
