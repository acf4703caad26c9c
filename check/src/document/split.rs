//! Cuts a file where its documents end, before any of it is parsed: each is read alone, on any core, and a fault in one leaves the others.

use memchr::memmem;

/// The byte ranges of the documents of a file, in order. A line that begins with `---` ends a document, whatever came before it: YAML 1.2,
/// §9.1.2, forbids such a line in every scalar.
pub fn documents(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let marker = |at: &usize| {
        let starts_line = *at == 0 || text.as_bytes().get(at - 1) == Some(&b'\n');
        starts_line && matches!(text.as_bytes().get(at + 3), None | Some(b' ' | b'\t' | b'\r' | b'\n'))
    };
    let starts: Vec<usize> = memmem::find_iter(text.as_bytes(), b"---").filter(marker).collect();
    let mut from = 0;
    let mut ends = starts.into_iter().chain([text.len()]);
    std::iter::from_fn(move || {
        let end = ends.next()?;
        let range = (from, end);
        from = end;
        Some(range)
    })
    .filter(move |(start, end)| text.get(*start..*end).is_some_and(holds_something))
}

/// Whether there is more than a marker, blanks and comments.
fn holds_something(chunk: &str) -> bool {
    let body = chunk.strip_prefix("---").unwrap_or(chunk);
    body.lines().map(str::trim).any(|line| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        documents(text).filter_map(|(start, end)| text.get(start..end)).collect()
    }

    #[test]
    fn a_marker_ends_a_document_and_nothing_else_does() {
        assert_eq!(cut("a: 1\n---\nb: 2\n"), ["a: 1\n", "---\nb: 2\n"]);
        assert_eq!(cut("--- # one\na: |\n  ---\n  x\n---\r\nb: 2"), ["--- # one\na: |\n  ---\n  x\n", "---\r\nb: 2"]);
        assert_eq!(cut("a: '----'\n----\n"), ["a: '----'\n----\n"]);
    }

    #[test]
    fn what_holds_only_comments_is_no_document() {
        assert_eq!(cut("# licence\n---\na: 1\n---\n---\n# end\n"), ["---\na: 1\n"]);
        assert!(cut("\n\n").is_empty());
    }
}
