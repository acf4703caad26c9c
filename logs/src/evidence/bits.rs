//! `key=value`, `key: value` and `"key":"value"` anywhere in a text, whole or cut.

use std::borrow::Cow;

use meshwhy_core::{Facts, ResponseFlags};

type Put = for<'a> fn(&mut Facts<'a>, &'a str);

/// Keys that access logs use for the facts that decide, lower case; the rest of a log line is the access log's matter.
const KEYS: &[(&[&str], Put)] = &[
    (&["response_code", "responsecode"], |facts, value| facts.status = value.parse().ok()),
    (&["response_flags", "response_flag", "responseflags", "responseflag"], |facts, value| {
        facts.flags = ResponseFlags::parse(value).filter(|_| value != "-");
    }),
    (&["response_code_details", "responsecodedetails"], |facts, value| facts.details = said(value)),
    (&["connection_termination_details"], |facts, value| facts.termination_details = said(value)),
    (&["upstream_transport_failure_reason"], |facts, value| facts.upstream_transport_failure = said(value)),
    (&["downstream_transport_failure_reason"], |facts, value| facts.downstream_transport_failure = said(value)),
    (&["upstream_local_close_reason"], |facts, value| facts.upstream_local_close = said(value)),
    (&["istio_policy_status"], |facts, value| facts.policy_status = said(value)),
    (&["grpc_status"], |facts, value| facts.grpc_status = value.parse().ok()),
    (&["upstream_cluster"], |facts, value| facts.cluster = said(value)),
    (&["upstream_host"], |facts, value| facts.upstream_host = said(value)),
    (&["route_name"], |facts, value| facts.route = said(value)),
];

fn said(value: &str) -> Option<Cow<'_, str>> {
    (!matches!(value, "" | "-" | "null")).then_some(Cow::Borrowed(value))
}

/// Reads every key of the table where it stands first.
pub(super) fn read(text: &str) -> Facts<'_> {
    let mut facts = Facts::default();
    let lower = text.to_ascii_lowercase();
    for (names, put) in KEYS {
        if let Some(value) = names.iter().find_map(|name| value(text, &lower, name)) {
            put(&mut facts, value);
        }
    }
    facts
}

fn value<'a>(text: &'a str, lower: &str, name: &str) -> Option<&'a str> {
    memchr::memmem::find_iter(lower.as_bytes(), name.as_bytes()).find_map(|at| {
        let word = |at: usize| lower.as_bytes().get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        if at.checked_sub(1).is_some_and(word) {
            return None;
        }
        let rest = text.get(at.checked_add(name.len())?..)?.trim_start_matches(['"', '\'', '\\', '%', '*', '`', ' ']);
        let rest = rest.strip_prefix([':', '='])?.trim_start_matches([' ', '*', '\\']);
        Some(match rest.strip_prefix(['"', '\'', '`']) {
            Some(quoted) => quoted.split(['"', '\'', '`', '\n']).next()?.trim_end_matches('\\'),
            None => unquoted(rest),
        })
    })
}

/// Flags and details hold commas and braces of their own.
fn unquoted(text: &str) -> &str {
    let word = text.split(|letter: char| letter.is_whitespace() || matches!(letter, '"' | '`')).next().unwrap_or_default();
    let opened = word.contains('{');
    word.trim_end_matches(|letter: char| matches!(letter, ',' | ';') || (letter == '}' && !opened))
}
