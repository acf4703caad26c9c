//! What carries each physical line of a text that several lines hold.

use std::borrow::Cow;

use crate::origin::Origin;
use crate::wrapper::{self, Peeled};

/// A physical line without what carries it.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) origin: Option<Origin<'static>>,
    /// Whether the carrier says that the text goes on.
    pub(super) partial: bool,
    /// Whether anything carried the line.
    pub(super) carried: bool,
}

impl<'a> Frame<'a> {
    /// Takes off everything that stands on each line, down to what a runtime cut.
    pub(super) fn of(line: &'a str) -> Self {
        let mut frame = Self { text: Cow::Borrowed(line), origin: None, partial: false, carried: false };
        for _ in 0..wrapper::MAX_LAYERS {
            let Some((next, is_last)) = frame.inner() else { break };
            frame = next;
            if is_last {
                break;
            }
        }
        frame
    }

    fn inner(&self) -> Option<(Self, bool)> {
        let (text, origin, partial, runtime) = match &self.text {
            Cow::Borrowed(text) => {
                let peeled = peel(text.trim_start())?;
                (peeled.text, peeled.origin.map(Origin::into_owned), peeled.partial, peeled.runtime)
            }
            Cow::Owned(text) => {
                let peeled = peel(text.trim_start())?;
                let text = Cow::Owned(peeled.text.into_owned());
                (text, peeled.origin.map(Origin::into_owned), peeled.partial, peeled.runtime)
            }
        };
        let origin = match origin {
            Some(origin) => Some(origin.within(self.origin.clone())),
            None => self.origin.clone(),
        };
        Some((Self { text, origin, partial, carried: true }, runtime))
    }

    /// A later line of the same text: without the very words that stand before the first one, or without its own carrier.
    pub(super) fn of_next(line: &'a str, first: &str, carried: bool) -> Self {
        let same = if first.is_empty() { None } else { line.strip_prefix(first) };
        match same {
            Some(rest) => Self { text: Cow::Borrowed(rest), origin: None, partial: false, carried: true },
            None if carried => Self::of(line),
            None => Self { text: Cow::Borrowed(line), origin: None, partial: false, carried: false },
        }
    }
}

fn peel(text: &str) -> Option<Peeled<'_>> {
    wrapper::carried(text).filter(|peeled| !peeled.cut)
}
