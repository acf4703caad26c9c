//! The record: facts and verdict of one kind of failure as one JSON line, at most 4 KiB.
//!
//! Names follow OpenTelemetry semantic conventions where they exist (`http.*`, `url.path`, `error.type`, `k8s.*`);
//! the rest is under `envoy.` and `meshwhy.`. Two writers exist: the module (prefix [`PREFIX`] in Envoy's log) and Envoy's
//! own JSON access logger in the native and annotate deployments (no prefix); the same reader takes both.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::event::Event;
use crate::facts::{Facts, Side};
use crate::flags::ResponseFlags;
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

/// The text attributes: name and field, in the order in which they are written.
macro_rules! text_attributes {
    ($with:ident) => {
        $with! {
            "envoy.response_code_details" => details,
            "envoy.upstream_transport_failure_reason" => upstream_transport_failure,
            "envoy.downstream_transport_failure_reason" => downstream_transport_failure,
            "envoy.connection_termination_details" => termination_details,
            "envoy.upstream_local_close_reason" => upstream_local_close,
            "envoy.downstream_local_close_reason" => downstream_local_close,
            "envoy.policy_status" => policy_status,
            "envoy.upstream_cluster" => cluster,
            "envoy.virtual_host_name" => virtual_host,
            "envoy.route_name" => route,
            "envoy.upstream_host" => upstream_host,
            "envoy.local_reply_owner" => local_reply_owner,
            "meshwhy.relayed_from" => relayed_from,
            "http.request.method" => method,
            "url.path" => path,
            "server.address" => authority,
            "envoy.request_id" => request_id,
            "trace_id" => trace_id,
            "k8s.workload.name" => workload,
            "k8s.namespace.name" => namespace,
            "k8s.pod.name" => pod,
            "envoy.upstream_local_address" => upstream_local_address,
            "envoy.downstream_local_address" => downstream_local_address,
            "envoy.downstream_remote_address" => downstream_remote_address,
            "envoy.requested_server_name" => server_name,
            "envoy.start_time" => start_time,
        }
    };
}

/// Writes a record without the prefix.
///
/// # Shape
/// One JSON object on one line, at most [`MAX_BYTES`]: attributes that would not fit are left out, decisive ones come first.
#[must_use]
pub fn encode(facts: &Facts<'_>, verdict: Option<&Verdict>, count: u64, suppressed: u64) -> String {
    let mut line = Line::new();
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
    if let Some(side) = facts.side {
        line.text("meshwhy.side", side.as_str());
    }
    if let Some(event) = facts.event {
        line.text("meshwhy.event", event.as_str());
    }
    if let Some(status) = facts.status {
        line.number("http.response.status_code", status.into());
    }
    if let Some(flags) = facts.flags.filter(|flags| !flags.is_empty()) {
        line.text("envoy.response_flags", &flags.to_string());
    }
    if let Some(grpc) = facts.grpc_status {
        line.number("rpc.grpc.status_code", grpc.into());
    }
    if let Some(duration) = facts.duration_ms {
        line.number("envoy.duration_ms", duration);
    }
    if let Some(reused) = facts.upstream_reused {
        line.raw("envoy.upstream_reused", if reused { "true" } else { "false" });
    }
    if let Some(protocol) = &facts.protocol {
        line.text("network.protocol.version", protocol.strip_prefix("HTTP/").unwrap_or(protocol));
    }
    if let Some(mtls) = facts.mtls {
        line.raw("envoy.connection.mtls", if mtls { "true" } else { "false" });
    }
    macro_rules! write {
        ($($name:literal => $field:ident,)*) => {
            $(if let Some(value) = &facts.$field { line.text($name, value); })*
        };
    }
    text_attributes!(write);
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
    let mut facts = Facts {
        status: number("http.response.status_code").and_then(|status| status.try_into().ok()),
        flags: text("envoy.response_flags").as_deref().and_then(ResponseFlags::parse),
        grpc_status: number("rpc.grpc.status_code").and_then(|status| status.try_into().ok()),
        duration_ms: number("envoy.duration_ms"),
        upstream_reused: text("envoy.upstream_reused").and_then(|reused| reused.parse().ok()).or_else(|| {
            // Envoy writes how long before the request the connection was made, and nothing when it was made for it.
            number("envoy.upstream_connection_age_us").map(|_| true)
        }),
        protocol: known("network.protocol.version").map(Cow::Owned),
        side: text("meshwhy.side").as_deref().and_then(side),
        mtls: text("envoy.connection.mtls").and_then(|mtls| mtls.parse().ok()),
        event: text("meshwhy.event").as_deref().and_then(Event::parse),
        ..Facts::default()
    };
    macro_rules! read {
        ($($name:literal => $field:ident,)*) => {
            $(facts.$field = known($name).map(Cow::Owned);)*
        };
    }
    text_attributes!(read);
    // Envoy writes `null` or `-` where no virtual host matched; a writer that cannot know leaves the key out.
    if facts.virtual_host.is_none() && object.contains_key("envoy.virtual_host_name") {
        facts.virtual_host = Some(Cow::Borrowed(""));
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

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// Reads our word, or `xds.listener_direction` as the native logger prints it.
fn side(text: &str) -> Option<Side> {
    match text {
        "1" => Some(Side::Inbound),
        "2" => Some(Side::Outbound),
        word => Side::parse(word),
    }
}

struct Line {
    json: String,
}

impl Line {
    fn new() -> Self {
        let mut json = String::with_capacity(1024);
        json.push('{');
        Self { json }
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
        if self.json.len() + name.len() + json.len() + PUNCTUATION > MAX_BYTES {
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

    #[test]
    fn what_is_written_is_read_back() {
        let facts = Facts {
            status: Some(404),
            flags: ResponseFlags::parse("NR"),
            details: Some("route_not_found".into()),
            virtual_host: Some("".into()),
            path: Some("/a\"b\n".into()),
            side: Some(Side::Gateway),
            protocol: Some("1.1".into()),
            mtls: Some(false),
            ..Facts::default()
        };
        let verdict = crate::judge(&facts);
        let record = decode(&encode(&facts, verdict.as_ref(), 7, 6));
        let facts = Facts { annotated_code: Some("MW2002".into()), ..facts };
        let expected =
            Record { facts, code: Some("MW2002".to_owned()), count: 7, suppressed: 6, plugin: None, unreported: false };
        assert_eq!(record, Some(expected));
    }

    #[test]
    fn a_record_never_grows_beyond_its_limit() {
        let long = "\u{1}".repeat(4000);
        let facts = Facts { details: Some(long.as_str().into()), authority: Some("shop".into()), ..Facts::default() };
        let line = encode(&facts, None, 1, 0);
        assert!(line.len() <= MAX_BYTES);
        assert_eq!(decode(&line).and_then(|record| record.facts.authority).as_deref(), Some("shop"));
    }

    #[test]
    fn null_virtual_host_means_none_matched() {
        let read = |line| decode(line).and_then(|record| record.facts.virtual_host);
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
