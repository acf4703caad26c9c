//! Syslog of RFC 3164 and RFC 5424, and journald's short formats.

use super::{Peeled, clock, container};

/// `Nov 21 10:00:00 host unit[pid]: line`, or with a weekday and a full date in front.
pub(super) fn peel(text: &str) -> Option<Peeled<'_>> {
    let (time, rest) = short(text).or_else(|| full(text))?;
    Some(unit(rest)?.at(time))
}

/// `<13>1 2026-11-21T10:00:00Z host app pid id - line`, or `<13>` in front of the older format.
pub(super) fn with_priority(text: &str) -> Option<Peeled<'_>> {
    let (priority, rest) = text.strip_prefix('<')?.split_once('>')?;
    if !(1..=3).contains(&priority.len()) || !priority.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let Some(rest) = rest.strip_prefix("1 ") else { return older(rest) };
    let mut fields = rest.splitn(6, ' ');
    let (time, host, app) = (fields.next()?, fields.next()?, fields.next()?);
    let (_process, _message_id, rest) = (fields.next()?, fields.next()?, fields.next()?);
    let message = structured_data(rest)?.trim_start().trim_start_matches('\u{feff}');
    let name = if app == "-" { host } else { app };
    Some(Peeled::rest(message).from(container::origin(name)).at(time))
}

fn older(rest: &str) -> Option<Peeled<'_>> {
    if let Some(peeled) = peel(rest) {
        return Some(peeled);
    }
    let (time, behind) = clock::timestamp(rest)?;
    Some(unit(behind.trim_start())?.at(time))
}

/// Skips `-` or `[id name="value" …]…`.
fn structured_data(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix('-') {
        return Some(rest);
    }
    let mut rest = text;
    while let Some(inner) = rest.strip_prefix('[') {
        let mut quoted = false;
        let mut escaped = false;
        let end = inner.bytes().position(|byte| {
            let closes = byte == b']' && !quoted;
            quoted ^= byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            closes
        })?;
        rest = inner.get(end + 1..)?;
    }
    (rest.len() < text.len()).then_some(rest)
}

/// `host unit[pid]: line`.
pub(super) fn unit(text: &str) -> Option<Peeled<'_>> {
    let (host, rest) = text.split_once(' ')?;
    let (unit, line) = rest.split_once(": ").or_else(|| Some((rest.strip_suffix(':')?, "")))?;
    let (name, process) = unit.strip_suffix(']').and_then(|unit| unit.split_once('[')).unwrap_or((unit, ""));
    let plain = |name: &str| !name.is_empty() && name.len() <= 255 && name.bytes().all(is_name_byte);
    (plain(host) && plain(name) && process.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| Peeled::rest(line).from(container::origin(name)))
}

const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/' | b'@')
}

/// `Nov 21 10:00:00`, with or without fractions.
fn short(text: &str) -> Option<(&str, &str)> {
    clock::month(text)?;
    let day = text.get(3..)?.strip_prefix(' ')?.trim_start_matches(' ');
    let rest = day.trim_start_matches(|letter: char| letter.is_ascii_digit()).strip_prefix(' ')?;
    let rest = clock::shaped(rest, "dd:dd:dd")?;
    let rest = rest.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
    Some((text.get(..text.len() - rest.len())?, rest.strip_prefix(' ')?))
}

/// `Sat 2026-11-21 10:00:00 UTC`.
fn full(text: &str) -> Option<(&str, &str)> {
    let (weekday, rest) = text.split_once(' ')?;
    let (time, rest) = clock::timestamp(rest).filter(|_| weekday.len() == 3 && weekday.is_ascii())?;
    let rest = rest.strip_prefix(' ')?;
    let behind_zone = rest.split_once(' ').filter(|(zone, _)| zone.len() <= 5 && zone.bytes().all(|b| b.is_ascii_uppercase()));
    Some((time, behind_zone.map_or(rest, |(_, rest)| rest)))
}
