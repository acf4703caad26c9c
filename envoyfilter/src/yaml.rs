//! Blocks of YAML as text, so that comments stand where they belong: every block begins at column 0 and is moved to its place.

/// Longest line of a folded text, if its words allow.
const WIDTH: usize = 120;

/// The block with each line moved to the right.
pub fn indented(by: usize, block: &str) -> String {
    let line = |line: &str| if line.is_empty() { String::from("\n") } else { format!("{}{line}\n", " ".repeat(by)) };
    block.lines().map(line).collect()
}

/// The block as an element of a list.
pub fn element(block: &str) -> String {
    let moved = indented(2, block);
    format!("- {}", moved.get(2..).unwrap_or_default())
}

/// A key and its text over several lines, which YAML joins with spaces.
pub fn folded(key: &str, text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let full = |line: &String| !line.is_empty() && line.len().saturating_add(word.len()) >= WIDTH;
        if lines.last().is_some_and(full) {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(word);
        }
    }
    format!("{key}: >-\n{}", indented(2, &lines.join("\n")))
}

/// A text without line breaks that YAML reads as this text: plain where every reader takes it so.
pub fn scalar(text: &str) -> String {
    // Words of YAML 1.1, in which Kubernetes reads.
    let is_word =
        ["true", "false", "yes", "no", "on", "off", "y", "n", "null"].iter().any(|word| text.eq_ignore_ascii_case(word));
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | '/');
    let begins = text.starts_with(|letter: char| letter.is_ascii_alphabetic());
    if begins && !is_word && text.chars().all(is_plain) { text.to_owned() } else { quoted(text) }
}

/// A scalar in single quotes.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_element_keeps_the_shape_of_its_block() {
        assert_eq!(element("a: 1\nb:\n  c: 2\n"), "- a: 1\n  b:\n    c: 2\n");
    }

    #[test]
    fn a_folded_text_is_broken_between_words_alone() {
        let text = format!("{} {} end", "x".repeat(110), "y".repeat(30));
        assert_eq!(folded("key", &text), format!("key: >-\n  {}\n  {} end\n", "x".repeat(110), "y".repeat(30)));
    }
}
