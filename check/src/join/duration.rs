//! Times that are written in manifests, beside how long the request took.

use super::request::FailedRequest;
use crate::document::Node;
use crate::model::duration;

/// How far clocks and logs are apart, in milliseconds.
const SLACK: u64 = 50;

/// Whether the time that a node gives was over when the request ended; true where either is not known.
pub(super) fn was_over(request: &FailedRequest<'_, '_, '_>, node: Node<'_>) -> bool {
    both(request, node).is_none_or(|(time, ended)| time <= ended.saturating_add(SLACK))
}

/// Whether the request ended about when the time was over.
pub(super) fn was_just_over(request: &FailedRequest<'_, '_, '_>, node: Node<'_>) -> bool {
    both(request, node).is_some_and(|(time, ended)| ended <= time.saturating_add(time / 2).saturating_add(SLACK))
}

fn both(request: &FailedRequest<'_, '_, '_>, node: Node<'_>) -> Option<(u64, u64)> {
    let written = node.text().and_then(duration)?;
    Some((u64::try_from(written.as_millis()).unwrap_or(u64::MAX), request.facts.duration_ms?))
}
