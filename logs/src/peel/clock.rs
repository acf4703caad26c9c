//! Times in front of a line: `kubectl logs --timestamps`, CRI, journald, Kibana's and other viewers' columns.

use super::{Peeled, carrier, start, syslog};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Takes off a time, and what its tool writes behind it.
///
/// A level behind the time is no layer: Istio's own logs begin so.
pub(super) fn peel(text: &str) -> Option<Peeled<'_>> {
    let (time, rest) = timestamp(text)?;
    if let Some((rest, partial)) = cri(rest) {
        return Some(Peeled { runtime: true, partial, ..Peeled::rest(rest).at(time) });
    }
    let behind = rest.trim_start_matches([' ', '\t']);
    if behind.len() == rest.len() && !rest.starts_with('|') {
        return None;
    }
    if let Some(cell) = behind.strip_prefix(['|', '│', '┃']) {
        return Some(Peeled::rest(cell.trim_start()).at(time));
    }
    if behind.split([' ', '\t']).next().is_some_and(start::is_level) {
        return None;
    }
    let unit = syslog::unit(behind).map(|peeled| peeled.at(time));
    Some(unit.or_else(|| carrier::words(behind).map(|peeled| peeled.at(time))).unwrap_or_else(|| Peeled::rest(behind).at(time)))
}

/// `Jan 19, 2022 @ 11:08:22.417`, and what separates Kibana's columns.
pub(super) fn kibana(text: &str) -> Option<Peeled<'_>> {
    month(text)?;
    let (date, rest) = text.split_once(" @ ").filter(|(date, _)| date.len() <= 20 && date.contains(','))?;
    let end = rest.find(|letter: char| !letter.is_ascii_digit() && !matches!(letter, ':' | '.'))?;
    let (clock, rest) = rest.split_at_checked(end)?;
    let time = text.get(..date.len() + " @ ".len() + clock.len())?;
    let rest = rest.trim_start();
    Some(Peeled::rest(rest.strip_prefix('|').unwrap_or(rest).trim_start()).at(time))
}

/// Whether the text begins with the short name of a month.
pub(super) fn month(text: &str) -> Option<&str> {
    let name = text.get(..3)?;
    MONTHS.contains(&name).then_some(name)
}

/// ` stdout F `: the stream, and whether the text goes on.
fn cri(rest: &str) -> Option<(&str, bool)> {
    let rest = rest.strip_prefix(" stdout ").or_else(|| rest.strip_prefix(" stderr "))?;
    let (tags, text) = rest.split_once(' ').unwrap_or((rest, ""));
    match tags.split(':').next()? {
        "F" => Some((text, false)),
        "P" => Some((text, true)),
        _ => None,
    }
}

/// Splits `2026-11-21T10:00:00.123Z` and its like from what follows; the zone may be missing.
pub(crate) fn timestamp(text: &str) -> Option<(&str, &str)> {
    let rest = shaped(text, "dddd-dd-dd")?;
    let rest = shaped(rest.strip_prefix(['T', ' ', '_'])?, "dd:dd:dd")?;
    let rest = match rest.strip_prefix(['.', ',']) {
        Some(fraction) => fraction.trim_start_matches(|letter: char| letter.is_ascii_digit()),
        None => rest,
    };
    let rest = zone(rest);
    Some((text.get(..text.len() - rest.len())?, rest))
}

fn zone(text: &str) -> &str {
    if let Some(rest) = text.strip_prefix('Z').or_else(|| text.strip_prefix(" UTC")) {
        return rest;
    }
    let sign = text.trim_start_matches(' ');
    let Some(offset) = sign.strip_prefix(['+', '-']).filter(|_| text.len() - sign.len() <= 1) else { return text };
    shaped(offset, "dd:dd").or_else(|| shaped(offset, "dddd")).unwrap_or(text)
}

/// Strips a shape in which `d` stands for a digit.
pub(super) fn shaped<'a>(text: &'a str, shape: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(shape.len())?;
    let fits = |(byte, wanted): (u8, u8)| if wanted == b'd' { byte.is_ascii_digit() } else { byte == wanted };
    head.bytes().zip(shape.bytes()).all(fits).then_some(rest)
}
