//! Pieces of lines: flags, a status and a flag, code details, transport failures, `key=value` bits, cut JSON.

use meshwhy_core::details::{self, Details, Family, Word};
use meshwhy_core::{Decisive, Facts, ResponseFlags};

use super::{key_values, local_reply, marks, transport_text};
use crate::han::is_han;

/// A longer text is prose, and holds such words by chance.
const MAX_WORDS: usize = 40;

/// Reads the piece; `None` when nothing in it says that something failed.
pub(super) fn read(text: &str) -> Option<Facts<'_>> {
    if !marks::any(text) {
        return unmarked(text);
    }
    let bits = key_values::read(text);
    let base = if bits == Facts::default() { bare(text).unwrap_or_default() } else { bits };
    let transport = transport_text::find(text);
    let facts = match transport {
        Some(found) if base.upstream_transport_failure.is_none() => Facts {
            decisive: Decisive {
                upstream_transport_failure: found.decisive.upstream_transport_failure,
                downstream_transport_failure: found.decisive.downstream_transport_failure,
                seen_by_client: found.decisive.seen_by_client,
                ..base.decisive
            },
            ..base
        },
        _ => base,
    };
    if facts == Facts::default() {
        return local_reply::whole(text);
    }
    has_outcome(&facts).then_some(facts)
}

/// Adds status and flags that stand beside a phrase.
pub(super) fn beside<'a>(mut facts: Facts<'a>, text: &'a str) -> Facts<'a> {
    if let Some(words) = bare(text).filter(|_| facts.event.is_none() && facts.status.is_none() && facts.flags.is_none()) {
        (facts.status, facts.flags) = (words.status, words.flags);
    }
    facts
}

/// A status of an error that stands alone, or with nothing but its reason and words that announce it.
fn lone_status(text: &str) -> Option<Facts<'_>> {
    const ANNOUNCING: &[&str] = &[
        "http",
        "http/1.0",
        "http/1.1",
        "http/2",
        "http/3",
        "status",
        "code",
        "error",
        "returned",
        "response",
        "got",
        "received",
        "curl",
        "22",
        "the",
        "requested",
        "url",
        "nginx",
        "envoy",
        "istio",
        "ingress",
        "gateway",
    ];
    let mut status = None;
    let mut reason = String::new();
    let around =
        |letter: char| is_boundary(letter) || matches!(letter, ':' | '(' | ')' | '"' | '`' | ',' | ';' | '*' | '[' | ']');
    for word in text.split(around).map(|word| word.trim_end_matches(['.', '!', '?'])) {
        let number = self::status(word).filter(|number| *number >= 400);
        if let Some(number) = number.filter(|_| status.is_none()) {
            status = Some(number);
        } else if !word.is_empty() && !ANNOUNCING.iter().any(|known| known.eq_ignore_ascii_case(word)) {
            reason.push_str(word);
            reason.push(' ');
        }
    }
    let status = status?;
    let named = REASONS.iter().any(|(of, words)| *of == status && words.eq_ignore_ascii_case(reason.trim()));
    (named || reason.is_empty() && announced_in_chinese(text))
        .then(|| Decisive { status: Some(status), ..Decisive::default() }.into())
}

/// Whether what a text says in Chinese only announces a status: numbers stand in other sentences, too.
fn announced_in_chinese(text: &str) -> bool {
    const ANNOUNCING: [&str; 12] =
        ["响应状态码", "状态码", "返回码", "响应码", "错误码", "响应", "返回", "报错", "报", "等于", "为", "是"];
    text.split(|letter| !is_han(letter)).all(|mut words| {
        while let Some(rest) = ANNOUNCING.iter().find_map(|word| words.strip_prefix(word)) {
            words = rest;
        }
        words.is_empty()
    })
}

/// Reason phrases of the statuses of errors that proxies send (RFC 9110 §15, RFC 6585).
const REASONS: &[(u16, &str)] = &[
    (400, "Bad Request"),
    (401, "Unauthorized"),
    (403, "Forbidden"),
    (404, "Not Found"),
    (405, "Method Not Allowed"),
    (408, "Request Timeout"),
    (413, "Payload Too Large"),
    (413, "Content Too Large"),
    (415, "Unsupported Media Type"),
    (421, "Misdirected Request"),
    (426, "Upgrade Required"),
    (429, "Too Many Requests"),
    (431, "Request Header Fields Too Large"),
    (500, "Internal Server Error"),
    (501, "Not Implemented"),
    (502, "Bad Gateway"),
    (503, "Service Unavailable"),
    (504, "Gateway Timeout"),
];

/// Reads a piece that holds no mark: words alone, or a whole body.
pub(super) fn unmarked(text: &str) -> Option<Facts<'_>> {
    match bare(text) {
        Some(facts) => has_outcome(&facts).then_some(facts),
        None => local_reply::whole(text).or_else(|| lone_status(text)),
    }
}

fn has_outcome(facts: &Facts<'_>) -> bool {
    facts.shows_failure() || facts.status.is_some_and(|status| status != 0)
}

/// Words that stand without a name.
pub(super) fn bare(text: &str) -> Option<Facts<'_>> {
    let (mut words, mut count) = ([""; MAX_WORDS], 0_usize);
    for word in Words(text) {
        *words.get_mut(count)? = word;
        count = count.saturating_add(1);
    }
    let words = words.get(..count)?;
    let pairs = || words.iter().copied().zip(words.iter().copied().skip(1));
    let goes_on = |next: &str| next == "-" || flags(next).is_some() || is_details(next, true);
    let status = pairs().find_map(|(word, next)| status(word).filter(|_| goes_on(next)));
    let details = words.iter().copied().find(|word| is_details(word, status.is_some()));
    let announced = pairs().find_map(|(before, word)| flags(word).filter(|_| announces_flags(before)));
    let all = || words.iter().try_fold(ResponseFlags::default(), |set, word| Some(ResponseFlags(set.0 | flags(word)?.0)));
    let flags = announced.or_else(|| all().filter(|set| !set.is_empty()));
    if details.is_none() && flags.is_none() {
        return None;
    }
    Some(Facts::from(Decisive { status, flags, details: details.map(Into::into), ..Decisive::default() }))
}

/// A status, or `response flag:` and the like.
fn announces_flags(word: &str) -> bool {
    let name = word.trim_end_matches(':');
    status(name).is_some() || ["flag", "flags", "response_flags"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn status(word: &str) -> Option<u16> {
    let known = |status: &u16| *status == 0 || (100..600).contains(status);
    word.bytes().all(|byte| byte.is_ascii_digit()).then(|| word.parse().ok())?.filter(known)
}

/// Flags by name; a number is a status or a count.
fn flags(word: &str) -> Option<ResponseFlags> {
    let named = word.starts_with(|first: char| first.is_ascii_uppercase());
    let shaped = || word.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b',');
    if named && shaped() { ResponseFlags::parse(word).filter(|set| !set.is_empty()) } else { None }
}

/// Whether the word is code details that no other text uses; beside a status a success counts too.
fn is_details(word: &str, beside_status: bool) -> bool {
    if !word.starts_with(|first: char| first.is_ascii_alphabetic()) || !word.contains(['_', '.']) {
        return false;
    }
    // Without a dynamic part only words are details; most that applications print are neither.
    if !word.contains(['{', '[', '(']) && !word.starts_with("codec_error:") && Family::of(word) != Some(Family::ExtProcError) {
        return Word::parse(word).is_some_and(|word| beside_status || !Details::Word(word).is_success());
    }
    match details::parse(word) {
        parsed @ Details::Word(_) => beside_status || !parsed.is_success(),
        Details::Family(Family::ExtProcError) => true,
        Details::Family(_) => word.contains(['{', '[']) || word.starts_with("codec_error:"),
        Details::Other(_) => false,
        _ => true,
    }
}

/// Words, where brackets keep together what stands in them, without the punctuation around them.
struct Words<'a>(&'a str);

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let around = |letter: char| is_boundary(letter) || matches!(letter, '"' | '`' | '\'' | ',' | ';' | '(' | '*' | '_' | '|');
        self.0 = self.0.trim_start_matches(around);
        if self.0.is_empty() {
            return None;
        }
        let (word, rest) = self.0.split_at_checked(end_of_word(self.0))?;
        self.0 = rest;
        let word = word.trim_end_matches([',', ';', '.', '\'', ':', '*', '_', '|']);
        Some(if word.contains('(') { word } else { word.trim_end_matches(')') })
    }
}

/// White space, and the letters and marks of Chinese, which stand next to Envoy's words without a space.
pub(super) fn is_boundary(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '\u{2018}'..='\u{201d}' | '\u{2e80}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}')
}

/// Where the word that the text begins with ends.
fn end_of_word(text: &str) -> usize {
    let mut depth = 0_u32;
    let ends = |(at, byte): (usize, u8)| {
        match byte {
            b'{' | b'[' | b'(' => depth = depth.saturating_add(1),
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            b'\t'..=b'\r' | b' ' | b'"' | b'`' => return depth == 0,
            // In the middle of a character there is no text.
            0x80.. => return depth == 0 && text.get(at..).is_some_and(|rest| rest.starts_with(is_boundary)),
            _ => {}
        }
        false
    };
    text.bytes().enumerate().position(ends).unwrap_or(text.len())
}
