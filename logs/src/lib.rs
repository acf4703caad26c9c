//! Bytes in, facts out: access logs, the module's records and `Proxy-Status` headers.
//!
//! Pure: no I/O beyond the reader it is handed, no clock. One line is one value; a line that is none of ours is
//! [`Content::Unreadable`] and the caller counts it. Nothing here panics or grows with the input.

mod access_log;
mod header;
mod lines;
mod origin;
mod record_line;

use meshwhy_core::Facts;
use meshwhy_core::record::Record;

pub use lines::Lines;

/// Longest line that is read, in bytes.
pub const MAX_LINE: usize = 64 * 1024;

/// One line, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'a> {
    /// What the prefix of `kubectl logs --prefix` or of compose names, such as `pod/cart-1/istio-proxy`.
    pub origin: Option<&'a str>,
    /// The rest of the line.
    pub content: Content<'a>,
}

/// What a line holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content<'a> {
    /// One request or connection, healthy or not.
    Facts(Facts<'a>, Format),
    /// One record.
    Record(Record, Writer),
    /// The members of a `Proxy-Status` header in header order, the one nearest the origin first.
    Header(Vec<Facts<'a>>),
    /// Nothing but white space.
    Blank,
    /// No UTF-8, longer than [`MAX_LINE`], or of no known format.
    Unreadable,
}

/// The format of an access-log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Istio's default, `accessLogEncoding: TEXT`.
    IstioText,
    /// Istio's default keys, `accessLogEncoding: JSON`.
    IstioJson,
}

/// Who wrote a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// The module, into Envoy's log.
    Module,
    /// Envoy's own JSON access logger, in the native deployment.
    Envoy,
}

/// Reads one line, without its line end.
///
/// # Shape
/// Total. An access log is tried before a record in a text line, since clients choose parts of access logs.
///
/// # Cost
/// A healthy access-log line allocates nothing, unless its JSON strings hold escapes.
#[must_use]
pub fn parse_line(bytes: &[u8]) -> Line<'_> {
    let text = if bytes.len() <= MAX_LINE { std::str::from_utf8(bytes).ok() } else { None };
    let Some(text) = text else { return Line { origin: None, content: Content::Unreadable } };
    let (origin, rest) = origin::split(text.trim());
    if rest.is_empty() {
        return Line { origin, content: Content::Blank };
    }
    let mut content = content(rest);
    if let Content::Facts(facts, _) = &mut content
        && facts.pod.is_none()
    {
        facts.pod = origin.and_then(origin::pod).map(Into::into);
    }
    Line { origin, content }
}

fn content(text: &str) -> Content<'_> {
    if text.starts_with('{') {
        return access_log::istio_json::parse(text);
    }
    if let Some(facts) = access_log::istio_text::parse(text) {
        return Content::Facts(facts, Format::IstioText);
    }
    if let Some(record) = record_line::find(text) {
        return Content::Record(record, Writer::Module);
    }
    match header::parse(text) {
        members if members.is_empty() => Content::Unreadable,
        members => Content::Header(members),
    }
}

#[cfg(test)]
mod tests;
