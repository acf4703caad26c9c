//! Envoy prints one text with spaces or with underscores, depending on where: both spellings are the same here.

/// Whether the texts are the same.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one.len() == other.len() && begins(one, other)
}

/// Whether `text` begins with `head`.
pub(crate) fn begins(text: &str, head: &str) -> bool {
    text.len() >= head.len() && text.bytes().zip(head.bytes()).all(|(one, other)| letter(one) == letter(other))
}

/// Whether `text` ends with `tail`.
pub(crate) fn ends(text: &str, tail: &str) -> bool {
    text.len().checked_sub(tail.len()).and_then(|at| text.get(at..)).is_some_and(|end| same(end, tail))
}

const fn letter(byte: u8) -> u8 {
    if byte == b' ' { b'_' } else { byte }
}
