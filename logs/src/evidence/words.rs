//! Looking for words in untrusted text.

/// Whether the text holds the words, in whatever case.
pub(super) fn holds(text: &str, words: &str) -> bool {
    let (bytes, words) = (text.as_bytes(), words.as_bytes());
    let Some(first) = words.first() else { return true };
    let starts = memchr::memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), bytes);
    let same = |at: usize| bytes.get(at..at.saturating_add(words.len())).is_some_and(|part| part.eq_ignore_ascii_case(words));
    starts.into_iter().any(same)
}

/// Whether the text holds any of the words.
pub(super) fn holds_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|words| holds(text, words))
}

/// The first word: up to white space, a quote, a comma, a semicolon or a backtick.
pub(super) fn first(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let end = |letter: char| letter.is_whitespace() || matches!(letter, '"' | '\'' | ',' | ';' | '`' | '\\');
    text.split(end).next().filter(|word| !word.is_empty())
}

/// The text up to what cannot belong to a message: a quote, a backtick, an escape or the line's end.
pub(super) fn message(text: &str) -> &str {
    text.split(['"', '`', '\\', '\n', '\r']).next().unwrap_or_default().trim()
}

/// The status code at the start of the text.
pub(super) fn status(text: &str) -> Option<u16> {
    let digits = text.trim_start().split(|letter: char| !letter.is_ascii_digit()).next()?;
    digits.parse().ok().filter(|status| digits.len() == 3 && (100..600).contains(status))
}
