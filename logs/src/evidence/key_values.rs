//! `key=value`, `key: value` and `"key":"value"` anywhere in a text, whole or cut.

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use meshwhy_core::Facts;

use crate::access_log::field::{Field, Fields};

/// Keys that access logs use for the facts that decide, lower case; the rest of a log line is the access log's matter.
const KEYS: &[(&[&str], Field)] = &[
    (&["response_code", "responsecode"], Field::Status),
    (&["response_flags", "response_flag", "responseflags", "responseflag"], Field::Flags),
    (&["response_code_details", "responsecodedetails"], Field::Details),
    (&["connection_termination_details"], Field::Termination),
    (&["upstream_transport_failure_reason"], Field::UpstreamTransport),
    (&["downstream_transport_failure_reason"], Field::DownstreamTransport),
    (&["upstream_local_close_reason"], Field::UpstreamLocalClose),
    (&["istio_policy_status"], Field::PolicyStatus),
    (&["grpc_status"], Field::GrpcStatus),
    (&["upstream_cluster"], Field::Cluster),
    (&["upstream_host"], Field::UpstreamHost),
    (&["route_name"], Field::Route),
];

/// The names of all keys, in the order of the table.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    KEYS.iter().flat_map(|(names, _)| names.iter().copied())
}

static NAMES: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::builder().ascii_case_insensitive(true).build(names()).ok());

/// Reads every key of the table where it stands first; of the names of one key the first in the table counts.
pub(super) fn read(text: &str) -> Facts<'_> {
    let mut fields = Fields::default();
    let Some(automaton) = NAMES.as_ref() else { return fields.facts };
    let mut values: Vec<Option<&str>> = vec![None; names().count()];
    for hit in automaton.find_overlapping_iter(text) {
        if let Some(place @ None) = values.get_mut(hit.pattern().as_usize()) {
            *place = value(text, hit.start(), hit.end());
        }
    }
    let mut values = values.into_iter();
    for (names, field) in KEYS {
        // All of them are taken, so that the next key finds its own.
        let found = values.by_ref().take(names.len()).fold(None, Option::or);
        if let Some(value) = found.filter(|value| *value != "null") {
            fields.put(*field, Cow::Borrowed(value));
        }
    }
    fields.facts
}

/// The value behind the name that stands there, if it is the whole name of something.
fn value(text: &str, start: usize, end: usize) -> Option<&str> {
    let word = |at: usize| text.as_bytes().get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    if start.checked_sub(1).is_some_and(word) {
        return None;
    }
    let rest = text.get(end..)?.trim_start_matches(['"', '\'', '\\', '%', '*', '`', ' ']);
    let rest = rest.strip_prefix([':', '='])?.trim_start_matches([' ', '*', '\\']);
    Some(match rest.strip_prefix(['"', '\'', '`']) {
        Some(quoted) => quoted.split(['"', '\'', '`', '\n']).next()?.trim_end_matches('\\'),
        None => unquoted(rest),
    })
}

/// Flags and details hold commas and braces of their own.
fn unquoted(text: &str) -> &str {
    let word = text.split(|letter: char| letter.is_whitespace() || matches!(letter, '"' | '`')).next().unwrap_or_default();
    let opened = word.contains('{');
    word.trim_end_matches(|letter: char| matches!(letter, ',' | ';') || (letter == '}' && !opened))
}
