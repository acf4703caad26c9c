//! JUnit XML, as continuous integration reads it: one test case per finding, in one suite per file.

use std::collections::BTreeMap;
use std::io::{self, Write};

use meshwhy_check::report::ReportedFinding;

use super::Answer;

pub(super) fn write(out: &mut dyn Write, answer: &Answer<'_>) -> io::Result<()> {
    let findings = &answer.report.findings;
    let mut files: BTreeMap<&str, Vec<&ReportedFinding>> = BTreeMap::new();
    for finding in findings {
        files.entry(&finding.at.file).or_default().push(finding);
    }
    let failures = findings.iter().filter(|finding| is_failure(finding)).count();
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(out, r#"<testsuites name="meshwhy check" tests="{}" failures="{failures}">"#, findings.len().max(1))?;
    if findings.is_empty() {
        writeln!(out, r#"  <testsuite name="meshwhy check" tests="1" failures="0">"#)?;
        writeln!(out, r#"    <testcase name="manifests" classname="meshwhy"/>"#)?;
        writeln!(out, "  </testsuite>")?;
    }
    for (file, findings) in files {
        let failures = findings.iter().filter(|finding| is_failure(finding)).count();
        let tests = findings.len();
        writeln!(out, r#"  <testsuite name="{}" tests="{tests}" failures="{failures}">"#, escaped(file))?;
        findings.into_iter().try_for_each(|finding| case(out, finding))?;
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

/// What is only a hint is a test that passed.
fn is_failure(finding: &ReportedFinding) -> bool {
    finding.severity != "info"
}

fn case(out: &mut dyn Write, finding: &ReportedFinding) -> io::Result<()> {
    let at = &finding.at;
    let name = escaped(&format!("{} {at}", finding.code));
    let message = escaped(&finding.message);
    write!(out, r#"    <testcase name="{name}" classname="{}" file="{}" line="{}">"#, finding.slug, escaped(&at.file), at.line)?;
    if is_failure(finding) {
        writeln!(out, r#"<failure type="{}" message="{message}"/></testcase>"#, finding.severity)
    } else {
        writeln!(out, "<system-out>{message}</system-out></testcase>")
    }
}

/// Text for an attribute or an element of XML 1.0, which has no place for control characters.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in crate::escape::line(text).chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(letter),
        }
    }
    out
}
