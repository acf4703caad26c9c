//! `key=value`, `key: value` and `"key":"value"` anywhere in a text, whole or cut.

use std::borrow::Cow;
use std::iter;
use std::sync::LazyLock;

use super::fragment::is_boundary;
use aho_corasick::AhoCorasick;
use meshwhy_core::Facts;
use meshwhy_core::facts::Fact;

/// The facts that decide, in the order in which they are read, and other spellings of their keys, lower case; the rest of a log
/// line is the access log's matter.
const KEYS: &[(Fact, &[&str])] = &[
    (Fact::Status, &["responsecode", "状态码", "返回码", "响应码", "错误码"]),
    (Fact::Flags, &["response_flag", "responseflags", "responseflag", "response flags", "response flag", "响应标志", "标志"]),
    (Fact::Details, &["responsecodedetails", "response code details", "报错明细", "明细", "详情", "报错"]),
    (Fact::Termination, &[]),
    (Fact::UpstreamTransport, &[]),
    (Fact::DownstreamTransport, &[]),
    (Fact::UpstreamLocalClose, &[]),
    (Fact::PolicyStatus, &[]),
    (Fact::GrpcStatus, &[]),
    (Fact::Cluster, &[]),
    (Fact::UpstreamHost, &[]),
    (Fact::Route, &[]),
];

/// The names of all keys, in the order of the table.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    KEYS.iter().flat_map(|(fact, others)| iter::once(fact.key().unwrap_or_default()).chain(others.iter().copied()))
}

static NAMES: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::builder().ascii_case_insensitive(true).build(names()).ok());

/// Reads every key of the table where it stands first; of the names of one key the first in the table counts.
pub(super) fn read(text: &str) -> Facts<'_> {
    let mut facts = Facts::default();
    let Some(automaton) = NAMES.as_ref() else { return facts };
    let mut values: Vec<Option<&str>> = vec![None; names().count()];
    for hit in automaton.find_overlapping_iter(text) {
        if let Some(place @ None) = values.get_mut(hit.pattern().as_usize()) {
            *place = value(text, hit.start(), hit.end());
        }
    }
    let mut values = values.into_iter();
    for (fact, others) in KEYS {
        // All of them are taken, so that the next key finds its own.
        let found = values.by_ref().take(others.len().saturating_add(1)).fold(None, Option::or);
        if let Some(value) = found.filter(|value| *value != "null") {
            facts.put(*fact, Cow::Borrowed(value));
        }
    }
    facts
}

/// The value behind the name that stands there, if it is the whole name of something.
fn value(text: &str, start: usize, end: usize) -> Option<&str> {
    let word = |at: usize| text.as_bytes().get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    if start.checked_sub(1).is_some_and(word) {
        return None;
    }
    let rest = text.get(end..)?.trim_start_matches(['"', '\'', '\\', '%', '*', '`', ' ']);
    let is_chinese = text.get(start..end).is_some_and(|name| !name.is_ascii());
    let joined = ["=>", ":", "=", "：", "等于", "为", "是"].iter().find_map(|mark| rest.strip_prefix(mark));
    let rest = joined.or_else(|| is_chinese.then_some(rest))?.trim_start_matches([' ', '*', '\\']);
    Some(match rest.strip_prefix(['"', '\'', '`']) {
        Some(quoted) => quoted.split(['"', '\'', '`', '\n']).next()?.trim_end_matches('\\'),
        None => unquoted(rest),
    })
}

/// Flags and details hold commas and braces of their own.
fn unquoted(text: &str) -> &str {
    let word = text.split(|letter: char| is_boundary(letter) || matches!(letter, '"' | '`')).next().unwrap_or_default();
    let opened = word.contains('{');
    word.trim_end_matches(|letter: char| matches!(letter, ',' | ';') || (letter == '}' && !opened))
}
