//! Failures as SARIF: the lines that tell of them are the places.

use std::io::{self, Write};

use meshwhy_diagnose::Class;
use serde_json::{Value, json};

use crate::render::sarif::{self, without_nulls};
use crate::report::{DiagnosisReport, Entry, Example};

pub(super) fn write(out: &mut dyn Write, report: &DiagnosisReport) -> io::Result<()> {
    let mut causes: Vec<&Entry> = Vec::new();
    for entry in &report.entries {
        if causes.iter().all(|known| known.code != entry.code) {
            causes.push(entry);
        }
    }
    let index = |code: &str| causes.iter().position(|entry| entry.code == code);
    let results: Vec<Value> = report.entries.iter().map(|entry| result(entry, index(entry.code))).collect();
    let rules: Vec<Value> =
        causes.iter().map(|entry| sarif::rule(entry.code, entry.slug, entry.headline, &entry.explanation, report.lang)).collect();
    sarif::write(out, &rules, &results)
}

fn result(entry: &Entry, rule: Option<usize>) -> Value {
    let level = match entry.class {
        Class::Failure => "error",
        Class::Application | Class::Unknown => "warning",
        Class::Telemetry | Class::Noise => "note",
    };
    let parts = [Some(entry.headline), entry.cluster.as_deref().or(entry.target.as_deref()), entry.hop.as_deref()];
    let message: Vec<&str> = parts.into_iter().flatten().collect();
    let locations: Vec<Value> = entry.examples.iter().map(place).collect();
    without_nulls(json!({
        "ruleId": entry.code,
        "ruleIndex": rule,
        "level": level,
        "message": {"text": message.join(" · ")},
        "locations": locations,
        "occurrenceCount": entry.count,
        "properties": without_nulls(json!({
            "confidence": entry.confidence,
            "target": entry.target,
            "cluster": entry.cluster,
            "hop": entry.hop,
            "side": entry.side,
            "share": entry.share,
            "firstSeen": entry.first_seen,
            "lastSeen": entry.last_seen,
            "course": entry.course,
            "causedBy": entry.caused_by,
        })),
    }))
}

fn place(example: &Example) -> Value {
    sarif::location(&example.source, json!({"startLine": example.line, "snippet": {"text": example.text}}))
}
