//! Annotations of GitHub Actions: "Workflow commands for GitHub Actions", `::error file=…`.

use std::io::{self, Write};

use super::Answer;
use crate::escape;

pub(super) fn write(out: &mut dyn Write, answer: &Answer<'_>) -> io::Result<()> {
    for finding in &answer.report.findings {
        let level = if finding.severity == "info" { "notice" } else { finding.severity };
        let at = &finding.at;
        writeln!(
            out,
            "::{level} file={},line={},col={},endLine={},title={} {}::{}",
            property(&at.file),
            at.line,
            at.column,
            at.end_line,
            finding.code,
            finding.slug,
            data(&finding.message),
        )?;
    }
    Ok(())
}

/// Percent-encodes what ends a message.
fn data(text: &str) -> String {
    escape::line(text).replace('%', "%25")
}

/// Percent-encodes what ends a property, too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
