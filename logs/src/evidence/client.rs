//! What clients say: gRPC libraries of Go, Java, Python and C++, grpcurl, curl, browsers.

use meshwhy_core::event::Event;
use meshwhy_core::{Decisive, Facts, Flag};

use super::envoy::{answered, flagged};
use super::phrase::{Phrase, PhraseHit, detailed, event, happened, read};
use super::words::{first, holds, holds_any};
use crate::client::ClientFailure;

pub(super) const PHRASES: &[Phrase] = &[
    read("RST_STREAM with error code:", rst_stream),
    read("unexpected HTTP status code received from server:", number),
    read("Received http2 header with status:", number),
    read("HTTP status code", number),
    read("Response code not 2xx (", number),
    read("Non-2xx responses:", load_test),
    read("HTTP/1.0\" 426", web_server),
    read("HTTP/1.1\" 426", web_server),
    read("HTTP/1.1\" 431", web_server),
    read("HTTP/2.0\" 431", web_server),
    read("426 Upgrade Required", named),
    read("431 Request Header Fields Too Large", named),
    read("was not closed cleanly:", not_closed),
    event("ERR_TOO_MANY_REDIRECTS", Event::RedirectLoop),
    event("redirected you too many times", Event::RedirectLoop),
    read("dial tcp", unconnected),
    read("curl: (35)", handshake),
    read("curl: (7)", unconnected),
    read("connect ECONNREFUSED", unconnected),
    read("connect ETIMEDOUT", unconnected),
    read("connect EHOSTUNREACH", unconnected),
    read("ConnectException: Connection refused", unconnected),
    read("ConnectException: Connection timed out", unconnected),
    read("NoRouteToHostException: No route to host", unconnected),
    read("[Errno 111] Connection refused", unconnected),
    read("Connection refused (os error 111)", unconnected),
    read("curl: (28)", unconnected),
    read("SocketTimeoutException: connect timed out", unconnected),
    read("connect() failed (", unconnected),
    read("Recv failure: Connection reset by peer", closed),
    read("curl: (52) Empty reply from server", closed),
    read("read: connection reset by peer", closed),
    read("read ECONNRESET", closed),
    read("socket hang up", closed),
    read("recv() failed (104", closed),
    read("prematurely closed connection while reading response header from upstream", closed),
    read("SocketException: Connection reset", closed),
    read("Remote end closed connection without response", closed),
    read("server gave HTTP response to HTTPS client", answered_plain),
    read("Unsupported or unrecognized SSL message", answered_plain),
    read("Unrecognized SSL message, plaintext connection", answered_plain),
    read("[SSL: WRONG_VERSION_NUMBER]", answered_plain),
    read("plain HTTP request was sent to HTTPS port", asked_plain),
    read("sent an HTTP request to an HTTPS server", asked_plain),
    read("speaking plain HTTP to an SSL-enabled server port", asked_plain),
    read("This combination of host and port requires TLS", asked_plain),
    read("Request failed with status code", number),
    read("server returned error: HTTP/1.1", number),
    read("HTTPError:", number),
    read("SSL_connect: Connection reset by peer", reset_handshake),
    read("SSL_ERROR_SYSCALL in connection to", reset_handshake),
    read("peer closed connection in SSL handshake", reset_handshake),
    read("missing content-type field", no_grpc),
    read("missing HTTP content-type", no_grpc),
    read("Unexpected HTTP/1.x request", answered_http1),
    read("Maximum (", redirects),
    read("stopped after", redirects),
    read("Exceeded", redirects),
];

/// Behind response headers a timeout of Envoy can only reset the stream, and does so without an error: `NO_ERROR`.
fn rst_stream(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    const INTERNAL: u32 = 13;
    match first(hit.after)? {
        "NO_ERROR" => Some(Decisive { grpc_status: Some(INTERNAL), ..flagged(Flag::UT).decisive }.into()),
        "INTERNAL_ERROR" => Some(happened(Event::StreamResetByCodec)),
        _ => None,
    }
}

fn number(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    answered(hit.after.trim_start_matches([':', ' ', '=']))
}

/// curl: `HTTP/2 stream 1 was not closed cleanly: INTERNAL_ERROR (err 2)`.
fn not_closed(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    (first(hit.after) == Some("INTERNAL_ERROR")).then(|| happened(Event::StreamResetByCodec))
}

/// What the errors of a socket are, in Go's, Java's, Node's, Python's and curl's words, as Envoy would have told them.
const ERRORS: &[(&str, &str)] = &[
    ("connection refused", "delayed connect error: Connection refused"),
    ("ECONNREFUSED", "delayed connect error: Connection refused"),
    ("Couldn't connect", "delayed connect error: Connection refused"),
    ("Could not connect", "delayed connect error: Connection refused"),
    ("no route to host", "delayed connect error: No route to host"),
    ("EHOSTUNREACH", "delayed connect error: No route to host"),
    ("network is unreachable", "delayed connect error: Network is unreachable"),
    ("ENETUNREACH", "delayed connect error: Network is unreachable"),
    ("i/o timeout", "delayed connect error: Connection timed out"),
    ("connect timed out", "delayed connect error: Connection timed out"),
    ("connection timed out", "delayed connect error: Connection timed out"),
    ("ETIMEDOUT", "delayed connect error: Connection timed out"),
];

/// A connection that a client could not make, unless its address is one of Istio's own: `dial tcp 10.0.0.1:8080: connect: connection
/// refused`, `connect ECONNREFUSED 10.0.0.1:8080`, `ConnectException: Connection refused`.
fn unconnected(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let message = hit.line.message;
    if holds_any(message, &["webhook", "probe failed", "probe errored"]) {
        return None;
    }
    let phrase = message.get(hit.before.len()..)?;
    let (_, reason) = ERRORS.iter().find(|(words, _)| holds(phrase, words))?;
    if let Some(event) = of_istio(message, reason) {
        return Some(happened(event));
    }
    Some(Decisive { seen_by_client: Some(true), ..failed(reason) }.into())
}

/// A connection that somebody refused whom the kubelet asked.
pub(super) fn refused() -> Facts<'static> {
    Decisive { seen_by_client: Some(true), ..failed("delayed connect error: Connection refused") }.into()
}

/// A connection that ended before an answer, in the words of a client: an event that Envoy has a flag for.
fn closed(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let of_probe = holds_any(hit.line.message, &["webhook", "probe failed", "probe errored"]);
    (!of_probe).then(|| seen(&ClientFailure::Closed))
}

/// TLS libraries say so where the answer is no TLS.
fn answered_plain(_: PhraseHit<'_>) -> Option<Facts<'_>> {
    Some(seen(&ClientFailure::PlaintextForTls))
}

/// Servers answer so what they read where TLS should begin.
fn asked_plain(_: PhraseHit<'_>) -> Option<Facts<'_>> {
    Some(seen(&ClientFailure::TlsWanted))
}

/// What a client that got no response makes of it.
pub(crate) fn seen(failure: &ClientFailure<'_>) -> Facts<'static> {
    let facts = match *failure {
        ClientFailure::NotConnected { address, error } => {
            let reason = error.reason();
            match of_istio(address, reason) {
                Some(event) => return happened(event),
                None => failed(reason),
            }
        }
        ClientFailure::Closed => flagged(Flag::UC).decisive,
        ClientFailure::PlaintextForTls => failed("TLS error: 268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER"),
        ClientFailure::TlsWanted => Decisive {
            downstream_transport_failure: Some("TLS error: 268435612:SSL routines:OPENSSL_internal:HTTP_REQUEST".into()),
            ..Decisive::default()
        },
        ClientFailure::HandshakeCut => {
            failed("TLS_error:|33554536:system library:OPENSSL_internal:Connection reset by peer:TLS_error_end")
        }
        ClientFailure::Alert(number) => alert(number),
        ClientFailure::CertificateUntrusted => happened(Event::CertificateUntrusted).decisive,
        ClientFailure::CertificateOutOfDate => happened(Event::CertificateOutOfDate).decisive,
        ClientFailure::StreamReset => happened(Event::StreamResetByCodec).decisive,
        ClientFailure::StreamResetForSize => detailed("http2.header_list_size_too_large").decisive,
        ClientFailure::Http2Only => flagged(Flag::UPE).decisive,
    };
    Decisive { seen_by_client: Some(true), ..facts }.into()
}

/// BoringSSL has the alerts of RFC 8446 as reasons of its SSL library, from 1000 on.
fn alert(number: u8) -> Decisive<'static> {
    const SSL_ALERTS: u32 = (16 << 24) + 1000;
    let reason = format!("TLS error: {}:SSL routines:OPENSSL_internal:", SSL_ALERTS.saturating_add(number.into()));
    Decisive { upstream_transport_failure: Some(reason.into()), ..Decisive::default() }
}

/// What it means that nobody answers at an address of Istio's own; a proxy that lets a client wait has started.
///
/// Source: Istio "Application requirements", ports used by Istio, 1.31.
fn of_istio(text: &str, reason: &str) -> Option<Event> {
    let at = |ports: &[&str]| ports.iter().any(|port| words_of_addresses(text).any(|address| address.ends_with(port)));
    if holds_any(text, &["istiod", "istio-pilot"]) || at(&[":15010", ":15011", ":15012", ":15014"]) {
        return Some(Event::XdsUnreachable);
    }
    if at(&[":15017"]) {
        return Some(Event::WebhookUnreachable);
    }
    if at(&[":15002"]) {
        return Some(Event::RedirectionFailed);
    }
    let is_of_proxy = at(&[":15000", ":15001", ":15006", ":15020", ":15021", ":15053", ":15090"]);
    (is_of_proxy && reason.ends_with("refused")).then_some(Event::ProxyNotStarted)
}

/// Words of a text without the punctuation around them.
fn words_of_addresses(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| letter.is_whitespace() || matches!(letter, '/' | '"' | '(' | ')' | ',' | '>'))
        .map(|word| word.trim_end_matches([':', '.', ';']))
}

fn reset_handshake(_: PhraseHit<'_>) -> Option<Facts<'_>> {
    Some(seen(&ClientFailure::HandshakeCut))
}

/// curl's code for a handshake that failed, whatever its library says.
fn handshake(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    if holds_any(hit.after, &["wrong version number", "unsupported protocol", "unknown protocol"]) {
        return answered_plain(hit);
    }
    if holds_any(hit.after, &["certificate"]) { None } else { reset_handshake(hit) }
}

/// A status that only proxies send, beside its reason.
fn named(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    answered(hit.line.message.get(hit.before.len()..)?)
}

/// The access log of a web server that asked the proxy, in the combined format.
fn web_server(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    // Behind the status stand the bytes; an access log of Envoy has flags there.
    let is_size = first(hit.after).is_some_and(|word| word == "-" || word.bytes().all(|byte| byte.is_ascii_digit()));
    let phrase = hit.line.message.get(hit.before.len()..)?;
    is_size.then(|| answered(phrase.split_once("\" ")?.1)).flatten()
}

/// `ab` speaks HTTP/1.0, and names the server.
///
/// Source: `ab(1)` of httpd 2.4, `ApacheBench/2.3`.
fn load_test(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    const UPGRADE_REQUIRED: u16 = 426;
    let of_envoy =
        hit.before.split_once("Server Software:").and_then(|(_, rest)| first(rest)).is_some_and(|name| holds(name, "envoy"));
    let some = first(hit.after).is_some_and(|count| count != "0");
    (of_envoy && some)
        .then(|| Decisive { status: Some(UPGRADE_REQUIRED), seen_by_client: Some(true), ..Decisive::default() }.into())
}

/// Who answers a gRPC call without a content type never saw that it is one: a codec does so that refuses the request as such.
fn no_grpc(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let numbered = ["HTTP status code", "status:", "HTTP status"].iter().find_map(|words| {
        hit.before
            .rsplit_once(words)
            .and_then(|(_, rest)| answered(rest.trim_start_matches(|letter: char| !letter.is_ascii_digit())))
    });
    let refused = || Decisive { seen_by_client: Some(true), ..flagged(Flag::DPE).decisive }.into();
    Some(numbered.unwrap_or_else(refused))
}

/// A server that speaks only HTTP/2 and was asked in HTTP/1: the proxy in front of it takes its port for one of HTTP/1.
fn answered_http1(_: PhraseHit<'_>) -> Option<Facts<'_>> {
    Some(seen(&ClientFailure::Http2Only))
}

fn failed(reason: &str) -> Decisive<'_> {
    Decisive { upstream_transport_failure: Some(reason.into()), ..Decisive::default() }
}

/// `Maximum (50) redirects followed`, `stopped after 10 redirects`, `Exceeded 30 redirects`.
fn redirects(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let rest = hit.after.trim_start().trim_start_matches(|letter: char| letter.is_ascii_digit());
    let counted = rest.len() < hit.after.trim_start().len();
    let named = rest.trim_start_matches([')', ' ', '.']).starts_with("redirects");
    (counted && named).then(|| happened(Event::RedirectLoop))
}
