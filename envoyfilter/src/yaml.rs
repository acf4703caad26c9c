//! Writes YAML line by line, so that comments stand where they belong.

/// Longest line of a folded text, if its words allow.
const WIDTH: usize = 120;

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

    /// A key and its text over several lines, which YAML joins with spaces.
    pub fn folded(&mut self, indent: usize, key: &str, text: &str) {
        self.line(indent, &format!("{key}: >-"));
        let mut line = String::new();
        for word in text.split(' ') {
            if !line.is_empty() && line.len().saturating_add(word.len()) >= WIDTH {
                self.line(indent + 2, &std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.line(indent + 2, &line);
    }

    /// An element of a list.
    pub fn element(&mut self, indent: usize, write: impl FnOnce(&mut Self)) {
        let mut element = Self::default();
        write(&mut element);
        for (number, line) in element.text.lines().enumerate() {
            self.line(indent, &format!("{}{line}", if number == 0 { "- " } else { "  " }));
        }
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
