//! What tools and people put around a line, taken off one layer at a time.
//!
//! A layer is taken off where its own shape says so; whether what is left means anything is not asked here. The caller
//! takes the innermost text that says something, so that a layer which only looked like one does no harm.

mod carrier;
mod clock;
mod container;
mod envelope;
mod escape;
mod fluent;
mod markup;
mod start;
mod syslog;

use std::borrow::Cow;

use anstream::adapter::strip_str;

use crate::origin::Origin;

pub(crate) use envelope::origin as origin_in_json;
pub(crate) use escape::normalised;
pub(crate) use start::{begins_access_log, begins_line, is_request_line};

/// How many layers are taken off.
pub(crate) const MAX_LAYERS: usize = 8;

/// A text without its outermost layer.
#[derive(Debug)]
pub(crate) struct Peeled<'a> {
    /// Who wrote it, where the layer says so.
    pub(crate) origin: Option<Origin<'a>>,
    /// When it was written, as the layer says.
    pub(crate) time: Option<&'a str>,
    /// What is left.
    pub(crate) text: Cow<'a, str>,
    /// Whether the layer is a runtime's, which cuts long lines anywhere.
    pub(crate) runtime: bool,
    /// Whether the text goes on in the next line of the same writer.
    pub(crate) partial: bool,
    /// Whether the layer itself was cut, so that the end of the text is missing.
    pub(crate) cut: bool,
}

impl<'a> Peeled<'a> {
    fn rest(text: &'a str) -> Self {
        Self { origin: None, time: None, text: Cow::Borrowed(text), runtime: false, partial: false, cut: false }
    }

    fn owned(text: String) -> Self {
        Self { text: Cow::Owned(text), ..Self::rest("") }
    }

    fn from(self, origin: Origin<'a>) -> Self {
        Self { origin: Some(origin), ..self }
    }

    fn at(self, time: &'a str) -> Self {
        Self { time: Some(time), ..self }
    }
}

/// The text without control sequences of terminals; `None` when it holds none.
pub(crate) fn without_colours(text: &str) -> Option<String> {
    memchr::memchr(b'\x1b', text.as_bytes())?;
    Some(strip_str(text).to_string())
}

/// Takes off the outermost layer; `None` when there is none.
pub(crate) fn peel(text: &str) -> Option<Peeled<'_>> {
    carried(text).or_else(|| markup::peel(text))
}

/// Takes off a layer that stands on every physical line: what tools write, and the frames that people quote them in.
pub(crate) fn carried(text: &str) -> Option<Peeled<'_>> {
    match text.as_bytes().first()? {
        b'[' => carrier::bracketed(text).or_else(|| fluent::peel(text)),
        b'{' => envelope::peel(text).or_else(|| carrier::labels(text)),
        b'<' => syslog::with_priority(text),
        b'0'..=b'9' => clock::peel(text).or_else(|| carrier::words(text)),
        _ => syslog::peel(text).or_else(|| clock::kibana(text)).or_else(|| carrier::named(text)).or_else(|| markup::frame(text)),
    }
}
