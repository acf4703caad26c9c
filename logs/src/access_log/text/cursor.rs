//! What is left of a line, read from the left.

use meshwhy_core::ResponseFlags;
use meshwhy_core::facts::kind::{FactKind, Flags};

/// The rest of a line. Whatever does not fit leaves it where it was.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    rest: &'a str,
}

/// Bytes received, bytes sent, duration and upstream time.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Numbers {
    pub(super) duration: Option<u64>,
    pub(super) count: usize,
    /// All four are there.
    pub(super) complete: bool,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(rest: &'a str) -> Self {
        Self { rest }
    }

    pub(super) const fn rest(&self) -> &'a str {
        self.rest
    }

    pub(super) const fn go_on(&mut self, rest: &'a str) {
        self.rest = rest;
    }

    /// The text up to a quote and a space, which are passed over.
    pub(super) fn until_quote(&mut self) -> Option<&'a str> {
        let (text, rest) = split_at_quote(self.rest)?;
        self.rest = rest;
        Some(text)
    }

    /// The next word; the last one of a line has no space behind it.
    pub(super) fn word(&mut self) -> Option<&'a str> {
        let (word, rest) = match memchr::memchr(b' ', self.rest.as_bytes()) {
            Some(at) => (self.rest.get(..at)?, self.rest.get(at.saturating_add(1)..)?),
            None => (self.rest, ""),
        };
        if word.is_empty() {
            return None;
        }
        self.rest = rest;
        Some(word)
    }

    /// A text in quotes; one pair more when the text itself is a quoted one, as Mixer's status is.
    pub(super) fn quoted(&mut self) -> Option<&'a str> {
        let inner = self.rest.strip_prefix('"')?;
        let (text, rest) = match inner.strip_prefix('"') {
            Some(twice) if !twice.is_empty() && !twice.starts_with(' ') => {
                twice.split_once("\"\" ").or_else(|| Some((twice.strip_suffix("\"\"")?, "")))?
            }
            _ => split_at_quote(inner).or_else(|| Some((inner.strip_suffix('"')?, "")))?,
        };
        self.rest = rest;
        Some(text)
    }

    pub(super) fn status(&mut self) -> Option<u16> {
        let mut ahead = *self;
        let word = ahead.word()?;
        let status = word.parse().ok().filter(|status| *status < 1000 && word.len() <= 3)?;
        *self = ahead;
        Some(status)
    }

    /// The flags, and whether they are written as a mask.
    pub(super) fn flags(&mut self) -> Option<(ResponseFlags, bool)> {
        let mut ahead = *self;
        let word = ahead.word()?;
        let flags = Flags::read(word.into())?;
        *self = ahead;
        Some((flags, word.bytes().all(|byte| byte.is_ascii_digit())))
    }

    /// Code details and termination details: words, if they are no numbers.
    pub(super) fn words_before_numbers(&mut self) -> (Option<&'a str>, Option<&'a str>) {
        let (Some(details), Some(termination)) = (self.reason(), self.reason()) else { return (None, None) };
        let some = |text: &'a str| (!text.is_empty()).then_some(text);
        (some(details), some(termination))
    }

    fn reason(&mut self) -> Option<&'a str> {
        let mut ahead = *self;
        match ahead.word() {
            Some(word) if !word.starts_with('"') && word.parse::<u64>().is_err() && !is_elision(word) => {
                *self = ahead;
                Some(word)
            }
            _ => Some(""),
        }
    }

    pub(super) fn numbers(&mut self) -> Numbers {
        let mut numbers = Numbers::default();
        for at in 0..3 {
            let mut ahead = *self;
            let Some(number) = ahead.word().and_then(|word| word.parse::<u64>().ok()) else { return numbers };
            *self = ahead;
            numbers.count = at + 1;
            if at == 2 {
                numbers.duration = Some(number);
            }
        }
        let mut ahead = *self;
        if ahead.word().is_some_and(|word| word == "-" || word.parse::<u64>().is_ok()) {
            *self = ahead;
            numbers.complete = true;
        }
        numbers
    }
}

/// Splits at the first quote with a space behind it.
fn split_at_quote(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let mut quotes = memchr::memchr_iter(b'"', bytes);
    let at = quotes.find(|at| bytes.get(at.saturating_add(1)) == Some(&b' '))?;
    Some((text.get(..at)?, text.get(at.saturating_add(2)..)?))
}

/// What people write where they left something out.
fn is_elision(word: &str) -> bool {
    word.starts_with("...") || word.starts_with('…')
}
