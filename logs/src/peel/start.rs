//! How the lines that we read begin.

use super::clock;

/// The levels that Envoy, istiod and the agent print.
const LEVELS: [&str; 12] =
    ["trace", "debug", "info", "warn", "warning", "error", "critical", "fatal", "off", "none", "WARN", "ERROR"];

/// Whether a word is a log level.
pub(super) fn is_level(word: &str) -> bool {
    LEVELS.contains(&word)
}

/// Whether a text begins as a line of Envoy, Istio or their carriers does.
pub(crate) fn begins_line(text: &str) -> bool {
    let second = text.as_bytes().get(1).copied();
    match text.as_bytes().first() {
        Some(b'[') => second.is_some_and(|byte| byte.is_ascii_digit() || byte == b'.') || begins_bracketed(text),
        Some(b'{') => second.is_none_or(|byte| matches!(byte, b'"' | b'}' | b' ')),
        Some(b'"') => text.strip_prefix('"').is_some_and(is_request_line),
        Some(b'0'..=b'9') => clock::timestamp(text).is_some(),
        Some(_) => begins_with_level(text),
        None => false,
    }
}

fn begins_bracketed(text: &str) -> bool {
    ["[pod/", "[Envoy ("].iter().any(|head| text.starts_with(head))
}

/// Whether an access log may begin so; the layers that tools put in front begin otherwise.
pub(crate) fn begins_access_log(text: &str) -> bool {
    text.starts_with(['{', '"']) || (text.starts_with('[') && !begins_bracketed(text))
}

/// A level in a column of its own: in a sentence one space follows.
fn begins_with_level(text: &str) -> bool {
    let level = text.split([' ', '\t']).next().filter(|word| is_level(word));
    level.and_then(|word| text.get(word.len()..)).is_some_and(|rest| rest.starts_with('\t') || rest.starts_with("  "))
}

/// Whether a text begins with a method and a path, or with the dashes of a connection without a request.
pub(crate) fn is_request_line(text: &str) -> bool {
    if text.starts_with("- - ") {
        return true;
    }
    let Some((method, path)) = text.split_once(' ') else { return false };
    let is_method = (3..=16).contains(&method.len()) && method.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
    is_method && (path.starts_with(['/', '*']) || path.contains(" HTTP/"))
}
