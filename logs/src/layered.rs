//! One text, with whatever is around it.

use std::borrow::Cow;

use meshwhy_core::Facts;

use crate::access_log;
use crate::access_log::field::AccessLog;
use crate::access_log::format::Formats;
use crate::line::{Content, Format, Line};
use crate::lines::MAX_LINE;
use crate::origin::Origin;
use crate::wrapper::{self, Peeled};
use crate::{evidence, header, record_line};

/// Reads one line, without its line end.
///
/// # Shape
/// Total. An access log is tried before anything else, since clients choose parts of access logs.
///
/// # Cost
/// A healthy access-log line allocates nothing, unless its wrapping or its JSON strings hold escapes.
#[must_use]
pub fn parse_line<'a>(bytes: &'a [u8], formats: &Formats) -> Line<'a> {
    if bytes.len() > MAX_LINE {
        return Line::of(Content::Unreadable);
    }
    let mut line = match std::str::from_utf8(bytes) {
        Ok(text) => read(text, formats, 0),
        Err(_) => read(&String::from_utf8_lossy(bytes), formats, 0).into_owned(),
    };
    line.complete();
    line
}

/// Reads a text, and what is in it when it is wrapped; the innermost text that says something decides.
pub(crate) fn read<'a>(text: &'a str, formats: &Formats, depth: usize) -> Line<'a> {
    let text = trimmed(text);
    if text.is_empty() {
        return Line::of(Content::Blank);
    }
    if let Some(plain) = wrapper::without_colours(text) {
        return read(&plain, formats, depth).into_owned();
    }
    // What is plainly the beginning of an access log is one; before anything else a layer comes off first, since an access log
    // is read without its head, too.
    let begins = wrapper::begins_access_log(text);
    let mut own = None;
    if begins {
        match access_log::parse(text, formats) {
            Some(AccessLog::Facts { facts, format, truncated: false }) => {
                // The line is built where it is returned: facts are large, and each move of them shows in what a line costs.
                let origin = origin(text, &facts);
                return Line { origin, content: Content::Facts(facts, format), truncated: false };
            }
            Some(AccessLog::Healthy) => return Line::of(Content::Healthy),
            Some(AccessLog::Facts { facts, format, .. }) => {
                let origin = origin(text, &facts);
                own = Some(Line { origin, content: Content::Facts(facts, format), truncated: true });
            }
            None => {}
        }
    }
    let (layered, inner) = if depth < wrapper::MAX_LAYERS { within(text, formats, depth) } else { (false, None) };
    if !begins && !inner.as_ref().is_some_and(Line::is_whole) {
        own = access_log(text, formats);
    }
    match (own, inner) {
        (Some(own), Some(inner)) if !own.truncated || inner.says_less_than(&own) => own,
        (_, Some(inner)) if matches!(inner.content, Content::Record(..)) => inner,
        (own, inner) => match record_line::find(text) {
            Some((record, writer)) => Line::of(Content::Record(record, writer)),
            None => inner.or(own).unwrap_or_else(|| Line::of(content(text, layered))),
        },
    }
}

fn access_log<'a>(text: &'a str, formats: &Formats) -> Option<Line<'a>> {
    Some(match access_log::parse(text, formats)? {
        AccessLog::Healthy => Line::of(Content::Healthy),
        AccessLog::Facts { facts, format, truncated } => {
            Line { origin: origin(text, &facts), content: Content::Facts(facts, format), truncated }
        }
    })
}

/// The proxy that a shipper names beside the keys of a structured log.
fn origin(text: &str, facts: &Facts<'_>) -> Option<Origin<'static>> {
    (text.starts_with('{') && facts.shows_failure()).then(|| wrapper::origin_in_json(text)).flatten()
}

/// The text without white space around it and without line ends that somebody's tool wrote as escapes.
fn trimmed(text: &str) -> &str {
    let mut text = text.trim_start_matches('\u{feff}').trim();
    while let Some(rest) = text.strip_suffix("\\n").or_else(|| text.strip_suffix("\\r")) {
        text = rest.trim_end();
    }
    text
}

/// Reads the text inside the outermost layer, or as it was before an editor or a page changed its characters: whether there
/// is such a text, and what it says when it is ours.
///
/// Characters are put back in the whole text and in the innermost one, so that the work stays linear.
fn within<'a>(text: &'a str, formats: &Formats, depth: usize) -> (bool, Option<Line<'a>>) {
    let peeled = wrapper::peel(text).map(|peeled| unwrap(peeled, formats, depth + 1));
    let layered = peeled.is_some();
    let peeled = peeled.filter(|line| line.content != Content::Unreadable);
    if peeled.as_ref().is_some_and(|line| line.is_whole() || line.content == Content::Blank) || (layered && depth > 0) {
        return (layered, peeled);
    }
    let plain = wrapper::normalised(text).map(|plain| read_each(&plain, formats, depth + 1));
    (layered, plain.filter(|line| line.is_whole() || (peeled.is_none() && line.is_ours())).or(peeled))
}

fn unwrap<'a>(peeled: Peeled<'a>, formats: &Formats, depth: usize) -> Line<'a> {
    let Peeled { origin, time, text: inner, cut, .. } = peeled;
    let mut line = match inner {
        Cow::Borrowed(inner) => read(inner, formats, depth),
        Cow::Owned(inner) => read_each(&inner, formats, depth),
    };
    if let (Some(time), Content::Facts(facts, _)) = (time, &mut line.content) {
        facts.context.start_time.get_or_insert(time.into());
    }
    line.truncated |= cut;
    line.origin = line.origin.map(|own| own.within(origin.clone())).or(origin);
    line
}

/// Reads a text that was unescaped and so may hold several lines: the first that tells of a failure counts.
fn read_each(text: &str, formats: &Formats, depth: usize) -> Line<'static> {
    let text = text.trim();
    if !text.contains('\n') || text.starts_with('{') {
        return read(text, formats, depth).into_owned();
    }
    let mut best: Option<Line<'static>> = None;
    for part in text.lines() {
        let line = read(part, formats, depth).into_owned();
        if line.fails() {
            return line;
        }
        best = best.filter(|best| best.is_ours() || !line.is_ours()).or(Some(line));
    }
    best.unwrap_or_else(|| Line::of(Content::Unreadable))
}

/// Reads what is no access log and no record, and in whose layers, if there are any, is nothing of ours.
fn content(text: &str, layered: bool) -> Content<'_> {
    // A record that somebody quotes tells of no failure of its own.
    if record_line::is_quoted_in(text) {
        return Content::Unreadable;
    }
    let members = header::parse(text);
    if !members.is_empty() {
        return Content::Header(members);
    }
    // A piece of a line stands alone, or was looked for in the layer.
    let facts = if layered { evidence::line(text) } else { evidence::line_or_fragment(text) };
    facts.map_or(Content::Unreadable, |facts| {
        Content::Facts(facts, if is_ztunnel(text) { Format::Ztunnel } else { Format::Evidence })
    })
}

/// Whether the line is one of ztunnel's access log.
fn is_ztunnel(text: &str) -> bool {
    ["src.addr=", "dst.addr="].iter().all(|key| memchr::memmem::find(text.as_bytes(), key.as_bytes()).is_some())
}
