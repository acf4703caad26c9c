//! Access-log lines of Envoy and Istio.

pub(crate) mod field;
pub(crate) mod format;
mod json;
mod text;

use field::{AccessLog, Success};
use format::Formats;

/// Reads an access-log line of any format; `None` when it is something else.
///
/// # Shape
/// Takes the line without what tools put around it; several physical lines may stand in it, joined by line ends. Objects
/// that are records (`meshwhy.record`) or that name no field of an access log are something else.
///
/// # Cost
/// A healthy line allocates nothing, unless its texts hold escapes.
pub(crate) fn parse<'a>(text: &'a str, formats: &Formats) -> Option<AccessLog<'a>> {
    let is_object = text.starts_with('{');
    let labelled = || is_object.then(|| formats.labels().find_map(|labels| json::parse(text, Some(labels)))).flatten();
    if let Some(custom) = labelled().or_else(|| formats.parse(text)) {
        return Some(custom);
    }
    if is_object {
        return json::parse(text, None);
    }
    if memchr::memchr(b'\n', text.as_bytes()).is_some() { text::parse_wrapped(text) } else { text::parse(text) }
}

/// Finds a healthy line of the most frequent shape without reading it: `None` says nothing.
pub(crate) fn success<'a>(line: &'a [u8], formats: &Formats) -> Option<Success<'a>> {
    if line.first() == Some(&b'{') && formats.is_empty() { json::healthy::success(line) } else { None }
}

#[cfg(test)]
mod tests;
