//! What carries each physical line of a text that several lines hold.

use std::iter;

use crate::peel::{self, MAX_LAYERS, Peeled};

/// A physical line without what carries it.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) inner: Peeled<'a>,
    /// Whether anything carried the line.
    pub(super) carried: bool,
}

impl<'a> Frame<'a> {
    /// Takes off everything that stands on each line, down to what a runtime cut.
    pub(super) fn of(line: &'a str) -> Self {
        let next = |outer: &Peeled<'a>| if outer.runtime { None } else { outer.inner(carrier) };
        let layers = iter::successors(Some(Peeled::rest(line)), next).take(MAX_LAYERS + 1);
        let (count, inner) = layers.enumerate().last().unwrap_or((0, Peeled::rest(line)));
        Self { inner, carried: count > 0 }
    }

    /// A later line of the same text: without the very words that stand before the first one, or without its own carrier.
    pub(super) fn of_next(line: &'a str, first: &str, carried: bool) -> Self {
        let same = if first.is_empty() { None } else { line.strip_prefix(first) };
        match same {
            Some(rest) => Self { inner: Peeled::rest(rest), carried: true },
            None if carried => Self::of(line),
            None => Self { inner: Peeled::rest(line), carried: false },
        }
    }
}

fn carrier(text: &str) -> Option<Peeled<'_>> {
    peel::carried(text.trim_start()).filter(|peeled| !peeled.cut)
}
