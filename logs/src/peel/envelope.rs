//! JSON objects that shippers, runtimes and log stores put around a line, or around a structured access log.
//!
//! Closed lists of keys, so that an application's own JSON log is not searched for lines that a client made up: what counts
//! as the line is what the carrier calls so.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Peeled;
use crate::origin::Origin;
use crate::unescape::{string, unescaped};

/// Keys under which carriers keep the line: Docker, Fluent Bit, Fluentd, Vector, Elastic, Stackdriver, Loki, CloudWatch,
/// journald, Splunk, Datadog, OpenTelemetry, Graylog.
const LINE: [&str; 15] = [
    "log",
    "message",
    "line",
    "textPayload",
    "@message",
    "MESSAGE",
    "_raw",
    "raw",
    "content",
    "body",
    "stringValue",
    "full_message",
    "short_message",
    "event",
    "original",
];

/// Keys under which they keep an object that is the line, or holds it.
const HOLDER: [&str; 16] = [
    "jsonPayload",
    "_source",
    "event",
    "result",
    "record",
    "json",
    "parsed",
    "log_processed",
    "structured",
    "content",
    "message",
    "log",
    "body",
    "attributes",
    "fields",
    "data",
];

/// How deep names of pods are looked for.
const MAX_DEPTH: usize = 5;

/// Docker's object; with more keys another shipper had it, and names the pod.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Docker<'a> {
    #[serde(borrow)]
    log: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
    #[serde(rename = "stream")]
    _stream: &'a str,
    #[serde(rename = "attrs")]
    _attrs: Option<serde::de::IgnoredAny>,
}

/// Takes the line out of its object.
pub(super) fn peel(text: &str) -> Option<Peeled<'_>> {
    let text = text.trim_end_matches(',');
    if let Some(peeled) = docker(text) {
        return Some(peeled);
    }
    let Ok(Value::Object(object)) = serde_json::from_str(text) else { return cut(text) };
    // An event of the API server is no carrier: what stands beside its message is its own.
    if ["involvedObject", "regarding"].iter().any(|key| object.contains_key(*key)) {
        return None;
    }
    let line = line(&object)?;
    let peeled = Peeled::owned(line);
    Some(match origin_of(&object) {
        Some(origin) => peeled.from(origin),
        None => peeled,
    })
}

/// Docker ends each line with a line end; one without goes on in the next object.
fn docker(text: &str) -> Option<Peeled<'_>> {
    if !text.starts_with("{\"log\":\"") {
        return None;
    }
    let Docker { log, time, .. } = serde_json::from_str(text).ok()?;
    let partial = !log.ends_with('\n');
    let peeled = Peeled { text: log, runtime: true, partial, ..Peeled::rest("") };
    Some(match time {
        Cow::Borrowed(time) => peeled.at(time),
        Cow::Owned(_) => peeled,
    })
}

/// The start of the line in an object whose end is missing.
fn cut(text: &str) -> Option<Peeled<'_>> {
    let value = text.strip_prefix("{\"log\":\"").or_else(|| text.strip_prefix("{\"message\":\""))?;
    let line = string(value);
    Some(Peeled { cut: line.len() == value.len(), ..Peeled::owned(unescaped(line).into_owned()) })
}

fn line(object: &Map<String, Value>) -> Option<String> {
    if let Some(text) = LINE.iter().find_map(|key| text(object.get(*key)?)) {
        return Some(text.to_owned());
    }
    // Envoy's and Istio's own logs keep their text under `msg`, with a level beside it: they are no envelope.
    if !object.contains_key("level")
        && let Some(text) = object.get("msg").and_then(text)
    {
        return Some(text.to_owned());
    }
    let holder = HOLDER.iter().find_map(|key| object.get(*key).filter(|value| value.is_object()))?;
    serde_json::to_string(holder).ok()
}

fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.trim().is_empty())
}

/// The value of a line such as `"message": "…",` out of a printed object.
pub(super) fn member(text: &str) -> Option<Peeled<'_>> {
    let (key, rest) = text.strip_prefix('"')?.split_once('"')?;
    let value = rest.trim_start().strip_prefix(':')?.trim_start();
    if !LINE.contains(&key) || !value.starts_with('"') {
        return None;
    }
    let value = value.trim_end().trim_end_matches(',');
    serde_json::from_str::<String>(value).ok().map(Peeled::owned)
}

/// Who wrote a structured access log that has its shipper's keys beside its own.
pub(crate) fn origin(text: &str) -> Option<Origin<'static>> {
    // Cheap first: most objects name no pod.
    memchr::memmem::find(text.as_bytes(), b"pod")?;
    let Ok(Value::Object(object)) = serde_json::from_str(text) else { return None };
    origin_of(&object)
}

#[derive(Default)]
struct Names {
    pod: Option<String>,
    namespace: Option<String>,
    container: Option<String>,
    source: Option<String>,
}

fn origin_of(object: &Map<String, Value>) -> Option<Origin<'static>> {
    let mut names = Names::default();
    names.collect(object, "", MAX_DEPTH);
    let Names { pod, namespace, container, source } = names;
    if pod.is_none()
        && let Some(found) = source.as_deref().map(super::container::origin).filter(|origin| origin.pod.is_some())
    {
        return Some(found.into_owned());
    }
    let text = pod.clone().or(source).or_else(|| container.clone())?;
    Some(Origin {
        pod: pod.map(Cow::Owned),
        namespace: namespace.map(Cow::Owned),
        container: container.map(Cow::Owned),
        text: Cow::Owned(text),
    })
}

impl Names {
    /// Keeps the first of each name, the outer objects first.
    fn collect(&mut self, object: &Map<String, Value>, parent: &str, depth: usize) {
        for (key, value) in object {
            if let Value::String(value) = value {
                self.take(parent, key, value);
            }
        }
        let Some(depth) = depth.checked_sub(1) else { return };
        for (key, value) in object {
            if let Value::Object(inner) = value {
                self.collect(inner, key, depth);
            }
        }
    }

    fn take(&mut self, parent: &str, key: &str, value: &str) {
        let ends = |key: &str, end: &str| key.strip_suffix(end).is_some_and(|head| head.is_empty() || head.ends_with(['.', '_']));
        let of_name = key.strip_suffix("_name").or_else(|| key.strip_suffix(".name"));
        let named =
            |kind: &str| ends(key, kind) || of_name.is_some_and(|key| ends(key, kind)) || (parent == kind && key == "name");
        let place = if named("pod") || key == "podName" {
            &mut self.pod
        } else if named("namespace") || key == "namespaceName" {
            &mut self.namespace
        } else if named("container") || key == "containerName" {
            &mut self.container
        } else if matches!(key, "logStream" | "logStreamName" | "@logStream" | "source" | "tag" | "CONTAINER_NAME" | "filename") {
            &mut self.source
        } else {
            return;
        };
        if !value.is_empty() && value.len() <= 512 {
            place.get_or_insert_with(|| value.to_owned());
        }
    }
}
