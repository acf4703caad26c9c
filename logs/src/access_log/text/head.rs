//! The beginning of a line: start time and request line, whole or cut.

use super::cursor::Cursor;
use super::strict_flags;

/// What stands before the status.
#[derive(Debug, Default)]
pub(super) struct Start<'a> {
    pub(super) time: Option<&'a str>,
    pub(super) method: Option<&'a str>,
    pub(super) path: Option<&'a str>,
    pub(super) protocol: Option<&'a str>,
    certain: bool,
    cut: bool,
}

impl Start<'_> {
    /// Whether it can be nothing else than the beginning of an access log.
    pub(super) const fn is_certain(&self) -> bool {
        self.certain
    }

    /// Whether a part of the request line is missing. A start time that is left out is not.
    pub(super) const fn is_cut(&self) -> bool {
        self.cut
    }
}

/// The longest text between brackets that is a time.
const LONGEST_TIME: usize = 64;

/// Reads up to the status; `None` when the line cannot be an access log.
pub(super) fn read<'a>(line: &mut Cursor<'a>) -> Option<Start<'a>> {
    let time = bracketed(line);
    if let Some(inner) = line.rest().strip_prefix('"') {
        line.go_on(inner);
        let start = request_line(line)?;
        return Some(Start { time, ..start });
    }
    if time.is_some() {
        return None;
    }
    Some(cut(line))
}

fn bracketed<'a>(line: &mut Cursor<'a>) -> Option<&'a str> {
    let inner = line.rest().strip_prefix('[')?;
    let end = memchr::memchr(b']', inner.as_bytes()).filter(|end| *end <= LONGEST_TIME)?;
    let rest = inner.get(end.checked_add(1)?..)?.trim_start_matches(' ');
    if !rest.starts_with('"') {
        return None;
    }
    line.go_on(rest);
    inner.get(..end)
}

/// Method and path hold no space; a path may hold quotes.
fn request_line<'a>(line: &mut Cursor<'a>) -> Option<Start<'a>> {
    let method = line.word().filter(|word| is_method(word))?;
    let path = line.word()?;
    if let Some((path, protocol)) = path.strip_suffix('"').and_then(glued) {
        return Some(Start {
            method: Some(method),
            path: Some(path),
            protocol: Some(protocol),
            certain: true,
            ..Start::default()
        });
    }
    let protocol = line.until_quote().filter(|text| is_protocol(text))?;
    Some(Start { method: Some(method), path: Some(path), protocol: Some(protocol), certain: true, ..Start::default() })
}

/// Path and protocol of `/xHTTP/1.1`, where the space was lost.
fn glued(text: &str) -> Option<(&str, &str)> {
    let (path, protocol) = text.split_at_checked(text.rfind("HTTP/")?)?;
    is_protocol(protocol).then_some((path, protocol))
}

fn is_method(word: &str) -> bool {
    word == "-" || word.len() <= 32 && word.bytes().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'-' | b'_'))
}

fn is_protocol(text: &str) -> bool {
    let version = text.strip_prefix("HTTP/").or_else(|| text.strip_prefix("http/"));
    text == "-" || version.is_some_and(|version| !version.is_empty() && version.len() <= 3)
}

/// A line whose head is missing: cut in the time, in the request line, or behind it.
fn cut<'a>(line: &mut Cursor<'a>) -> Start<'a> {
    let whole = *line;
    if memchr::memchr(b']', line.rest().as_bytes()).is_some()
        && let Some((before, after)) = line.rest().split_once("] \"")
        && before.len() <= LONGEST_TIME
        && !before.contains('"')
    {
        line.go_on(after);
        if let Some(start) = request_line(line) {
            return start;
        }
        *line = whole;
    }
    if let Some(request) = line.until_quote()
        && !request.contains('"')
        && followed_by_flags(*line)
        && let Some((before, protocol)) = request.rsplit_once(' ').or_else(|| glued(request)).or(Some(("", request)))
        && (is_protocol(protocol) || is_piece_of_protocol(protocol))
    {
        let (method, path) = before.rsplit_once(' ').map_or((None, before), |(method, path)| (Some(method), path));
        let method = method.filter(|method| is_method(method));
        let path = Some(path).filter(|path| method.is_some() || path.starts_with('/'));
        let protocol = Some(protocol).filter(|protocol| is_protocol(protocol));
        return Start { method, path, protocol, certain: protocol.is_some(), cut: true, time: None };
    }
    *line = whole;
    Start { cut: true, ..Start::default() }
}

/// How many request lines with a status and flags behind them a text holds.
pub(super) fn requests(text: &str) -> usize {
    let ends_request = |at: &usize| {
        let parts = text.get(..*at).zip(text.get(at.saturating_add(2)..));
        parts.is_some_and(|(before, after)| {
            let protocol = before.rsplit(' ').next().unwrap_or_default();
            let protocol = protocol.rfind("HTTP/").and_then(|at| protocol.get(at..)).unwrap_or(protocol);
            is_protocol(protocol) && followed_by_flags(Cursor::new(after))
        })
    };
    memchr::memmem::find_iter(text.as_bytes(), b"\" ").filter(ends_request).count()
}

fn is_piece_of_protocol(text: &str) -> bool {
    ["HTTP/1.1", "HTTP/1.0", "HTTP/2"].iter().any(|whole| whole.ends_with(text))
}

fn followed_by_flags(mut line: Cursor<'_>) -> bool {
    line.status().is_some() && line.word().is_some_and(|word| strict_flags(word).is_some())
}
