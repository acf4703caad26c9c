//! The record: facts and verdict of one kind of failure as one JSON line, at most 4 KiB.
//!
//! Names follow OpenTelemetry semantic conventions where they exist (`http.*`, `url.path`, `error.type`, `k8s.*`);
//! the rest is under `envoy.` and `meshwhy.`. Two writers exist: the module (prefix [`PREFIX`] in Envoy's log) and Envoy's
//! own JSON access logger in the native and annotate deployments (no prefix); the same reader takes both.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::facts::{Fact, Facts};
use crate::judge::Verdict;

/// What a record line begins with in Envoy's log.
pub const PREFIX: &str = "meshwhy1 ";
/// Value of the key `meshwhy.record`.
pub const FORMAT: &str = "1";
/// Longest record line without the prefix, in bytes.
pub const MAX_BYTES: usize = 4096;

/// A record that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The facts; the verdict is computed again from them, since this version may know better.
    pub facts: Facts<'static>,
    /// The code that the writer chose, when it judged at all.
    pub code: Option<String>,
    /// How many occurrences of this kind the record stands for, at least 1: itself and those suppressed before it.
    pub count: u64,
    /// How many of them had no record of their own because of flood control.
    pub suppressed: u64,
    /// The plugin that wrote it, as Envoy's log names it in front of the record; the record itself does not say.
    pub plugin: Option<String>,
    /// Whether Envoy wrote it about a failure that the module beside it does not report, as in the annotate deployment.
    pub unreported: bool,
}

/// Writes a record without the prefix.
///
/// # Shape
/// One JSON object on one line, at most [`MAX_BYTES`]: attributes that would not fit are left out, decisive ones come first.
#[must_use]
pub fn encode(facts: &Facts<'_>, verdict: Option<&Verdict>, count: u64, suppressed: u64) -> String {
    encode_within(MAX_BYTES, facts, verdict, count, suppressed)
}

/// [`encode`] with another limit.
#[must_use]
pub fn encode_within(limit: usize, facts: &Facts<'_>, verdict: Option<&Verdict>, count: u64, suppressed: u64) -> String {
    let mut line = RecordLine::new(limit);
    line.text("meshwhy.record", FORMAT);
    if let Some(verdict) = verdict {
        line.text("meshwhy.code", verdict.cause.code);
        line.text("error.type", verdict.cause.slug);
        line.text("meshwhy.confidence", verdict.confidence.as_str());
    }
    line.number("count", count);
    if suppressed > 0 {
        line.number("suppressed", suppressed);
    }
    facts.write(&mut |name, json| line.raw(name, json));
    line.finish()
}

/// Reads a record without the prefix.
///
/// # Errors
/// `None` when it is not a JSON object with the key `meshwhy.record`, of whatever version: attributes that this version
/// does not know are ignored, unreadable ones count as absent.
#[must_use]
pub fn decode(line: &str) -> Option<Record> {
    let object: Map<String, Value> = serde_json::from_str(line).ok()?;
    from_object(&object)
}

/// Reads a record from an object that is already parsed; see [`decode`].
#[must_use]
pub fn from_object(object: &Map<String, Value>) -> Option<Record> {
    object.get("meshwhy.record")?;
    let text = |name: &str| object.get(name).and_then(scalar);
    let number = |name: &str| text(name).and_then(|value| value.parse::<u64>().ok());
    let known = |name: &str| text(name).filter(|value| value != "-" && !value.is_empty());
    let mut facts = Facts::default();
    for fact in Fact::ALL {
        let value = fact.record_attribute().and_then(|name| object.get(name)).and_then(scalar);
        if let Some(value) = value {
            facts.put(*fact, Cow::Owned(value));
        }
    }
    let code = known("meshwhy.code");
    facts.annotated_code = code.clone().map(Cow::Owned);
    #[cfg(feature = "texts")]
    if let Some(header) = known("meshwhy.proxy_status") {
        // Envoy's own logger has the header and no verdict.
        crate::proxy_status::complete(&mut facts, &header);
    }
    let count = number("count").unwrap_or(1).max(1);
    let unreported = text("meshwhy.unreported").as_deref() == Some("true");
    Some(Record { facts, code, count, suppressed: number("suppressed").unwrap_or(0), plugin: None, unreported })
}

/// The value as text; `null` is an empty one.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

struct RecordLine {
    json: String,
    limit: usize,
}

impl RecordLine {
    fn new(limit: usize) -> Self {
        let mut json = String::with_capacity(1024);
        json.push('{');
        Self { json, limit }
    }

    fn text(&mut self, name: &str, value: &str) {
        if let Ok(quoted) = serde_json::to_string(value) {
            self.raw(name, &quoted);
        }
    }

    fn number(&mut self, name: &str, value: u64) {
        self.raw(name, &value.to_string());
    }

    fn raw(&mut self, name: &str, json: &str) {
        const PUNCTUATION: usize = r#","":}"#.len();
        if self.json.len() + name.len() + json.len() + PUNCTUATION > self.limit {
            return;
        }
        if self.json.len() > 1 {
            self.json.push(',');
        }
        self.json.push('"');
        self.json.push_str(name);
        self.json.push_str("\":");
        self.json.push_str(json);
    }

    fn finish(mut self) -> String {
        self.json.push('}');
        self.json
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Context, Decisive};
    use crate::{ResponseFlags, Side};

    #[test]
    fn what_is_written_is_read_back() {
        let facts = Facts {
            decisive: Decisive {
                status: Some(404),
                flags: ResponseFlags::parse("NR"),
                details: Some("route_not_found".into()),
                virtual_host: Some("".into()),
                side: Some(Side::Gateway),
                ..Decisive::default()
            },
            context: Context {
                path: Some("/a\"b\n".into()),
                protocol: Some("1.1".into()),
                mtls: Some(false),
                ..Context::default()
            },
        };
        let verdict = crate::judge(&facts);
        let record = decode(&encode(&facts, verdict.as_ref(), 7, 6));
        let facts = Facts { decisive: Decisive { annotated_code: Some("MW2002".into()), ..facts.decisive }, ..facts };
        let expected =
            Record { facts, code: Some("MW2002".to_owned()), count: 7, suppressed: 6, plugin: None, unreported: false };
        assert_eq!(record, Some(expected));
    }

    #[test]
    fn a_record_never_grows_beyond_its_limit() {
        let long = "\u{1}".repeat(4000);
        let facts = Facts {
            decisive: Decisive { details: Some(long.as_str().into()), ..Decisive::default() },
            context: Context { authority: Some("shop".into()), ..Context::default() },
        };
        let line = encode(&facts, None, 1, 0);
        assert!(line.len() <= MAX_BYTES);
        assert_eq!(decode(&line).and_then(|record| record.facts.context.authority).as_deref(), Some("shop"));
    }

    #[test]
    fn null_virtual_host_means_none_matched() {
        let read = |line| decode(line).and_then(|record| record.facts.decisive.virtual_host);
        assert_eq!(read(r#"{"meshwhy.record":"1","envoy.virtual_host_name":null}"#).as_deref(), Some(""));
        assert_eq!(read(r#"{"meshwhy.record":"1"}"#), None);
    }

    #[cfg(feature = "texts")]
    #[test]
    fn a_header_of_another_proxy_tells_who_made_the_reply() {
        let read = |details| {
            let header = r#"\"gift-api.shop\"; mw-side=inbound; details=\"rbac_access_denied_matched_policy[none]\""#;
            let status = r#""meshwhy.record":"1","http.response.status_code":403"#;
            decode(&format!(r#"{{{status},"envoy.response_code_details":"{details}","meshwhy.proxy_status":"{header}"}}"#))
                .unwrap()
                .facts
        };
        let relayed = read("via_upstream");
        assert_eq!(relayed.relayed_from.as_deref(), Some("gift-api.shop"));
        let verdict = crate::judge(&relayed).unwrap();
        assert_eq!((verdict.cause.slug, verdict.confidence), ("rbac-denied", crate::Confidence::Likely));
        assert_eq!(read("direct_response").relayed_from, None);
    }

    #[test]
    fn other_json_is_no_record() {
        for line in ["", "{}", "[]", "null", "{\"meshwhy.record\":", "\u{0}"] {
            assert_eq!(decode(line), None);
        }
    }
}
