//! A terminal page: wrapped prose, headings, and code that can be copied as it stands.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use meshwhy_proxy::matching::Truth;
use meshwhy_report::paragraph::unfolded;
use textwrap::core::Word;
use textwrap::{Options, WordSeparator};
use unicode_linebreak::linebreaks;

const BOLD: Style = Style::new().bold();
const CODE: Style = AnsiColor::Cyan.on_default();
const DIM: Style = Style::new().dimmed();

/// How much a finding matters.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Emphasis {
    Error,
    Warning,
    Note,
}

impl Emphasis {
    const fn style(self) -> Style {
        match self {
            Self::Error => AnsiColor::Red.on_default().bold(),
            Self::Warning => AnsiColor::Yellow.on_default().bold(),
            Self::Note => AnsiColor::Cyan.on_default().bold(),
        }
    }
}

/// Columns when the output is no terminal.
const DEFAULT_WIDTH: usize = 80;
/// Longer lines are hard to read.
const MAX_WIDTH: usize = 100;

/// Writes a page. Text given to it is either ours or escaped by the caller.
pub(crate) struct Page<'o> {
    out: &'o mut dyn Write,
    width: usize,
    /// Columns of the terminal.
    columns: Option<usize>,
}

impl<'o> Page<'o> {
    pub(crate) fn new(out: &'o mut dyn Write) -> Self {
        Self::of(out, terminal_size::terminal_size().map(|(terminal_size::Width(columns), _)| usize::from(columns)))
    }

    /// A page of a terminal with so many columns, or of none.
    pub(crate) fn of(out: &'o mut dyn Write, columns: Option<usize>) -> Self {
        Self { out, width: columns.unwrap_or(DEFAULT_WIDTH).clamp(40, MAX_WIDTH), columns }
    }

    /// How wide the terminal is; what reads a pipe has room for everything.
    pub(crate) const fn columns(&self) -> Option<usize> {
        self.columns
    }

    pub(crate) fn blank(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// The name of a cause and what belongs to it, then its headline.
    pub(crate) fn title(&mut self, name: &str, remark: &str, headline: &str) -> io::Result<()> {
        writeln!(self.out, "{BOLD}{name}{BOLD:#} {DIM}({remark}){DIM:#}")?;
        for line in self.wrapped(headline, "") {
            writeln!(self.out, "{BOLD}{line}{BOLD:#}")?;
        }
        Ok(())
    }

    /// The first lines of a finding: how bad, which rule, what.
    pub(crate) fn finding(&mut self, emphasis: Emphasis, severity: &str, name: &str, message: &str) -> io::Result<()> {
        let style = emphasis.style();
        let mut lines = self.wrapped(&format!("{severity}: {message}"), "").into_iter();
        let first = lines.next().unwrap_or_default();
        let rest = first.strip_prefix(severity).unwrap_or(&first);
        writeln!(self.out, "{DIM}{name}{DIM:#}\n{style}{severity}{style:#}{BOLD}{rest}{BOLD:#}")?;
        lines.try_for_each(|line| writeln!(self.out, "{BOLD}{line}{BOLD:#}"))
    }

    /// Marks under a place of the line above.
    pub(crate) fn marks(&mut self, before: &str, width: usize, emphasis: Emphasis) -> io::Result<()> {
        let style = emphasis.style();
        writeln!(self.out, "  {before}{style}{}{style:#}", "^".repeat(width))
    }

    pub(crate) fn heading(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "\n{BOLD}{text}{BOLD:#}")
    }

    /// A paragraph.
    pub(crate) fn prose(&mut self, text: &str) -> io::Result<()> {
        self.indented(text, "  ")
    }

    /// A paragraph that belongs to the one before.
    pub(crate) fn note(&mut self, text: &str) -> io::Result<()> {
        self.indented(text, "    ")
    }

    fn indented(&mut self, text: &str, indent: &str) -> io::Result<()> {
        for line in self.wrapped(&unfolded(text), indent) {
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }

    fn wrapped(&self, text: &str, indent: &str) -> Vec<String> {
        let options = Options::new(self.width).word_separator(WordSeparator::Custom(words));
        let options = options.initial_indent(indent).subsequent_indent(indent);
        textwrap::wrap(text, options).into_iter().map(std::borrow::Cow::into_owned).collect()
    }

    /// Commands or YAML: never wrapped, and a here-document never indented.
    pub(crate) fn code(&mut self, text: &str) -> io::Result<()> {
        let indent = if text.contains("<<") { "" } else { "    " };
        for line in text.trim_end().lines() {
            writeln!(self.out, "{indent}{CODE}{line}{CODE:#}")?;
        }
        Ok(())
    }

    /// What was looked at, with a mark for how it is; wrapped.
    pub(crate) fn checked(&mut self, is_good: Truth, text: &str) -> io::Result<()> {
        let (mark, style) = match is_good {
            Truth::Yes => ("✓", AnsiColor::Green.on_default().bold()),
            Truth::No => ("✗", AnsiColor::Red.on_default().bold()),
            Truth::Unknown => ("?", AnsiColor::Yellow.on_default().bold()),
        };
        let options = Options::new(self.width).word_separator(WordSeparator::Custom(words));
        let options = options.initial_indent("  ").subsequent_indent("    ");
        // The mark takes the place of the indentation, whatever its colour.
        for (number, line) in textwrap::wrap(text, options).iter().enumerate() {
            let line = line.trim_start();
            if number == 0 { writeln!(self.out, "{style}{mark}{style:#} {line}")? } else { writeln!(self.out, "  {line}")? }
        }
        Ok(())
    }

    /// A line as it stands.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "  {text}")
    }

    pub(crate) fn dim(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{DIM}{text}{DIM:#}")
    }
}

/// Splits a line wherever Unicode lets it break, so between Chinese characters, too; hyphens are left to textwrap.
fn words(line: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    let is_hyphen = |at: &usize| *at < line.len() && line.get(..*at).is_some_and(|before| before.ends_with('-'));
    let mut start = 0;
    Box::new(linebreaks(line).map(|(at, _)| at).filter(move |at| !is_hyphen(at)).filter_map(move |end| {
        let word = line.get(start..end)?;
        start = end;
        Some(Word::from(word))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_where_their_language_lets_them() {
        let wrapped = |text| textwrap::wrap(text, Options::new(10).word_separator(WordSeparator::Custom(words)));
        assert_eq!(wrapped("one upstream closed"), ["one", "upstream", "closed"]);
        assert_eq!(wrapped("a no-route b -- c"), ["a no-route", "b -- c"]);
        assert_eq!(wrapped("上游关闭了连接。"), ["上游关闭了", "连接。"]);
        assert_eq!(wrapped("上游关闭连接。"), ["上游关闭连", "接。"]);
        assert_eq!(wrapped(""), [""]);
    }
}
