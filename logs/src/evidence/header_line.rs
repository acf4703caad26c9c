//! Single HTTP headers that say something by themselves.

use meshwhy_core::event::Event;
use meshwhy_core::facts::kind::{FactKind, GrpcStatus};
use meshwhy_core::{Decisive, Facts, Flag};

use super::envoy::flagged;
use super::phrase::{detailed, happened};

/// Splits `name: value`, of a transcript, a capture or a log; the value without what printers append.
pub(super) fn split(line: &str) -> Option<(&str, &str)> {
    let line = line.trim().trim_start_matches(['<', '>', '|', ' ']);
    let line = line.strip_suffix("\\r\\n").unwrap_or(line);
    if let Some(dumped) = line.strip_prefix('\'') {
        let (name, value) = dumped.split_once("', '")?;
        return Some((name, value.strip_suffix('\'')?));
    }
    if let Some((name, value)) = line.strip_prefix('"').and_then(|line| line.split_once('"')) {
        let value = value.trim_start().strip_prefix(':')?.trim().trim_end_matches(',');
        return Some((name, value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)));
    }
    let colon = line.get(1..)?.find(':')?.checked_add(1)?;
    let (name, value) = (line.get(..colon)?, line.get(colon..)?.strip_prefix(':')?);
    let named = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':' | b'.'));
    named.then_some((name, value.trim()))
}

/// What a header of a request says of its trace, and what headers say that Envoy adds to its own replies.
pub(super) fn read<'a>(name: &str, value: &str) -> Option<Facts<'a>> {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    if sampled(name, value) == Some(false) {
        return Some(happened(Event::TraceNotSampled));
    }
    if is("grpc-status") {
        let status = GrpcStatus::read(value.to_owned().into()).filter(|status| *status != 0)?;
        return Some(Decisive { grpc_status: Some(status), status: Some(200), ..Decisive::default() }.into());
    }
    if !value.eq_ignore_ascii_case("true") {
        return None;
    }
    match () {
        () if is("x-envoy-ratelimited") => Some(detailed("request_rate_limited")),
        () if is("x-envoy-overloaded") => Some(flagged(Flag::UO)),
        () if is("x-envoy-immediate-health-check-fail") => Some(flagged(Flag::LH)),
        () => None,
    }
}

/// Whether a trace header says that the trace is recorded; `None` when it does not say or is no such header.
fn sampled(name: &str, value: &str) -> Option<bool> {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    let bit = match () {
        () if is("x-b3-sampled") => value,
        () if is("b3") => match value.split('-').nth(2) {
            Some(state) => state,
            None => value,
        },
        () if is("traceparent") => {
            let flags = value.split('-').nth(3).filter(|flags| flags.len() == 2)?;
            return u8::from_str_radix(flags, 16).ok().map(|flags| flags & 1 == 1);
        }
        () => return None,
    };
    match bit {
        "0" | "false" => Some(false),
        "1" | "true" | "d" => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_zero_says_not_sampled() {
        for (name, value, expected) in [
            ("X-B3-Sampled", "0", Some(false)),
            ("x-b3-sampled", "1", Some(true)),
            ("b3", "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-0", Some(false)),
            ("b3", "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90", Some(true)),
            ("b3", "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1", None),
            ("b3", "0", Some(false)),
            ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", Some(false)),
            ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Some(true)),
            ("traceparent", "00", None),
            ("x-request-id", "0", None),
        ] {
            assert_eq!(sampled(name, value), expected, "{name}: {value}");
        }
    }

    #[test]
    fn headers_of_every_printer() {
        for line in ["X-B3-Sampled: 0", "> x-b3-sampled: 0", "    X-B3-Sampled: 0\\r\\n", "'x-b3-sampled', '0'"] {
            assert!(split(line).is_some_and(|(_, value)| value == "0"), "{line}");
        }
        assert_eq!(split(":status: 503"), Some((":status", "503")));
        for line in ["", ":", "no header", "two words: x", "é:"] {
            assert_eq!(split(line), None, "{line}");
        }
    }
}
