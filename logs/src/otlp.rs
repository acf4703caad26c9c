//! Logs as OpenTelemetry carries them: OTLP in its JSON encoding, each record an access-log line or its fields.
//!
//! Source: OpenTelemetry protocol 1.5, `opentelemetry/proto/logs/v1/logs.proto`; Istio's and Envoy's OpenTelemetry access loggers put the
//! formatted line into the body and the fields into the attributes.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use meshwhy_core::Facts;
use serde_json::{Map, Value};

use crate::access_log;
use crate::access_log::field::AccessLog;
use crate::access_log::format::Formats;
use crate::choose::parse_line;
use crate::line::LineContent;

static KEY: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"resourceLogs\""));

/// What the records of an export say, in their order; `None` where the text is no such export. A record that did not fail has facts, too.
pub(crate) fn read(text: &str, formats: &Formats) -> Option<Vec<Facts<'static>>> {
    if !text.starts_with('{') || KEY.find(text.as_bytes()).is_none() {
        return None;
    }
    let export: Value = serde_json::from_str(text).ok()?;
    let mut all = Vec::new();
    for resource in list(&export, "resourceLogs") {
        let common = attributes(resource.get("resource"));
        for record in list(resource, "scopeLogs").flat_map(|scope| list(scope, "logRecords")) {
            all.extend(facts(record, &common, formats));
        }
    }
    Some(all)
}

fn list<'v>(of: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    of.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// One record: its body where that is a line, else its attributes beside those of whatever wrote it.
fn facts(record: &Value, common: &Map<String, Value>, formats: &Formats) -> Option<Facts<'static>> {
    let body = record.get("body").and_then(plain);
    let line = body.as_ref().and_then(Value::as_str).and_then(|line| of_line(line, formats));
    let mut facts = line.or_else(|| {
        let mut object = common.clone();
        object.extend(body.and_then(|body| body.as_object().cloned()).into_iter().flatten());
        object.extend(attributes(Some(record)));
        let object = serde_json::to_string(&object).ok()?;
        access_log::parse(&object, formats).map(|log| match log {
            AccessLog::Healthy(_) => Facts::default(),
            AccessLog::Facts { facts, .. } => facts.into_owned(),
        })
    })?;
    let named = |key: &str| common.get(key).and_then(Value::as_str).map(|name| name.to_owned().into());
    facts.context.pod = facts.context.pod.or_else(|| named("k8s.pod.name"));
    facts.context.namespace = facts.context.namespace.or_else(|| named("k8s.namespace.name"));
    Some(facts)
}

fn of_line(line: &str, formats: &Formats) -> Option<Facts<'static>> {
    match parse_line(line.as_bytes(), formats).content {
        LineContent::Facts(facts, _) => Some(facts.into_owned()),
        LineContent::Healthy(_) => Some(Facts::default()),
        LineContent::Record(..)
        | LineContent::Header(_)
        | LineContent::Events(_)
        | LineContent::Blank
        | LineContent::Unreadable => None,
    }
}

fn attributes(of: Option<&Value>) -> Map<String, Value> {
    pairs(of.and_then(|of| of.get("attributes")))
}

fn pairs(list: Option<&Value>) -> Map<String, Value> {
    let pair = |pair: &Value| Some((pair.get("key")?.as_str()?.to_owned(), plain(pair.get("value")?)?));
    list.and_then(Value::as_array).into_iter().flatten().filter_map(pair).collect()
}

/// An `AnyValue` as it would stand in a log; whole numbers are texts in this encoding.
fn plain(value: &Value) -> Option<Value> {
    let (kind, value) = value.as_object()?.iter().next()?;
    match kind.as_str() {
        "stringValue" | "boolValue" | "doubleValue" | "intValue" => Some(value.clone()),
        "kvlistValue" => Some(Value::Object(pairs(value.get("values")))),
        _ => None,
    }
}
