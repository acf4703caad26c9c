//! Other evidence than access logs: application logs, events, response heads and bodies, pieces of lines.
//!
//! Everything here turns words into facts and judges nothing. A text says something only by a phrase of the tables (see
//! [`phrase`]), by a header, or by words of Envoy's vocabulary; whatever else it holds is not looked at. Lines that say
//! that all is well give nothing, or facts that show no failure.

mod agent;
mod agentgateway;
mod certificate;
mod client;
pub(crate) mod connection;
mod envoy;
mod fragment;
mod header_line;
mod key_values;
mod kubernetes;
mod local_reply;
mod log_line;
mod marks;
mod phrase;
mod pod_status;
pub(crate) mod pods;
mod rejected;
mod response;
mod secret;
mod seen;
mod statistics;
mod structured;
pub(crate) mod table;
mod transport_text;
mod words;
mod xds;
mod ztunnel;

#[cfg(test)]
mod tests;

pub(crate) use client::seen as seen_by_client;
use log_line::{Level, LogLine};
use meshwhy_core::Facts;

use crate::client::ClientResponse;
use crate::peel::timestamp;

/// Reads one line of a log, a table of events, a body or a header.
///
/// # Cost
/// One pass of an automaton over the line; nothing is allocated for a line that says nothing, unless it is JSON with escapes.
pub(crate) fn line(text: &str) -> Option<Facts<'_>> {
    let text = text.trim();
    if is_marked(text) { marked(text) } else { unmarked(text) }
}

/// Reads the events of a list, as `kubectl get events -o json` prints it; `None` where it holds none that says something.
pub(crate) fn events(text: &str) -> Option<Vec<Facts<'static>>> {
    let text = text.trim();
    let is_list = text.starts_with('{') && memchr::memmem::find(text.as_bytes(), b"\"items\"").is_some();
    (is_list && marks::any_in_json(text)).then(|| structured::events(text)).flatten()
}

/// Reads one line, or a piece of one.
pub(crate) fn line_or_fragment(text: &str) -> Option<Facts<'_>> {
    let text = text.trim();
    match is_marked(text) {
        true => marked(text).map(|facts| fragment::beside(facts, text)).or_else(|| fragment::read(text)),
        false => unmarked(text).or_else(|| fragment::unmarked(text)).or_else(|| structured::trace_headers(text)),
    }
}

/// Whether a text holds a word that this module knows.
pub(crate) fn is_marked(text: &str) -> bool {
    if text.starts_with('{') { marks::any_in_json(text) } else { marks::any(text) }
}

/// Reads a text that holds no mark.
fn unmarked(text: &str) -> Option<Facts<'_>> {
    if text.starts_with('{') { None } else { header(text).or_else(|| statistics::endpoint(text)) }
}

fn marked(text: &str) -> Option<Facts<'_>> {
    if let Some(facts) = agentgateway::access(text).or_else(|| ztunnel::access(text)) {
        return Some(facts);
    }
    if text.starts_with('{') {
        return structured::read(text);
    }
    if memchr::memmem::find(text.as_bytes(), b"Metadata(").is_some() {
        return response::read(text);
    }
    in_log(LogLine::of(text)).or_else(|| header(text))
}

/// Reads a header that says something by itself.
fn header(text: &str) -> Option<Facts<'_>> {
    let (name, value) = header_line::split(text).filter(|_| !text.starts_with('\''))?;
    header_line::read(name, value)
}

/// Reads the message of a log line: its phrases, then, where it is a log line, a transport failure.
fn in_log(line: LogLine<'_>) -> Option<Facts<'_>> {
    let logged = || transport_text::find(line.message).filter(|_| line.level != Level::Unknown);
    let mut facts = phrase::find(line).or_else(logged)?;
    facts.context.occurrences = line.seen().map(|seen| seen.count).or(facts.context.occurrences);
    if facts.event.is_some() && facts.context.start_time.is_none() {
        let begins = line.message.trim_start_matches('[');
        let time = timestamp(begins).and_then(|(_, rest)| begins.get(..begins.len().checked_sub(rest.len())?));
        facts.context.start_time = time.map(Into::into);
    }
    Some(facts)
}

/// Reads a piece of a line, or several short lines that are pieces.
pub(crate) fn fragment(text: &str) -> Option<Facts<'_>> {
    fragment::read(text.trim())
}

/// Reads a response as a client has it in hand.
pub(crate) fn received<'a>(response: &ClientResponse<'a>) -> Option<Facts<'a>> {
    response::received(response)
}

/// Reads a response as a client prints it – status line, headers, body, in any part – or a request with its headers.
pub(crate) fn response(block: &str) -> Option<Facts<'_>> {
    response::read(block)
}
