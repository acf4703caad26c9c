//! What may leave the proxy: no query strings, no unbounded text.

use std::borrow::Cow;

use crate::facts::Facts;

/// Longest text kept of any single fact, in bytes.
pub const MAX_TEXT: usize = 512;

/// Cuts the query string and fragment off the path and every text to [`MAX_TEXT`] bytes.
pub fn redact(facts: &mut Facts<'_>) {
    if let Some(path) = &mut facts.path {
        let end = path.find(['?', '#']).unwrap_or(path.len());
        cut(path, end);
    }
    let texts = [
        &mut facts.details,
        &mut facts.termination_details,
        &mut facts.upstream_transport_failure,
        &mut facts.downstream_transport_failure,
        &mut facts.protocol,
        &mut facts.method,
        &mut facts.path,
        &mut facts.authority,
        &mut facts.request_id,
        &mut facts.virtual_host,
        &mut facts.route,
        &mut facts.cluster,
        &mut facts.upstream_host,
        &mut facts.server_name,
        &mut facts.local_reply_owner,
        &mut facts.relayed_from,
    ];
    for text in texts.into_iter().flatten() {
        cut(text, MAX_TEXT);
    }
}

/// The text as far as it is kept: at most [`MAX_TEXT`] bytes.
#[must_use]
pub fn bounded(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_TEXT)).unwrap_or_default()
}

fn cut(text: &mut Cow<'_, str>, end: usize) {
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

    #[test]
    fn the_query_string_never_survives() {
        let mut facts = Facts { path: Some("/pay?card=4111#x".into()), ..Facts::default() };
        redact(&mut facts);
        assert_eq!(facts.path.as_deref(), Some("/pay"));
    }

    #[test]
    fn cutting_respects_characters() {
        let mut facts = Facts { authority: Some("名".repeat(400).into()), ..Facts::default() };
        redact(&mut facts);
        assert_eq!(facts.authority.map(|text| text.len()), Some(510));
    }
}
