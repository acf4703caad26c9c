//! Findings as SARIF.

use std::io::{self, Write};

use meshwhy_check::report::{Location, ReportedFinding};
use serde_json::{Value, json};

use super::Answer;
use crate::render::sarif::{self, without_nulls};

pub(super) fn write(out: &mut dyn Write, answer: &Answer<'_>) -> io::Result<()> {
    let report = answer.report;
    let rules: Vec<Value> = report
        .rules
        .iter()
        .map(|rule| sarif::rule(rule.code, rule.slug, rule.headline, &rule.explanation, answer.lang))
        .collect();
    let index = |code: &str| report.rules.iter().position(|rule| rule.code == code);
    let results: Vec<Value> = report.findings.iter().map(|finding| result(finding, index(finding.code))).collect();
    sarif::write(out, &rules, &results)
}

fn result(finding: &ReportedFinding, rule: Option<usize>) -> Value {
    let level = if finding.severity == "info" { "note" } else { finding.severity };
    let related: Vec<Value> = finding.related.iter().map(|related| physical(&related.at)).collect();
    without_nulls(json!({
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": level,
        "message": {"text": finding.message},
        "locations": [physical(&finding.at)],
        "relatedLocations": if related.is_empty() { Value::Null } else { Value::Array(related) },
        "properties": {"confidence": finding.confidence, "resource": finding.resource, "explains": finding.explains},
    }))
}

fn physical(at: &Location) -> Value {
    let region = json!({"startLine": at.line, "startColumn": at.column, "endLine": at.end_line, "endColumn": at.end_column});
    sarif::location(&at.file, region)
}
