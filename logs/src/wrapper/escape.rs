//! Spellings that editors, chats and web pages put in place of the characters of a line.

use std::borrow::Cow;

/// Undoes typographic quotes, no-break spaces and HTML entities; else escapes; else colours without their escape character.
///
/// One kind at a time, since what an editor changed may hold escapes that mean something. `None` when there is none.
pub(crate) fn normalised(text: &str) -> Option<String> {
    spelled(text).or_else(|| {
        let escaped = text.contains('\\')
            && ["\\\"", "\\n", "\\r", "\\t", "\\u001b", "\\x1b", "\\033"].iter().any(|escape| text.contains(escape));
        escaped.then(|| unescaped(text)).or_else(|| (text.contains('[') && text.contains("[0m")).then(|| without_codes(text)))
    })
}

fn spelled(text: &str) -> Option<String> {
    let mut out = Cow::Borrowed(text);
    if !text.is_ascii() && text.contains(is_typographic) {
        out = Cow::Owned(text.chars().filter_map(plain).collect());
    }
    if out.contains('&') && ENTITIES.iter().any(|(entity, _)| out.contains(entity)) {
        out = Cow::Owned(ENTITIES.iter().fold(out.into_owned(), |text, (entity, plain)| text.replace(entity, plain)));
    }
    match out {
        Cow::Owned(out) => Some(out),
        Cow::Borrowed(_) => None,
    }
}

/// What stands for another character in HTML; the ampersand last, so that nothing is undone twice.
const ENTITIES: [(&str, &str); 8] = [
    ("&quot;", "\""),
    ("&#34;", "\""),
    ("&#39;", "'"),
    ("&apos;", "'"),
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&nbsp;", " "),
    ("&amp;", "&"),
];

const fn is_typographic(letter: char) -> bool {
    matches!(letter, '“' | '”' | '„' | '‟' | '‘' | '’' | '–' | '—' | '\u{200b}' | '\u{feff}' | '\u{ad}') || is_odd_space(letter)
}

const fn is_odd_space(letter: char) -> bool {
    matches!(letter, '\u{a0}' | '\u{2007}' | '\u{2009}' | '\u{202f}' | '\u{3000}')
}

const fn plain(letter: char) -> Option<char> {
    Some(match letter {
        '“' | '”' | '„' | '‟' => '"',
        '‘' | '’' => '\'',
        '–' | '—' => '-',
        '\u{200b}' | '\u{feff}' | '\u{ad}' => return None,
        letter if is_odd_space(letter) => ' ',
        letter => letter,
    })
}

/// Undoes the escapes of JSON and of shells; unknown ones stay.
pub(super) fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('\\') {
        out.push_str(before);
        let mut letters = behind.chars();
        rest = match letters.next() {
            Some('n') => push(&mut out, '\n', letters.as_str()),
            Some('r') => push(&mut out, '\r', letters.as_str()),
            Some('t') => push(&mut out, '\t', letters.as_str()),
            Some(same @ ('"' | '\\' | '/' | '\'')) => push(&mut out, same, letters.as_str()),
            Some('u') => coded(&mut out, letters.as_str(), 4, 16),
            Some('x') => coded(&mut out, letters.as_str(), 2, 16),
            Some('0') => coded(&mut out, letters.as_str(), 2, 8),
            _ => push(&mut out, '\\', behind),
        };
    }
    out.push_str(rest);
    out
}

fn push<'a>(out: &mut String, letter: char, rest: &'a str) -> &'a str {
    out.push(letter);
    rest
}

fn coded<'a>(out: &mut String, digits: &'a str, length: usize, radix: u32) -> &'a str {
    let letter = digits.get(..length).and_then(|code| u32::from_str_radix(code, radix).ok()).and_then(char::from_u32);
    match letter {
        Some(letter) => push(out, letter, digits.get(length..).unwrap_or_default()),
        None => push(out, '\u{fffd}', digits),
    }
}

/// Removes `[32m` and its like.
fn without_codes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('[') {
        out.push_str(before);
        let end = behind.find(|letter: char| !letter.is_ascii_digit() && letter != ';').unwrap_or(behind.len());
        rest = match behind.get(end..).and_then(|tail| tail.strip_prefix('m')).filter(|_| end > 0) {
            Some(tail) => tail,
            None => push(&mut out, '[', behind),
        };
    }
    out.push_str(rest);
    out
}
