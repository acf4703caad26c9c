//! Untrusted text on its way to a terminal: whatever could move the cursor, colour or reorder text is spelt out.

/// Spells out control characters, including line ends and tabs.
pub(crate) fn line(text: &str) -> String {
    spell(text, |letter, out| out.extend(letter.escape_unicode()))
}

/// Spells out, inside finished JSON, what JSON itself leaves as it is. Such characters stand only inside strings there.
pub(crate) fn json(text: &str) -> String {
    spell(text, |letter, out| {
        if letter == '\n' {
            out.push(letter);
        } else {
            out.push_str(&format!("\\u{:04x}", u32::from(letter)));
        }
    })
}

/// Whether a terminal shows text of several lines as it stands.
pub(crate) fn is_plain(text: &str) -> bool {
    !text.chars().any(|letter| letter != '\n' && is_unsafe(letter))
}

fn spell(text: &str, mut with: impl FnMut(char, &mut String)) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_unsafe(letter) { with(letter, &mut out) } else { out.push(letter) }
    }
    out
}

/// Controls (C0, C1, DEL), line and paragraph separators, and what reorders or hides text.
fn is_unsafe(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        assert_eq!(line("a\u{1b}[31m\u{9b}b\r\n\u{202e}"), "a\\u{1b}[31m\\u{9b}b\\u{d}\\u{a}\\u{202e}");
        assert_eq!(line("路由 ok"), "路由 ok");
        let value: String = serde_json::from_str(&json("\"a\u{7f}\u{9b}\u{202e}\"")).unwrap();
        assert_eq!(value, "a\u{7f}\u{9b}\u{202e}");
    }
}
