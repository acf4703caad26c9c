//! What clients say: gRPC libraries of Go, Java, Python and C++, grpcurl, curl, browsers.

use meshwhy_core::event::Event;
use meshwhy_core::{Decisive, Facts, Flag};

use super::envoy::{answered, flagged};
use super::phrase::{Phrase, Said, event, happened, read};
use super::words::{first, holds, holds_any};

pub(super) const PHRASES: &[Phrase] = &[
    read("RST_STREAM with error code:", rst_stream),
    read("unexpected HTTP status code received from server:", number),
    read("Received http2 header with status:", number),
    read("HTTP status code", number),
    read("was not closed cleanly:", not_closed),
    event("ERR_TOO_MANY_REDIRECTS", Event::RedirectLoop),
    event("redirected you too many times", Event::RedirectLoop),
    read("dial tcp", dialled),
    read("curl: (7)", curl_connect),
    read("SSL_connect: Connection reset by peer", reset_handshake),
    read("SSL_ERROR_SYSCALL in connection to", reset_handshake),
    read("Maximum (", redirects),
    read("stopped after", redirects),
    read("Exceeded", redirects),
];

/// Behind response headers a timeout of Envoy can only reset the stream, and does so without an error: `NO_ERROR`.
fn rst_stream(said: Said<'_>) -> Option<Facts<'_>> {
    const INTERNAL: u32 = 13;
    match first(said.after)? {
        "NO_ERROR" => Some(Decisive { grpc_status: Some(INTERNAL), ..flagged(Flag::UT).decisive }.into()),
        "INTERNAL_ERROR" => Some(happened(Event::StreamResetByCodec)),
        _ => None,
    }
}

fn number(said: Said<'_>) -> Option<Facts<'_>> {
    answered(said.after.trim_start_matches([':', ' ', '=']))
}

/// curl: `HTTP/2 stream 1 was not closed cleanly: INTERNAL_ERROR (err 2)`.
fn not_closed(said: Said<'_>) -> Option<Facts<'_>> {
    (first(said.after) == Some("INTERNAL_ERROR")).then(|| happened(Event::StreamResetByCodec))
}

/// Go: `dial tcp 10.0.0.1:8080: connect: connection refused`; the ports of istiod make it the control plane's.
fn dialled(said: Said<'_>) -> Option<Facts<'_>> {
    const ERRORS: &[(&str, &str)] = &[
        ("connection refused", "delayed connect error: Connection refused"),
        ("no route to host", "delayed connect error: No route to host"),
        ("network is unreachable", "delayed connect error: Network is unreachable"),
        ("i/o timeout", "delayed connect error: Connection timed out"),
        ("connection timed out", "delayed connect error: Connection timed out"),
    ];
    if holds(said.before, "webhook") {
        return None;
    }
    let (_, reason) = ERRORS.iter().find(|(words, _)| holds(said.after, words))?;
    if holds_any(said.line.message, &["istiod", "istio-pilot", ":15010:", ":15011:", ":15012:"]) {
        return Some(happened(Event::XdsUnreachable));
    }
    Some(unconnected(reason))
}

fn curl_connect(said: Said<'_>) -> Option<Facts<'_>> {
    let refused = holds_any(said.after, &["Connection refused", "Couldn't connect", "Could not connect"]);
    refused.then(|| unconnected("delayed connect error: Connection refused"))
}

fn reset_handshake(_: Said<'_>) -> Option<Facts<'_>> {
    Some(unconnected("TLS_error:|33554536:system library:OPENSSL_internal:Connection reset by peer:TLS_error_end"))
}

fn unconnected(reason: &str) -> Facts<'_> {
    Facts::from(Decisive { upstream_transport_failure: Some(reason.into()), ..Decisive::default() })
}

/// `Maximum (50) redirects followed`, `stopped after 10 redirects`, `Exceeded 30 redirects`.
fn redirects(said: Said<'_>) -> Option<Facts<'_>> {
    let rest = said.after.trim_start().trim_start_matches(|letter: char| letter.is_ascii_digit());
    let counted = rest.len() < said.after.trim_start().len();
    let named = rest.trim_start_matches([')', ' ', '.']).starts_with("redirects");
    (counted && named).then(|| happened(Event::RedirectLoop))
}
