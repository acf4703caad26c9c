//! Paragraphs of the catalogue, whose lines are folded.

/// Joins the lines of a Markdown paragraph; between Chinese characters without a space.
#[must_use]
pub fn unfolded(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    for line in text.lines().map(str::trim) {
        let wide = |letter: Option<char>| letter.is_none_or(|letter| letter > '\u{2e7f}');
        let both_wide = wide(joined.chars().last()) && wide(line.chars().next());
        if !joined.is_empty() && !both_wide {
            joined.push(' ');
        }
        joined.push_str(line);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_paragraphs_are_joined_as_their_language_wants() {
        assert_eq!(unfolded("one\ntwo"), "one two");
        assert_eq!(unfolded("上游\n关闭"), "上游关闭");
        assert_eq!(unfolded("上游\nEnvoy"), "上游 Envoy");
    }
}
