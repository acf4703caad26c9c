//! Chinese characters.

/// Whether the letter is one.
#[must_use]
pub const fn is_han(letter: char) -> bool {
    matches!(letter, '\u{3400}'..='\u{9fff}')
}
