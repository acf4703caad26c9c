//! Log lines and cluster events in JSON, cut ones too.

use std::borrow::Cow;

use meshwhy_core::Facts;
use serde_json::{Map, Value};

use super::log_line::{Level, LogLine};
use super::seen::Seen;
use super::{agentgateway, header_line, in_log, pod_status, ztunnel};
use crate::unescape::{string, unescaped};

/// Where writers put their message: Istio, the cluster's events, ztunnel and most libraries.
const MESSAGES: [&str; 6] = ["msg", "message", "note", "error", "err", "event"];

/// Reads an object, or what is left of one.
pub(super) fn read(text: &str) -> Option<Facts<'_>> {
    match serde_json::from_str::<Map<String, Value>>(text) {
        Ok(object) => entry(&object).map(Facts::into_owned),
        Err(_) => cut(text),
    }
}

/// Reads the items of a list; `None` where the text is none, or no item says something.
pub(super) fn events(text: &str) -> Option<Vec<Facts<'static>>> {
    let list: Map<String, Value> = serde_json::from_str(text).ok()?;
    let items = list.get("items")?.as_array()?.iter().filter_map(Value::as_object);
    let events: Vec<_> = items.filter_map(entry).map(Facts::into_owned).collect();
    (!events.is_empty()).then_some(events)
}

/// Reads trace headers that stand as members of an object, or of one inside it; a log line that mentions them is another matter.
pub(super) fn trace_headers(text: &str) -> Option<Facts<'static>> {
    const NAMES: [&str; 3] = ["sampled\"", "traceparent\"", "\"b3\""];
    const OF_LOGS: [&str; 5] = ["level", "severity", "time", "timestamp", "ts"];
    let holds = |name: &&str| memchr::memmem::find(text.as_bytes(), name.as_bytes()).is_some();
    let may_hold = text.starts_with('{') && NAMES.iter().any(holds);
    let object: Map<String, Value> = may_hold.then(|| serde_json::from_str(text).ok()).flatten()?;
    if MESSAGES.iter().chain(&OF_LOGS).any(|key| object.contains_key(*key)) {
        return None;
    }
    let inside = object.values().filter_map(Value::as_object);
    let members = std::iter::once(&object).chain(inside).flat_map(Map::iter);
    members.filter_map(|(name, value)| header_line::read(name, value.as_str()?)).next()
}

fn entry(object: &Map<String, Value>) -> Option<Facts<'_>> {
    let get = |key: &str| text(object, key);
    let structured = agentgateway::structured(&get).or_else(|| ztunnel::structured(&get)).or_else(|| pod_status::read(object));
    if let Some(facts) = structured {
        return Some(facts);
    }
    let messages = MESSAGES.iter().filter_map(|key| object.get(*key)?.as_str());
    let mut facts = messages.map(|message| line(object, message)).find_map(in_log)?;
    facts.context.pod = facts.context.pod.or_else(|| pod(object));
    Some(facts)
}

fn line<'a>(object: &'a Map<String, Value>, message: &'a str) -> LogLine<'a> {
    let word = |key: &str| object.get(key).and_then(Value::as_str);
    let logger = word("scope").or_else(|| word("logger")).unwrap_or_default();
    LogLine {
        level: word("level").and_then(Level::parse).unwrap_or_default(),
        logger: logger.strip_prefix("envoy ").unwrap_or(logger),
        message,
        event: Seen::in_event(object),
    }
}

fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Option<Cow<'a, str>> {
    match object.get(key)? {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}

/// The pod that an event is about.
fn pod(object: &Map<String, Value>) -> Option<Cow<'_, str>> {
    let about = object.get("involvedObject").or_else(|| object.get("regarding"))?.as_object()?;
    about.get("kind").and_then(Value::as_str).filter(|kind| *kind == "Pod")?;
    text(about, "name")
}

/// The message of an object that ends too early.
fn cut(text: &str) -> Option<Facts<'_>> {
    let at = |key: &str| value(text, key);
    let message = MESSAGES.iter().find_map(|key| at(key))?;
    let logger = at("scope").unwrap_or_default();
    let level = at("level").and_then(Level::parse).unwrap_or_default();
    let logger = logger.strip_prefix("envoy ").unwrap_or(logger);
    match unescaped(message) {
        Cow::Borrowed(message) => in_log(LogLine { level, logger, message, event: None }),
        Cow::Owned(message) => in_log(LogLine { level, logger, message: &message, event: None }).map(Facts::into_owned),
    }
}

/// The text of the string behind `"key":`, up to its quote or the end.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let after = text.split_once(&format!("\"{key}\""))?.1.trim_start().strip_prefix(':')?;
    after.trim_start().strip_prefix('"').map(string)
}
