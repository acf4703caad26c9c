//! SARIF 2.1.0 (OASIS), for code scanning.

use std::io::{self, Write};

use meshwhy_check::report::{Location, ReportedFinding};
use serde_json::{Value, json};

use super::Answer;
use crate::render::json::object;

pub(super) fn write(out: &mut dyn Write, answer: &Answer<'_>) -> io::Result<()> {
    let report = answer.report;
    let rule = |rule: &meshwhy_check::report::ExplainedRule| {
        json!({
            "id": rule.code,
            "name": rule.slug,
            "shortDescription": {"text": rule.headline},
            "fullDescription": {"text": rule.explanation.why.join("\n\n")},
            "helpUri": rule.explanation.sources.iter().find(|source| source.starts_with("https://")),
        })
    };
    let rules: Vec<Value> = report.rules.iter().map(rule).map(without_nulls).collect();
    let index = |code: &str| report.rules.iter().position(|rule| rule.code == code);
    let results: Vec<Value> = report.findings.iter().map(|finding| result(finding, index(finding.code))).collect();
    object(
        out,
        &json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": {"driver": {
                    "name": "meshwhy",
                    "version": env!("CARGO_PKG_VERSION"),
                    "informationUri": env!("CARGO_PKG_REPOSITORY"),
                    "rules": rules,
                }},
                "columnKind": "unicodeCodePoints",
                "results": results,
            }],
        }),
    )
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
    let uri: String = at.file.split('/').map(encoded).collect::<Vec<_>>().join("/");
    json!({"physicalLocation": {
        "artifactLocation": {"uri": uri},
        "region": {"startLine": at.line, "startColumn": at.column, "endLine": at.end_line, "endColumn": at.end_column},
    }})
}

/// A segment of a URI's path.
fn encoded(segment: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn without_nulls(mut value: Value) -> Value {
    if let Some(object) = value.as_object_mut() {
        object.retain(|_, value| !value.is_null());
    }
    value
}
