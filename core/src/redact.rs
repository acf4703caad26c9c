//! What may leave the proxy: no query strings, no unbounded text.

use std::borrow::Cow;

use crate::facts::Facts;

/// Longest text kept of any single fact, in bytes.
pub const MAX_TEXT: usize = 512;

/// Cuts the query string and fragment off the path and every text to [`MAX_TEXT`] bytes.
pub fn redact(facts: &mut Facts<'_>) {
    facts.bound();
}

/// The text as far as it is kept: at most [`MAX_TEXT`] bytes.
#[must_use]
pub fn bounded(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_TEXT)).unwrap_or_default()
}

/// Cuts a text where no character is broken.
pub(crate) fn cut(text: &mut Cow<'_, str>, end: usize) {
    if text.len() <= end {
        return;
    }
    let end = text.floor_char_boundary(end);
    match text {
        Cow::Borrowed(borrowed) => *borrowed = borrowed.get(..end).unwrap_or_default(),
        Cow::Owned(owned) => owned.truncate(end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Context;

    #[test]
    fn the_query_string_never_survives() {
        let mut facts =
            Facts { context: Context { path: Some("/pay?card=4111#x".into()), ..Context::default() }, ..Facts::default() };
        redact(&mut facts);
        assert_eq!(facts.context.path.as_deref(), Some("/pay"));
    }

    #[test]
    fn cutting_respects_characters() {
        let mut facts =
            Facts { context: Context { authority: Some("名".repeat(400).into()), ..Context::default() }, ..Facts::default() };
        redact(&mut facts);
        assert_eq!(facts.context.authority.map(|text| text.len()), Some(510));
    }
}
