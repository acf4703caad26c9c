//! What an HTTP codec says when it gives up on a connection.
//!
//! Envoy prints the text after `codec_error:` in the details of a downstream stream, in `%UPSTREAM_LOCAL_CLOSE_REASON%` and
//! `%DOWNSTREAM_LOCAL_CLOSE_REASON%` (1.38 and later), and in its own log. The upstream codec's text is not in the details:
//! they say `protocol_error` and no more.
//!
//! Source: Envoy `source/common/http/http1/codec_impl.cc`, `balsa_parser.cc`, `http2/codec_impl.cc`, 1.24–1.40; nghttp2
//! `nghttp2_strerror`; llhttp `HPE_*`.

use crate::spelling::{begins, same};
use crate::words;

words! {
    /// What kind of fault a codec found.
    pub enum CodecFault {
        /// More header or trailer lines than the limit.
        TooManyHeaders = "headers count exceeds limit",
        /// More header or trailer bytes than the limit.
        HeadersTooLarge = "headers size exceeds limit",
        /// HTTP/1.0 or HTTP/0.9.
        LowVersion = "Upgrade required for HTTP/1.0 or HTTP/0.9",
        /// A guard against floods of frames or of pipelined requests.
        Flood = "flood of frames or requests",
        /// The connection was being closed anyway; the reason stands elsewhere.
        Closing = "connection is closing",
        /// Bytes that break the protocol's rules, or that are of another protocol.
        Malformed = "protocol error",
    }
}

impl CodecFault {}

/// A codec's text, understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodecError<'a> {
    /// What kind of fault it is; texts that this version does not know count as [`CodecFault::Malformed`].
    pub fault: CodecFault,
    /// Whether the text is one of [`TEXTS`].
    pub known: bool,
    /// The text without the codec's name in front.
    pub text: &'a str,
}

/// Understands the text after `codec_error:`, or a local close reason; spaces or underscores.
#[must_use]
pub fn parse(text: &str) -> CodecError<'_> {
    let text = ["codec_error:", "http/1.1 protocol error: "].iter().fold(text.trim(), |text, head| without(text, head));
    let found = TEXTS.iter().find(|(known, _)| same(known, text)).map(|(_, fault)| *fault);
    let gone = found.or_else(|| is_gone(text).then_some(CodecFault::Closing));
    CodecError { fault: gone.unwrap_or(CodecFault::Malformed), known: gone.is_some(), text }
}

/// Understands a local close reason, which need not be a codec's: `None` unless it names one or is one of [`TEXTS`].
#[must_use]
pub fn recognise(reason: &str) -> Option<CodecError<'_>> {
    let error = parse(reason);
    (error.known || error.text.len() < reason.trim().len()).then_some(error)
}

fn without<'t>(text: &'t str, head: &str) -> &'t str {
    if begins(text, head) { text.get(head.len()..).unwrap_or_default() } else { text }
}

/// `stream {id} is already gone`.
fn is_gone(text: &str) -> bool {
    let middle = text.strip_prefix("stream").map(|rest| rest.trim_start_matches([' ', '_']));
    let digits = middle.map(|rest| rest.trim_start_matches(|letter: char| letter.is_ascii_digit()));
    digits.is_some_and(|rest| same(" is already gone", rest))
}

/// The texts that Envoy's codecs give, without the codec's name in front.
pub const TEXTS: &[(&str, CodecFault)] = &[
    ("headers count exceeds limit", CodecFault::TooManyHeaders),
    ("trailers count exceeds limit", CodecFault::TooManyHeaders),
    ("headers size exceeds limit", CodecFault::HeadersTooLarge),
    ("trailers size exceeds limit", CodecFault::HeadersTooLarge),
    ("extraneous data after response complete", CodecFault::Malformed),
    ("header value contains invalid chars", CodecFault::Malformed),
    ("header name contains underscores", CodecFault::Malformed),
    ("unsupported content length", CodecFault::Malformed),
    ("both 'Content-Length' and 'Transfer-Encoding' are set.", CodecFault::Malformed),
    ("unsupported transfer encoding", CodecFault::Malformed),
    ("transfer encoding not allowed in 1xx or 204", CodecFault::Malformed),
    ("content length not allowed in 1xx or 204", CodecFault::Malformed),
    ("invalid url in request line", CodecFault::Malformed),
    ("invalid scheme", CodecFault::Malformed),
    ("https in the clear", CodecFault::Malformed),
    ("request headers failed spec compliance checks", CodecFault::Malformed),
    ("Upgrade required for HTTP/1.0 or HTTP/0.9", CodecFault::LowVersion),
    ("Invalid nominated headers in Connection.", CodecFault::Malformed),
    ("Too many responses queued.", CodecFault::Flood),
    ("HPE_INVALID_CONSTANT", CodecFault::Malformed),
    ("HPE_INVALID_EOF_STATE", CodecFault::Malformed),
    ("HPE_INVALID_METHOD", CodecFault::Malformed),
    ("HPE_INVALID_URL", CodecFault::Malformed),
    ("HPE_INVALID_VERSION", CodecFault::Malformed),
    ("HPE_INVALID_CHUNK_SIZE", CodecFault::Malformed),
    ("HPE_INVALID_HEADER_TOKEN", CodecFault::Malformed),
    ("HPE_UNEXPECTED_CONTENT_LENGTH", CodecFault::Malformed),
    ("NO_STATUS_LINE_IN_RESPONSE", CodecFault::Malformed),
    ("NO_REQUEST_LINE_IN_REQUEST", CodecFault::Malformed),
    ("FAILED_TO_FIND_WS_AFTER_RESPONSE_VERSION", CodecFault::Malformed),
    ("FAILED_TO_FIND_WS_AFTER_REQUEST_METHOD", CodecFault::Malformed),
    ("FAILED_TO_FIND_WS_AFTER_RESPONSE_STATUSCODE", CodecFault::Malformed),
    ("FAILED_TO_FIND_WS_AFTER_REQUEST_REQUEST_URI", CodecFault::Malformed),
    ("FAILED_TO_FIND_NL_AFTER_RESPONSE_REASON_PHRASE", CodecFault::Malformed),
    ("FAILED_TO_FIND_NL_AFTER_REQUEST_HTTP_VERSION", CodecFault::Malformed),
    ("INVALID_WS_IN_STATUS_LINE", CodecFault::Malformed),
    ("INVALID_WS_IN_REQUEST_LINE", CodecFault::Malformed),
    ("FAILED_CONVERTING_STATUS_CODE_TO_INT", CodecFault::Malformed),
    ("INVALID_TARGET_URI", CodecFault::Malformed),
    ("UNPARSABLE_CONTENT_LENGTH", CodecFault::Malformed),
    ("MAYBE_BODY_BUT_NO_CONTENT_LENGTH", CodecFault::Malformed),
    ("REQUIRED_BODY_BUT_NO_CONTENT_LENGTH", CodecFault::Malformed),
    ("HEADER_MISSING_COLON", CodecFault::Malformed),
    ("INVALID_HEADER_FORMAT", CodecFault::Malformed),
    ("OBS_FOLD_IN_HEADERS", CodecFault::Malformed),
    ("INVALID_HEADER_NAME_CHARACTER", CodecFault::Malformed),
    ("INVALID_TRAILER_FORMAT", CodecFault::Malformed),
    ("INVALID_TRAILER_NAME_CHARACTER", CodecFault::Malformed),
    ("MULTIPLE_TRANSFER_ENCODING_KEYS", CodecFault::Malformed),
    ("BOTH_TRANSFER_ENCODING_AND_CONTENT_LENGTH", CodecFault::Malformed),
    ("CHUNK_LENGTH_OVERFLOW", CodecFault::Malformed),
    ("INVALID_CHUNK_EXTENSION", CodecFault::Malformed),
    ("INVALID_CHUNK_FRAMING", CodecFault::Malformed),
    ("INTERNAL_LOGIC_ERROR", CodecFault::Malformed),
    ("Connection was closed while dispatching frames", CodecFault::Closing),
    ("Too many consecutive frames with an empty payload", CodecFault::Flood),
    ("unknown_error", CodecFault::Malformed),
    ("Received bad client magic byte string", CodecFault::Malformed),
    ("The user callback function failed", CodecFault::Malformed),
    ("Flooding was detected in this HTTP/2 session, and it must be closed", CodecFault::Flood),
    ("Too many CONTINUATION frames following a HEADER frame", CodecFault::Flood),
    ("When a local endpoint expects to receive SETTINGS frame, it receives an other type of frame", CodecFault::Malformed),
    ("Header compression/decompression error", CodecFault::Malformed),
    ("Flow control error", CodecFault::Malformed),
    ("The length of the frame is invalid", CodecFault::Malformed),
    ("Protocol error", CodecFault::Malformed),
    ("Invalid HTTP header field was received", CodecFault::Malformed),
    ("Violation in HTTP messaging rule", CodecFault::Malformed),
    ("The current session is closing", CodecFault::Closing),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_spaces_and_underscores() {
        for text in [
            "codec_error:http/1.1_protocol_error:_headers_count_exceeds_limit",
            "http/1.1 protocol error: headers count exceeds limit",
            "headers count exceeds limit",
        ] {
            assert_eq!(parse(text).fault, CodecFault::TooManyHeaders, "{text}");
        }
        assert_eq!(parse("stream_7_is_already_gone").fault, CodecFault::Closing);
    }

    #[test]
    fn other_close_reasons_are_no_codec_error() {
        assert_eq!(recognise("closing_upstream_tcp_connection_due_to_downstream_remote_close"), None);
        assert_eq!(recognise("codec_error:_something_new").map(|error| error.fault), Some(CodecFault::Malformed));
    }

    #[test]
    fn unknown_texts_are_malformed_and_say_so() {
        let error = parse("http/1.1 protocol error: HPE_NEVER_SEEN");
        assert_eq!((error.fault, error.known, error.text), (CodecFault::Malformed, false, "HPE_NEVER_SEEN"));
    }
}
