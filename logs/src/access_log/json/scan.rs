//! A flat reader of JSON objects that stops where the text is cut and forgives what people and terminals put into it.

use std::borrow::Cow;

use crate::unescape::{self, end_of_string};

/// Where in a text we are.
#[derive(Debug, Clone)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// Whether no escape and no line end stands anywhere, so that a string ends at the next quote.
    plain: bool,
    /// Whether a line end stands anywhere.
    wrapped: bool,
}

/// The beginning of a value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Token<'a> {
    Text(Text<'a>),
    /// A number, `true`, `false` or `null`.
    Literal(&'a str),
    /// An object, still to be read or skipped.
    Object,
    /// An array, still to be skipped.
    Array,
}

/// A string without its quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    raw: &'a str,
    /// Whether the text is what it says: no escapes, no line ends.
    plain: bool,
}

impl<'a> Text<'a> {
    /// The text when it can be borrowed.
    #[inline]
    pub(super) const fn plain(&self) -> Option<&'a str> {
        if self.plain { Some(self.raw) } else { None }
    }

    /// The text with escapes resolved and without the line ends of whoever wrapped it.
    #[inline]
    pub(super) fn text(&self) -> Cow<'a, str> {
        if self.plain { Cow::Borrowed(self.raw) } else { Cow::Owned(unescaped(self.raw)) }
    }
}

#[cold]
fn unescaped(raw: &str) -> String {
    let mut lines = raw.lines();
    let mut joined = String::with_capacity(raw.len());
    joined.push_str(lines.next().unwrap_or_default());
    for line in lines {
        let indented = line.starts_with("  ");
        joined.push_str(if indented { line.trim_start() } else { line });
    }
    unescape::unescaped(&joined).into_owned()
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let plain = memchr::memchr2(b'\\', b'\n', text.as_bytes()).is_none();
        Self { text, at: 0, plain, wrapped: !plain && memchr::memchr(b'\n', text.as_bytes()).is_some() }
    }

    /// Whether the text holds no escape and no line end.
    pub(super) const fn is_plain(&self) -> bool {
        self.plain
    }

    /// Whether nothing follows but what quoting leaves behind.
    pub(super) fn is_at_end(&self) -> bool {
        let rest = self.text.get(self.at..).unwrap_or_default();
        rest.len() < 64 && rest.chars().all(|letter| letter.is_whitespace() || matches!(letter, '`' | '\'' | '"' | ',' | ';'))
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn advance(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    #[inline]
    fn skip_space(&mut self) -> Option<u8> {
        loop {
            let byte = self.peek()?;
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Some(byte);
            }
            self.advance();
        }
    }

    /// Enters an object.
    pub(super) fn open(&mut self) -> Option<()> {
        self.skip_space().filter(|byte| *byte == b'{')?;
        self.advance();
        Some(())
    }

    /// The next key with its colon; `Some(None)` at the end of the object, `None` when the text is cut or broken.
    #[inline]
    pub(super) fn key(&mut self) -> Option<Option<Text<'a>>> {
        let mut byte = self.skip_space()?;
        while byte == b',' {
            self.advance();
            byte = self.skip_space()?;
        }
        match byte {
            b'}' => {
                self.advance();
                Some(None)
            }
            b'"' => {
                let key = self.string()?;
                self.skip_space().filter(|byte| *byte == b':')?;
                self.advance();
                Some(Some(key))
            }
            _ => None,
        }
    }

    /// The next value; objects and arrays are not entered.
    #[inline]
    pub(super) fn value(&mut self) -> Option<Token<'a>> {
        match self.skip_space()? {
            b'"' => self.string().map(Token::Text),
            b'{' => Some(Token::Object),
            b'[' => Some(Token::Array),
            _ => self.literal().map(Token::Literal),
        }
    }

    fn literal(&mut self) -> Option<&'a str> {
        let rest = self.text.get(self.at..)?;
        let length = rest.bytes().position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')))?;
        self.at = self.at.saturating_add(length);
        rest.get(..length).filter(|literal| !literal.is_empty())
    }

    /// Reads a string at its opening quote.
    #[inline]
    fn string(&mut self) -> Option<Text<'a>> {
        self.advance();
        let rest = self.text.get(self.at..)?;
        let (length, escaped) = if self.plain { (memchr::memchr(b'"', rest.as_bytes())?, false) } else { end_of_string(rest)? };
        let raw = rest.get(..length)?;
        self.at = self.at.saturating_add(length).saturating_add(1);
        let wrapped = self.wrapped && memchr::memchr(b'\n', raw.as_bytes()).is_some();
        Some(Text { raw, plain: !escaped && !wrapped })
    }

    /// Passes over the object or array that begins here, without recursion.
    pub(super) fn skip(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.skip_space()? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth = depth.saturating_add(1),
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.advance();
            if depth == 0 {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_values_are_skipped() {
        let mut scanner = Scanner::new(r#"{"a":[1,{"b":"}]"},[]],"c":2}"#);
        scanner.open().unwrap();
        assert_eq!(scanner.key().unwrap().unwrap().plain(), Some("a"));
        assert!(matches!(scanner.value(), Some(Token::Array)));
        scanner.skip().unwrap();
        assert_eq!(scanner.key().unwrap().unwrap().plain(), Some("c"));
        assert!(matches!(scanner.value(), Some(Token::Literal("2"))));
        assert!(scanner.key().unwrap().is_none());
    }
}
