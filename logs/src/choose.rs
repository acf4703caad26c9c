//! One text with whatever is around it, in three steps: layers come off, each is read once, and the reading of most worth is chosen.

use std::iter;

use meshwhy_core::Facts;

use crate::access_log;
use crate::access_log::field::AccessLog;
use crate::access_log::format::Formats;
use crate::line::{LineContent, LineFormat, LineReading};
use crate::lines::MAX_LINE;
use crate::origin::Origin;
use crate::peel::{self, MAX_LAYERS, Peeled};
use crate::{evidence, header, otlp, record_line};

/// Reads one line, without its line end.
///
/// # Shape
/// Total. An access log is tried before anything else, since clients choose parts of access logs.
///
/// # Cost
/// A healthy access-log line allocates nothing, unless its wrapping or its JSON strings hold escapes.
#[must_use]
pub fn parse_line<'a>(bytes: &'a [u8], formats: &Formats) -> LineReading<'a> {
    if bytes.len() > MAX_LINE {
        return LineReading::of(LineContent::Unreadable);
    }
    if let Some(success) = access_log::success(bytes, formats) {
        return LineReading::of(LineContent::Healthy(success));
    }
    let mut line = match simdutf8::basic::from_utf8(bytes) {
        Ok(text) => read(text, formats),
        Err(_) => read(&String::from_utf8_lossy(bytes), formats).into_owned(),
    };
    line.complete();
    line
}

/// Reads a text, and what is in it when it is wrapped.
pub(crate) fn read<'a>(text: &'a str, formats: &Formats) -> LineReading<'a> {
    read_within(text, formats, MAX_LAYERS)
}

/// Reads a text from which at most `room` layers come off.
fn read_within<'a>(text: &'a str, formats: &Formats, room: usize) -> LineReading<'a> {
    let text = peel::trimmed(text);
    if let Some(plain) = peel::without_colours(text) {
        return read_within(&plain, formats, room).into_owned();
    }
    if !peel::begins_access_log(text) {
        return choose(text, None, formats, room);
    }
    match access_log::parse(text, formats) {
        Some(AccessLog::Healthy(success)) => LineReading::of(LineContent::Healthy(success)),
        // The line is built where it is returned: facts are large, and each move of them shows in what a line costs.
        Some(AccessLog::Facts { facts, truncated: false, open }) => {
            let origin = open.then(|| origin(text, &facts)).flatten();
            LineReading { origin, content: LineContent::Facts(facts, LineFormat::AccessLog), truncated: false }
        }
        cut => choose(text, cut.map(|log| logged(text, log)), formats, room),
    }
}

/// Takes off all layers, reads each once, the innermost first, and chooses the reading of most worth.
///
/// `cut` is the access log that the text is the beginning of. A layer that is plainly a whole one is the last.
fn choose<'a>(text: &'a str, cut: Option<LineReading<'a>>, formats: &Formats, room: usize) -> LineReading<'a> {
    let mut best = cut;
    let mut layer = Peeled::rest(text);
    let mut outer = [const { None }; MAX_LAYERS];
    for place in outer.iter_mut().take(room) {
        let Some(inner) = (!layer.holds_lines()).then(|| layer.inner(peel::next)).flatten() else { break };
        // A record that is whole may hold escapes of its own.
        if inner.respelled
            && let Some(line) = layer.read(|text| alone(text, formats)).filter(LineReading::is_whole)
        {
            return line;
        }
        *place = Some(std::mem::replace(&mut layer, inner));
        if layer.begins_access_log() {
            match layer.read(|text| access_log(text, formats)) {
                Some(line) if line.is_whole() => return line,
                line => best = better(line, best),
            }
        }
    }
    let off = outer.iter().flatten().count();
    let mut innermost = true;
    for (at, layer) in iter::once(&layer).chain(outer.iter().rev().flatten()).enumerate() {
        if best.as_ref().is_some_and(LineReading::is_whole) {
            break;
        }
        // Where an editor changed the characters of a layer, too, it came off in the wrong place.
        let doubted = at == off && !innermost && room == MAX_LAYERS && best.as_ref().is_none_or(LineReading::is_ours);
        if let Some(plain) = doubted.then(|| peel::normalised(text)).flatten() {
            let line = first_failure(peel::trimmed(&plain), formats, room - 1).map(LineReading::into_owned);
            best = line.filter(|line| line.is_whole() || (best.is_none() && line.is_ours())).or(best);
        }
        let line = if layer.holds_lines() {
            layer.read(|text| first_failure(text, formats, room - off))
        } else {
            layer.read(|text| alone(text, formats).or_else(|| if best.is_none() { words(text, innermost) } else { None }))
        };
        best = better(best, line);
        // That nothing is left of a text says nothing of how it was spelt.
        best = best.filter(|best| !layer.respelled || best.content != LineContent::Blank);
        innermost = layer.respelled;
    }
    best.unwrap_or(LineReading::of(LineContent::Unreadable))
}

/// The reading of more worth, the inner one where they are equal.
fn better<'a>(inner: Option<LineReading<'a>>, outer: Option<LineReading<'a>>) -> Option<LineReading<'a>> {
    match (inner, outer) {
        (Some(inner), Some(outer)) if outer.worth() > inner.worth() => Some(outer),
        (inner, outer) => inner.or(outer),
    }
}

fn access_log<'a>(text: &'a str, formats: &Formats) -> Option<LineReading<'a>> {
    access_log::parse(text, formats).map(|log| logged(text, log))
}

fn logged<'a>(text: &'a str, log: AccessLog<'a>) -> LineReading<'a> {
    match log {
        AccessLog::Healthy(success) => LineReading::of(LineContent::Healthy(success)),
        AccessLog::Facts { facts, truncated, open } => {
            let origin = open.then(|| origin(text, &facts)).flatten();
            LineReading { origin, content: LineContent::Facts(facts, LineFormat::AccessLog), truncated }
        }
    }
}

/// The proxy that a shipper names beside the keys of a structured log.
fn origin(text: &str, facts: &Facts<'_>) -> Option<Origin<'static>> {
    facts.shows_failure().then(|| peel::origin_in_json(text)).flatten()
}

/// Reads a text that was unescaped and so may hold several lines: the first that shows a failure counts, else the first of ours.
fn first_failure<'a>(text: &'a str, formats: &Formats, room: usize) -> Option<LineReading<'a>> {
    let mut first = None;
    let is_object = text.starts_with('{');
    for part in text.split(|letter| letter == '\n' && !is_object) {
        let line = read_within(part, formats, room);
        if line.fails() {
            return Some(line);
        }
        first = first.filter(|first: &LineReading<'_>| first.is_ours() || !line.is_ours()).or(Some(line));
    }
    first.filter(|line| line.content != LineContent::Unreadable)
}

/// Reads a layer by itself, as what is whole by its form: an access log that does not begin as one, a record, or a list of events.
fn alone<'a>(text: &'a str, formats: &Formats) -> Option<LineReading<'a>> {
    if text.is_empty() {
        return Some(LineReading::of(LineContent::Blank));
    }
    let log = if peel::begins_access_log(text) { None } else { access_log(text, formats) };
    if log.as_ref().is_some_and(LineReading::is_whole) {
        return log;
    }
    let record = record_line::find(text).map(|(record, writer)| LineContent::Record(record, writer));
    let events = || otlp::read(text, formats).or_else(|| evidence::events(text)).map(LineContent::Events);
    record.or_else(events).map(LineReading::of).or(log)
}

/// Reads what is no access log and no record, and holds nothing of ours in its layers.
fn words(text: &str, innermost: bool) -> Option<LineReading<'_>> {
    // A record that somebody quotes shows no failure of its own.
    if record_line::is_quoted_in(text) {
        return None;
    }
    let members = header::parse(text);
    if !members.is_empty() {
        return Some(LineReading::of(LineContent::Header(members)));
    }
    // A piece of a line stands alone, or was looked for in the layer.
    let facts = if innermost { evidence::line_or_fragment(text) } else { evidence::line(text) }?;
    Some(LineReading::of(LineContent::Facts(facts, if is_ztunnel(text) { LineFormat::AccessLog } else { LineFormat::Evidence })))
}

/// Whether the line is one of ztunnel's access log.
fn is_ztunnel(text: &str) -> bool {
    ["src.addr=", "dst.addr="].iter().all(|key| memchr::memmem::find(text.as_bytes(), key.as_bytes()).is_some())
}
