//! Strings with escapes: JSON's, and those that shells and editors print.

use std::borrow::Cow;

/// Where the string that the text begins in ends, and whether it holds escapes.
#[inline]
pub(crate) fn end_of_string(text: &str) -> Option<(usize, bool)> {
    let (mut at, mut escaped) = (0, false);
    loop {
        at += memchr::memchr2(b'"', b'\\', text.as_bytes().get(at..)?)?;
        if text.as_bytes().get(at) == Some(&b'"') {
            return Some((at, escaped));
        }
        escaped = true;
        at += 2;
    }
}

/// The text up to the end of its string, or all of it where that is missing.
pub(crate) fn string(text: &str) -> &str {
    end_of_string(text).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// The text with its escapes undone; unknown ones stay.
pub(crate) fn unescaped(text: &str) -> Cow<'_, str> {
    let Some((before, mut rest)) = text.split_once('\\') else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len());
    out.push_str(before);
    loop {
        let (letter, length) = escape(rest).unwrap_or(('\\', 0));
        out.push(letter);
        rest = rest.get(length..).unwrap_or_default();
        let Some((before, behind)) = rest.split_once('\\') else { break };
        out.push_str(before);
        rest = behind;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// What the escape means whose backslash stands before the text, and its length.
fn escape(text: &str) -> Option<(char, usize)> {
    Some(match text.as_bytes().first()? {
        b'n' => ('\n', 1),
        b'r' => ('\r', 1),
        b't' => ('\t', 1),
        b'b' => ('\u{8}', 1),
        b'f' => ('\u{c}', 1),
        same @ (b'"' | b'\\' | b'/' | b'\'') => (char::from(*same), 1),
        b'u' => return utf16(text),
        b'x' => (char::from_u32(digits(text, 2, 16)?)?, 3),
        b'0' => (char::from_u32(digits(text, 2, 8)?)?, 3),
        _ => return None,
    })
}

/// The character of `u` and four hex digits, or of two such that are a pair.
fn utf16(text: &str) -> Option<(char, usize)> {
    let unit = |text: &str| u16::try_from(digits(text, 4, 16)?).ok();
    let second = text.get(5..).and_then(|rest| unit(rest.strip_prefix('\\')?));
    let letter = char::decode_utf16([unit(text)?].into_iter().chain(second)).next()?.unwrap_or(char::REPLACEMENT_CHARACTER);
    Some((letter, if letter.len_utf16() == 2 { 11 } else { 5 }))
}

/// The number behind the first letter.
fn digits(text: &str, length: usize, radix: u32) -> Option<u32> {
    u32::from_str_radix(text.get(1..=length)?, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_escape() {
        for (text, plain) in [
            ("", ""),
            ("plain", "plain"),
            (r#"\"a\" \\n \/ \' "#, r#""a" \n / ' "#),
            (r"a\nb\tc\rd", "a\nb\tc\rd"),
            (r"\u00e9\u4e0a\ud83d\ude00!", "é上😀!"),
            (r"\x1b[0m\033[0m", "\u{1b}[0m\u{1b}[0m"),
            (r"\d \u00é \xg \", r"\d \u00é \xg \"),
            (r"\ud83d alone", "\u{fffd} alone"),
        ] {
            assert_eq!(unescaped(text), plain, "{text}");
        }
    }

    #[test]
    fn strings_end_at_a_bare_quote() {
        assert_eq!(end_of_string(r#"a\"b"c""#), Some((4, true)));
        assert_eq!(end_of_string(r#"a\\" "#), Some((3, true)));
        assert_eq!(end_of_string(r#"a b" "#), Some((3, false)));
        assert_eq!(end_of_string(r#"a\""#), None);
        assert_eq!(end_of_string(r"a\"), None);
    }
}
