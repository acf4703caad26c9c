//! The module's record inside a line of Envoy's log.

use meshwhy_core::record::{self, Record};
use serde_json::{Map, Value};

/// What Envoy writes before the text of a module.
const ENVOY_MARK: &str = "wasm log";

/// Finds a record at the start of the text, or behind what Envoy writes before a module's text.
///
/// What follows the object (Envoy's `thread=…`) is ignored. The prefix anywhere else is no record: applications log
/// what clients send.
pub(crate) fn find(text: &str) -> Option<Record> {
    let at = memchr::memmem::find(text.as_bytes(), record::PREFIX.as_bytes())?;
    let (before, after) = text.split_at_checked(at)?;
    if !before.is_empty() && !before.contains(ENVOY_MARK) {
        return None;
    }
    let json = after.strip_prefix(record::PREFIX)?;
    let object = serde_json::Deserializer::from_str(json).into_iter::<Map<String, Value>>().next()?.ok()?;
    record::from_object(&object)
}
