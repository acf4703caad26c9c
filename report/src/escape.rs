//! Untrusted text on its way to a terminal: whatever could move the cursor, colour or reorder text is spelt out.

use std::io::{self, Write};

/// Spells out control characters, including line ends and tabs.
#[must_use]
pub fn line(text: &str) -> String {
    spell(text, |letter, out| out.extend(letter.escape_unicode()))
}

/// Spells out, inside JSON, what JSON itself leaves as it is. Such characters stand only inside strings there.
#[must_use]
pub fn json(text: &str) -> String {
    spell(text, |letter, out| match letter {
        '\n' => out.push(letter),
        _ => out.push_str(&format!("\\u{:04x}", u32::from(letter))),
    })
}

/// [`json`] on its way to a writer.
pub struct Json<'w>(pub &'w mut dyn Write);

impl Write for Json<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        self.0.write_all(json(text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Whether a terminal shows text of several lines as it stands.
#[must_use]
pub fn is_plain(text: &str) -> bool {
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
        let (hostile, mut json) = ("a\u{7f}\u{9b}\u{202e}路", Vec::new());
        serde_json::to_writer(Json(&mut json), hostile).unwrap();
        let json = String::from_utf8(json).unwrap();
        assert_eq!(json, r#""a\u007f\u009b\u202e路""#);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), hostile);
    }
}
