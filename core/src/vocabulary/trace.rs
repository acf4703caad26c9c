//! Recognises trace context in request headers: W3C `traceparent`, B3 single header and B3 multi-header.
//!
//! Source: W3C Trace Context (level 1, and forward compatibility for higher versions); openzipkin/b3-propagation.
//! A header that breaks its rules counts as absent. A B3 sampling decision may come alone and is a context.

/// The form in which a trace context came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceContext {
    /// `traceparent`.
    W3c,
    /// `b3`.
    B3Single,
    /// `x-b3-traceid` and `x-b3-spanid`, or a sampling decision alone.
    B3Multi,
}

/// The headers that are asked for, in this order.
pub const HEADERS: [&str; 6] = ["traceparent", "b3", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags"];

/// Recognises the trace context of a request.
///
/// # Cost
/// Calls `header` once per entry of [`HEADERS`] until a context is found: once for a W3C request, six times for none.
pub fn recognise(mut header: impl FnMut(&str) -> Option<Vec<u8>>) -> Option<TraceContext> {
    let mut valid = |name: &str, rule: fn(&[u8]) -> bool| header(name).is_some_and(|value| rule(&value));
    if valid("traceparent", is_traceparent) {
        return Some(TraceContext::W3c);
    }
    if valid("b3", is_b3) {
        return Some(TraceContext::B3Single);
    }
    let ids = valid("x-b3-traceid", is_b3_trace_id) && valid("x-b3-spanid", is_b3_span_id);
    if ids || valid("x-b3-sampled", is_b3_sampled) || valid("x-b3-flags", |value| value == b"1") {
        return Some(TraceContext::B3Multi);
    }
    None
}

/// `version-trace_id-parent_id-flags` in lower-case hex; version `ff` and all-zero ids are invalid.
#[must_use]
pub fn is_traceparent(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let mut fields = text.split('-');
    let (Some(version), Some(trace), Some(parent), Some(flags)) = (fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return false;
    };
    let lower_hex =
        |field: &str, length: usize| field.len() == length && field.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let nonzero = |field: &str| field.bytes().any(|byte| byte != b'0');
    let more = fields.next().is_some();
    lower_hex(version, 2)
        && version != "ff"
        && (version != "00" || !more)
        && lower_hex(trace, 32)
        && nonzero(trace)
        && lower_hex(parent, 16)
        && nonzero(parent)
        && lower_hex(flags, 2)
}

/// `trace-span[-sampled[-parent]]`, or a sampling decision alone.
#[must_use]
pub fn is_b3(value: &[u8]) -> bool {
    let decision = |field: &[u8]| matches!(field, b"0" | b"1" | b"d");
    let mut fields = value.split(|byte| *byte == b'-');
    let first = fields.next().unwrap_or_default();
    let Some(span) = fields.next() else { return decision(first) };
    is_b3_trace_id(first)
        && is_b3_span_id(span)
        && fields.next().is_none_or(decision)
        && fields.next().is_none_or(is_b3_span_id)
        && fields.next().is_none()
}

/// 16 or 32 hex digits, not all zero.
#[must_use]
pub fn is_b3_trace_id(value: &[u8]) -> bool {
    matches!(value.len(), 16 | 32) && is_id(value)
}

/// 16 hex digits, not all zero.
#[must_use]
pub fn is_b3_span_id(value: &[u8]) -> bool {
    value.len() == 16 && is_id(value)
}

fn is_b3_sampled(value: &[u8]) -> bool {
    matches!(value, b"0" | b"1") || value.eq_ignore_ascii_case(b"true") || value.eq_ignore_ascii_case(b"false")
}

fn is_id(value: &[u8]) -> bool {
    value.iter().all(u8::is_ascii_hexdigit) && value.iter().any(|digit| *digit != b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn with(headers: &[(&str, &str)]) -> Option<TraceContext> {
        recognise(|name| headers.iter().find(|(header, _)| *header == name).map(|(_, value)| value.as_bytes().to_vec()))
    }

    #[test]
    fn each_form_is_recognised() {
        assert_eq!(with(&[("traceparent", PARENT)]), Some(TraceContext::W3c));
        assert_eq!(
            with(&[("b3", "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90")]),
            Some(TraceContext::B3Single)
        );
        assert_eq!(with(&[("b3", "0")]), Some(TraceContext::B3Single));
        assert_eq!(
            with(&[("x-b3-traceid", "463ac35c9f6413ad"), ("x-b3-spanid", "a2fb4a1d1a96d312")]),
            Some(TraceContext::B3Multi)
        );
        assert_eq!(with(&[("x-b3-sampled", "1")]), Some(TraceContext::B3Multi));
        assert_eq!(with(&[("x-b3-flags", "1")]), Some(TraceContext::B3Multi));
        assert_eq!(with(&[]), None);
    }

    #[test]
    fn what_breaks_the_rules_of_w3c_is_absent() {
        for value in [
            "",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        ] {
            assert_eq!(with(&[("traceparent", value)]), None, "{value}");
        }
        assert_eq!(
            with(&[("traceparent", "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-later")]),
            Some(TraceContext::W3c)
        );
    }

    #[test]
    fn what_breaks_the_rules_of_b3_is_absent() {
        for value in ["", "-", "a-b", "463ac35c9f6413ad-a2fb4a1d1a96d312-2", "463ac35c9f6413ad-a2fb4a1d1a96d312-1-"] {
            assert_eq!(with(&[("b3", value)]), None, "{value}");
        }
        assert_eq!(with(&[("x-b3-traceid", "463ac35c9f6413ad")]), None);
        assert_eq!(with(&[("x-b3-sampled", "")]), None);
    }
}
