//! Records: the module's inside a line of Envoy's log, and those that Envoy writes as JSON lines of their own.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use meshwhy_core::record::{self, Record};
use serde_json::{Map, Value};

use crate::line::RecordWriter;

/// What Envoy writes before the text of a module.
const ENVOY_MARK: &str = "wasm log";

static PREFIX: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(record::PREFIX));
static OF_ENVOY: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"meshwhy.record\""));

/// Whether the text holds the beginning of the module's record.
pub(crate) fn is_quoted_in(text: &str) -> bool {
    PREFIX.find(text.as_bytes()).is_some()
}

/// Finds a record in a line that is no access log.
pub(crate) fn find(text: &str) -> Option<(Record, RecordWriter)> {
    if !text.starts_with('{') {
        return in_text(text).map(|record| (record, RecordWriter::Module));
    }
    if OF_ENVOY.find(text.as_bytes()).is_some() {
        return record::decode(text).map(|record| (record, RecordWriter::Envoy));
    }
    if !is_quoted_in(text) {
        return None;
    }
    let object: Map<String, Value> = serde_json::from_str(text).ok()?;
    in_text(object.get("msg")?.as_str()?).map(|record| (record, RecordWriter::Module))
}

/// Longest name of a plugin that is kept, in bytes.
const MAX_PLUGIN: usize = 256;

/// What Envoy writes between its mark and the text: the names of plugin, root and VM.
fn plugin(before: &str) -> Option<String> {
    let (_, names) = before.split_once(ENVOY_MARK)?;
    let names = names.trim().trim_end_matches(':');
    (!names.is_empty() && names.len() <= MAX_PLUGIN).then(|| names.to_owned())
}

/// Finds a record at the start of the text, or behind what Envoy writes before a module's text.
///
/// What follows the object (Envoy's `thread=…`) is ignored. The prefix anywhere else is no record: applications log
/// what clients send.
fn in_text(text: &str) -> Option<Record> {
    let at = PREFIX.find(text.as_bytes())?;
    let (before, after) = text.split_at_checked(at)?;
    if !before.is_empty() && !before.contains(ENVOY_MARK) {
        return None;
    }
    let json = after.strip_prefix(record::PREFIX)?;
    let object = serde_json::Deserializer::from_str(json).into_iter::<Map<String, Value>>().next()?.ok()?;
    Some(Record { plugin: plugin(before), ..record::from_object(&object)? })
}
