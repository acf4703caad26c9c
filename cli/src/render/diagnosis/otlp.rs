//! Failures as OpenTelemetry log records, in the JSON of OTLP 1.x: one record per finding, as a collector's file receiver reads it.
//!
//! Source: opentelemetry-proto 1.7, `logs.proto` and the JSON mapping of the OTLP specification (64-bit integers are texts); names of attributes
//! are those of meshwhy's records.

use std::io::{self, Write};

use meshwhy_diagnose::Class;
use serde_json::{Value, json};

use crate::render::json::object;
use crate::report::{DiagnosisReport, Entry};

pub(super) fn write(out: &mut dyn Write, report: &DiagnosisReport) -> io::Result<()> {
    let records: Vec<Value> = report.entries.iter().map(record).collect();
    let scope = json!({"name": "meshwhy", "version": env!("CARGO_PKG_VERSION")});
    object(
        out,
        &json!({"resourceLogs": [{
            "resource": {"attributes": [attribute("service.name", "meshwhy".into())]},
            "scopeLogs": [{"scope": scope, "logRecords": records}],
        }]}),
    )
}

fn record(entry: &Entry) -> Value {
    let (number, text) = match entry.class {
        Class::Failure => (17, "ERROR"),
        Class::Application | Class::Unknown => (13, "WARN"),
        Class::Telemetry | Class::Noise => (9, "INFO"),
    };
    let text_of = |value: Option<&str>| value.map(Value::from);
    let whole = |number: u64| json!({"intValue": number.to_string()});
    let texts = [
        ("meshwhy.code", Some(entry.code.into())),
        ("error.type", Some(entry.slug.into())),
        ("meshwhy.confidence", Some(entry.confidence.into())),
        ("meshwhy.side", text_of(entry.side)),
        ("meshwhy.hop", text_of(entry.hop.as_deref())),
        ("meshwhy.relayed_from", text_of(entry.relayed_from.as_deref())),
        ("meshwhy.caused_by", text_of(entry.caused_by)),
        ("meshwhy.course", entry.course.map(|course| course.as_str().into())),
        ("server.address", text_of(entry.target.as_deref())),
        ("envoy.upstream_cluster", text_of(entry.cluster.as_deref())),
        ("meshwhy.last_seen", entry.last_seen.map(|time| time.to_string().into())),
    ];
    let mut attributes: Vec<Value> = texts.into_iter().filter_map(|(name, value)| Some(attribute(name, value?))).collect();
    attributes.push(json!({"key": "count", "value": whole(entry.count)}));
    attributes.extend(entry.share.map(|share| json!({"key": "meshwhy.share", "value": {"doubleValue": share}})));
    let nanoseconds = entry.first_seen.map_or(0, |time| time.as_nanosecond().max(0));
    json!({
        "timeUnixNano": nanoseconds.to_string(),
        "severityNumber": number,
        "severityText": text,
        "eventName": "meshwhy.finding",
        "body": {"stringValue": entry.headline},
        "attributes": attributes,
    })
}

fn attribute(name: &str, value: Value) -> Value {
    json!({"key": name, "value": {"stringValue": value}})
}
