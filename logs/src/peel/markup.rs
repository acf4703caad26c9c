//! Frames of terminals, and how people quote lines in chats, issue trackers and documents.

use super::{Peeled, envelope, start};
use crate::han::is_han;
use crate::unescape::{end_of_string, unescaped};

/// Takes off what people put around a line.
pub(super) fn peel(text: &str) -> Option<Peeled<'_>> {
    fence(text).or_else(|| prompt(text)).or_else(|| envelope::member(text)).or_else(|| quoted(text)).or_else(|| bullet(text))
}

/// Takes off what stands in front of every line of a frame: `│ `, `| … |`, `> `. Further white space stays, since it may
/// be a part of a line that was cut.
pub(super) fn frame(text: &str) -> Option<Peeled<'_>> {
    const BARS: [char; 7] = ['│', '┃', '║', '▏', '▕', '╎', '┆'];
    if let Some(inner) = text.strip_prefix(BARS) {
        return Some(Peeled::rest(inner.strip_prefix(' ').unwrap_or(inner).trim_end_matches(BARS)));
    }
    // Names of clusters hold bars, too.
    if let Some(inner) = text.strip_prefix('|').filter(|inner| inner.is_empty() || inner.starts_with(' ')) {
        let inner = inner.strip_prefix(' ').unwrap_or(inner);
        return Some(Peeled::rest(inner.strip_suffix(" |").unwrap_or(inner)));
    }
    text.strip_prefix('>').map(|inner| Peeled::rest(inner.strip_prefix(' ').unwrap_or(inner)))
}

/// A code fence; what stands on its line is the line.
fn fence(text: &str) -> Option<Peeled<'_>> {
    let inner = text.strip_prefix("```").or_else(|| text.strip_prefix("~~~"))?;
    let inner = inner.trim_end_matches(['`', '~']).trim();
    let is_language = inner.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+'));
    Some(Peeled::rest(if is_language { "" } else { inner }))
}

/// A command that somebody typed; nothing is left of it, since its arguments are what was looked for, not what was found.
fn prompt(text: &str) -> Option<Peeled<'_>> {
    const SIGNS: [&str; 4] = ["$ ", "# ", "% ", "❯ "];
    let typed = |line: &str| {
        let line = line.trim_start();
        let line = line.strip_prefix("sudo ").unwrap_or(line);
        line.split_once(' ').is_some_and(|(command, _)| COMMANDS.contains(&command))
    };
    // A look at one byte is cheaper than a search, and few lines hold a sign.
    let holds = |sign: &&str| sign.bytes().next().is_some_and(|first| memchr::memchr(first, text.as_bytes()).is_some());
    let behind_sign = |sign: &&str| text.split_once(*sign).filter(|(before, _)| before.len() <= 120).map(|(_, line)| line);
    // A sentence, too, may begin with the name of a command.
    let is_sentence = || text.contains(is_han);
    (typed(text) && !is_sentence() || SIGNS.iter().copied().filter(holds).filter_map(|sign| behind_sign(&sign)).any(typed))
        .then(|| Peeled::rest(""))
}

const COMMANDS: [&str; 22] = [
    "kubectl",
    "k",
    "oc",
    "istioctl",
    "curl",
    "grpcurl",
    "wget",
    "docker",
    "docker-compose",
    "podman",
    "nerdctl",
    "crictl",
    "stern",
    "kail",
    "helm",
    "logcli",
    "journalctl",
    "tail",
    "cat",
    "grep",
    "less",
    "watch",
];

/// Backticks, quotes or asterisks around the line.
fn quoted(text: &str) -> Option<Peeled<'_>> {
    if text.starts_with('`') || text.ends_with('`') {
        return Some(Peeled::rest(text.trim_matches('`').trim()));
    }
    if let Some(inner) = text.strip_prefix("**").and_then(|text| text.strip_suffix("**")) {
        return Some(Peeled::rest(inner.trim()));
    }
    let ended = text.trim_end_matches([',', ';']);
    let inner = |quote: char| ended.strip_prefix(quote)?.strip_suffix(quote).filter(|inner| !inner.is_empty());
    if let Some(inner) = inner('"').filter(|inner| !start::is_request_line(inner)) {
        let inner = inner.trim();
        let escaped = inner.contains('\\') && end_of_string(inner).is_none();
        return Some(if escaped { Peeled::owned(unescaped(inner).into_owned()) } else { Peeled::rest(inner) });
    }
    let inner = inner('\'')?;
    Some(Peeled::rest(inner.trim()))
}

/// `- `, `* `, `1. `, `# ` in front of the line, and a comma behind it.
fn bullet(text: &str) -> Option<Peeled<'_>> {
    if let Some(inner) = text.strip_prefix('#') {
        return Some(Peeled::rest(inner.trim_start_matches('#').trim_start()));
    }
    if let Some(inner) = text.strip_prefix(['-', '*', '+', '•', '–']) {
        return inner.starts_with(' ').then(|| Peeled::rest(inner.trim_start()));
    }
    let number = text.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let marked = number.strip_prefix(['.', ')', ':']).filter(|_| (1..=6).contains(&(text.len() - number.len())));
    if let Some(inner) = marked.and_then(|inner| inner.strip_prefix([' ', '\t'])) {
        return Some(Peeled::rest(inner.trim_start()));
    }
    let line = text.strip_suffix(',').filter(|line| line.ends_with(['}', ']', '"']))?;
    Some(Peeled::rest(line))
}
