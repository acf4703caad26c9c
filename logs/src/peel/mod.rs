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

pub(crate) use clock::timestamp;
use std::borrow::Cow;

use anstream::adapter::strip_str;

use crate::line::{LineContent, LineReading};
use crate::origin::Origin;

pub(crate) use container::of_file as origin_of_file;
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
    pub(crate) time: Option<Cow<'a, str>>,
    /// What is left.
    pub(crate) text: Cow<'a, str>,
    /// Whether the layer is a runtime's, which cuts long lines anywhere.
    pub(crate) runtime: bool,
    /// Whether the text goes on in the next line of the same writer.
    pub(crate) partial: bool,
    /// Whether the layer itself was cut, so that the end of the text is missing.
    pub(crate) cut: bool,
    /// Whether no layer came off, and only characters were put back.
    pub(crate) respelled: bool,
}

impl<'a> Peeled<'a> {
    pub(crate) fn rest(text: &'a str) -> Self {
        let text = Cow::Borrowed(text);
        Self { origin: None, time: None, text, runtime: false, partial: false, cut: false, respelled: false }
    }

    fn owned(text: String) -> Self {
        Self { text: Cow::Owned(text), ..Self::rest("") }
    }

    fn from(self, origin: Origin<'a>) -> Self {
        Self { origin: Some(origin), ..self }
    }

    fn at(self, time: &'a str) -> Self {
        Self { time: Some(time.into()), ..self }
    }

    /// The text inside the next layer, with what all layers so far say.
    pub(crate) fn inner(&self, peel: fn(&str) -> Option<Peeled<'_>>) -> Option<Self> {
        let mut inner = match &self.text {
            Cow::Borrowed(text) => peel(text)?,
            Cow::Owned(text) => peel(text)?.into_owned(),
        };
        inner.origin = match inner.origin {
            Some(origin) => Some(origin.within(self.origin.clone())),
            None => self.origin.clone(),
        };
        inner.time = inner.time.or_else(|| self.time.clone());
        inner.cut |= self.cut;
        Some(inner)
    }

    fn into_owned(self) -> Peeled<'static> {
        let own = |text: Cow<'a, str>| Cow::Owned(text.into_owned());
        Peeled {
            origin: self.origin.map(Origin::into_owned),
            time: self.time.map(own),
            text: own(self.text),
            runtime: self.runtime,
            partial: self.partial,
            cut: self.cut,
            respelled: self.respelled,
        }
    }

    /// Whether the text begins as an access log does, and is one line.
    pub(crate) fn begins_access_log(&self) -> bool {
        begins_access_log(trimmed(&self.text)) && !self.holds_lines()
    }

    /// Whether the text was unescaped and so holds several lines.
    pub(crate) fn holds_lines(&self) -> bool {
        matches!(&self.text, Cow::Owned(text) if text.trim().contains('\n') && !text.trim().starts_with('{'))
    }

    /// Reads the text, and adds what its layers say.
    pub(crate) fn read(&self, read: impl Fn(&str) -> Option<LineReading<'_>>) -> Option<LineReading<'a>> {
        let mut line = match &self.text {
            Cow::Borrowed(text) => read(trimmed(text))?,
            Cow::Owned(text) => read(trimmed(text))?.into_owned(),
        };
        if let (Some(time), LineContent::Facts(facts, _)) = (&self.time, &mut line.content) {
            facts.context.start_time.get_or_insert(time.clone());
        }
        line.truncated |= self.cut;
        line.origin = line.origin.map(|own| own.within(self.origin.clone())).or_else(|| self.origin.clone());
        Some(line)
    }
}

/// The text without control sequences of terminals; `None` when it holds none.
pub(crate) fn without_colours(text: &str) -> Option<String> {
    memchr::memchr(b'\x1b', text.as_bytes())?;
    Some(strip_str(text).to_string())
}

/// The text without white space around it and without line ends that somebody's tool wrote as escapes.
pub(crate) fn trimmed(text: &str) -> &str {
    let mut text = text.trim().trim_start_matches('\u{feff}').trim_start();
    while let Some(rest) = text.strip_suffix("\\n").or_else(|| text.strip_suffix("\\r")) {
        text = rest.trim_end();
    }
    text
}

/// Takes off the outermost layer, or puts back the characters that an editor or a page changed.
pub(crate) fn next(text: &str) -> Option<Peeled<'_>> {
    let text = trimmed(text);
    let respelled = || Some(Peeled { respelled: true, ..Peeled::owned(normalised(text)?) });
    let mut inner = carried(text).or_else(|| markup::peel(text)).or_else(respelled)?;
    if let Some(plain) = without_colours(&inner.text) {
        inner.text = Cow::Owned(plain);
    }
    Some(inner)
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
