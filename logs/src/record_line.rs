//! Records: the module's inside a line of Envoy's log, and those that Envoy writes as JSON lines of their own.

use meshwhy_core::record::{self, Record};
use serde_json::{Map, Value};

use crate::Writer;

/// What Envoy writes before the text of a module.
const ENVOY_MARK: &str = "wasm log";

/// Finds a record in a line that is no access log.
pub(crate) fn find(text: &str) -> Option<(Record, Writer)> {
    if !text.starts_with('{') {
        return in_text(text).map(|record| (record, Writer::Module));
    }
    let has = |mark: &str| memchr::memmem::find(text.as_bytes(), mark.as_bytes()).is_some();
    if has("\"meshwhy.record\"") {
        return record::decode(text).map(|record| (record, Writer::Envoy));
    }
    if !has(record::PREFIX) {
        return None;
    }
    let object: Map<String, Value> = serde_json::from_str(text).ok()?;
    in_text(object.get("msg")?.as_str()?).map(|record| (record, Writer::Module))
}

/// Finds a record at the start of the text, or behind what Envoy writes before a module's text.
///
/// What follows the object (Envoy's `thread=…`) is ignored. The prefix anywhere else is no record: applications log
/// what clients send.
fn in_text(text: &str) -> Option<Record> {
    let at = memchr::memmem::find(text.as_bytes(), record::PREFIX.as_bytes())?;
    let (before, after) = text.split_at_checked(at)?;
    if !before.is_empty() && !before.contains(ENVOY_MARK) {
        return None;
    }
    let json = after.strip_prefix(record::PREFIX)?;
    let object = serde_json::Deserializer::from_str(json).into_iter::<Map<String, Value>>().next()?.ok()?;
    record::from_object(&object)
}
