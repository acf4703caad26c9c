//! Writes YAML line by line, so that comments stand where they belong.

/// A document in the making.
#[derive(Debug, Default)]
pub struct Document {
    text: String,
}

impl Document {
    /// One line at `indent` spaces.
    pub fn line(&mut self, indent: usize, line: &str) {
        self.text.extend(std::iter::repeat_n(' ', indent));
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Several lines, each at `indent` spaces more than it has.
    pub fn text(&mut self, indent: usize, lines: &str) {
        lines.lines().for_each(|line| self.line(indent, line));
    }

    /// A comment of one line.
    pub fn comment(&mut self, indent: usize, comment: &str) {
        self.line(indent, &format!("# {comment}"));
    }

    /// The text.
    pub fn finish(self) -> String {
        self.text
    }
}

/// A scalar in single quotes.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
