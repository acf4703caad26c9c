//! Spellings that editors, chats and web pages put in place of the characters of a line.

use std::borrow::Cow;

use crate::unescape::unescaped;

/// Undoes typographic quotes, no-break spaces, full-width letters and HTML entities; else escapes; else colours without their escape character.
///
/// One kind at a time, since what an editor changed may hold escapes that mean something. `None` when there is none.
pub(crate) fn normalised(text: &str) -> Option<String> {
    spelled(text).or_else(|| {
        let escaped = text.contains('\\')
            && ["\\\"", "\\n", "\\r", "\\t", "\\u001b", "\\x1b", "\\033"].iter().any(|escape| text.contains(escape));
        escaped
            .then(|| unescaped(text).into_owned())
            .or_else(|| (text.contains('[') && text.contains("[0m")).then(|| without_codes(text)))
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
    matches!(letter, '“' | '”' | '„' | '‟' | '‘' | '’' | '–' | '—' | '\u{200b}' | '\u{feff}' | '\u{ad}')
        || is_odd_space(letter)
        || matches!(letter, '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ')
}

/// How far full-width letters, digits and marks are from their twins.
const FULL_WIDTH: u32 = 0xfee0;

const fn is_odd_space(letter: char) -> bool {
    matches!(letter, '\u{a0}' | '\u{2007}' | '\u{2009}' | '\u{202f}' | '\u{3000}')
}

fn plain(letter: char) -> Option<char> {
    Some(match letter {
        '“' | '”' | '„' | '‟' => '"',
        '‘' | '’' => '\'',
        '–' | '—' => '-',
        '\u{200b}' | '\u{feff}' | '\u{ad}' => return None,
        letter if is_odd_space(letter) => ' ',
        // The full-width forms stand in the order of ASCII.
        '！'..='～' => u32::from(letter).checked_sub(FULL_WIDTH).and_then(char::from_u32)?,
        letter => letter,
    })
}

/// Removes `[32m` and its like.
fn without_codes(text: &str) -> String {
    let mut parts = text.split('[');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let parameters = part.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == ';');
        match parameters.strip_prefix('m').filter(|_| parameters.len() < part.len()) {
            Some(rest) => out.push_str(rest),
            None => out.extend(["[", part]),
        }
    }
    out
}
