//! One look at a text before any deeper one: whether anything stands in it that evidence is read by.
//!
//! Most lines of a cluster are an application's. What says nothing of ours must cost as little as looking for it once, so all
//! that the readers of this module look for, except single headers and bare words, stands in one automaton.

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::{agentgateway, key_values, phrase, pod_status, transport_text};
use crate::unescape::unescaped;

/// ztunnel's addresses and agentgateway's status, as `key=value` or as keys of an object, Java's word for headers, and a pod's for a container
/// that always ends.
const OTHERS: [&str; 5] = ["src.addr", "dst.addr", "Metadata(", agentgateway::MARK, pod_status::MARK];

/// Finds the phrases, whose numbers are those of [`phrase::texts`], and behind them all other marks.
static MARKS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let texts = phrase::texts().chain(transport_text::marks()).chain(key_values::names()).chain(OTHERS);
    AhoCorasick::builder().ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA)).build(texts).ok()
});

/// The automaton of all marks.
pub(super) fn automaton() -> Option<&'static AhoCorasick> {
    MARKS.as_ref()
}

/// Whether any mark stands in the text.
///
/// # Cost
/// One pass over the text; nothing is allocated.
pub(super) fn any(text: &str) -> bool {
    automaton().is_some_and(|marks| marks.is_match(text))
}

/// Whether any mark stands in an object or in what its strings mean, however they are escaped.
pub(super) fn any_in_json(text: &str) -> bool {
    match unescaped(text) {
        Cow::Borrowed(text) => any(text),
        // Where the object is broken the text counts as it stands.
        Cow::Owned(plain) => any(&plain) || any(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_seen_through_escapes() {
        for text in [
            r#"{"msg":"no healthy upstream"}"#,
            r#"{"msg":"NO HEALTHY \u0055pstream"}"#,
            r#"{"msg":"probeType=\"Readiness\""}"#,
            r#"{"msg":"get kubernetes:\/\/web"}"#,
            r#"{"msg":"\\no healthy\u0020upstream"}"#,
            r#"{"src\u002eaddr":"10.0.0.1:80"}"#,
            r#"{"msg":"\u00e9\u00TLS error: x"}"#,
        ] {
            assert!(any_in_json(text), "{text}");
        }
        for text in [r#"{"msg":"all\u0020is\nwell"}"#, r#"{"msg":"\"#, r#"{"msg":"\u"#, r#"{"msg":"\u00é"#, ""] {
            assert!(!any_in_json(text), "{text}");
        }
    }

    #[test]
    fn every_key_and_every_reason_is_a_mark() {
        for text in ["Response_Code=503", "tls error: x", "DELAYED_CONNECT_ERROR:_111", "error:0A:ssl ROUTINES::x", "src.addr=1"]
        {
            assert!(any(text), "{text}");
        }
        assert!(!any("2026-11-21T06:36:38Z INFO order accepted, 3 items"));
    }
}
