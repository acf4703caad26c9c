//! Certificates that a TLS library outside Envoy refuses: Go's, Rust's, OpenSSL's, Java's.

use meshwhy_core::event::Event;
use meshwhy_core::{Decisive, Facts};

use super::log_line::Level;
use super::phrase::{Phrase, PhraseHit, happened, read};
use super::words::holds_any;

const OUT_OF_DATE: &[&str] = &[
    "x509: certificate has expired or is not yet valid",
    "x509: certificate has expired",
    "tls: expired certificate",
    "certificate is not yet valid",
    "invalid peer certificate: Expired",
    "invalid peer certificate: certificate expired",
    "invalid peer certificate: NotValidYet",
    "certificate verify failed: certificate has expired",
    "SSL certificate problem: certificate has expired",
    "CertificateExpiredException",
    "CertificateNotYetValidException",
];

const UNTRUSTED: &[&str] = &[
    "x509: ",
    "tls: failed to verify certificate",
    "remote error: tls: bad certificate",
    "remote error: tls: unknown certificate",
    "remote error: tls: unknown certificate authority",
    "tls: certificate required",
    "invalid peer certificate",
    "certificate verify failed",
    "SSL certificate problem",
    "PKIX path building failed",
    "self-signed certificate in certificate chain",
];

/// What the text says of a certificate.
pub(super) fn fault(text: &str) -> Option<Event> {
    if holds_any(text, OUT_OF_DATE) {
        return Some(Event::CertificateOutOfDate);
    }
    holds_any(text, UNTRUSTED).then_some(Event::CertificateUntrusted)
}

pub(super) const PHRASES: &[Phrase] = &[
    read("http: TLS handshake error from", handshake),
    read("x509: ", named),
    read("tls: failed to verify certificate", named),
    read("remote error: tls: ", named),
    read("invalid peer certificate", named),
    read("certificate verify failed", by_client),
    read("SSL certificate problem", by_client),
    read("CertificateExpiredException", by_client),
    read("CertificateNotYetValidException", by_client),
    read("PKIX path building failed", by_client),
];

/// Go's words, which Istio's own programs have, too; the URL of a request stands before those of a client.
fn named(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let requested = holds_any(hit.before, &["Get \"http", "Post \"http", "Put \"http", "Head \"http", "Delete \"http"]);
    if requested && hit.line.level == Level::Unknown { by_client(hit) } else { fault(hit.line.message).map(happened) }
}

/// Words of libraries that no proxy of Istio is built with.
fn by_client(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let facts = Decisive { event: Some(fault(hit.line.message)?), seen_by_client: Some(true), ..Decisive::default() };
    Some(facts.into())
}

/// Go's HTTP server, where the other side refused its certificate: for istiod that is the API server calling the webhook.
fn handshake(hit: PhraseHit<'_>) -> Option<Facts<'_>> {
    let refused = fault(hit.after)? == Event::CertificateUntrusted;
    Some(happened(if refused { Event::WebhookUntrusted } else { Event::CertificateOutOfDate }))
}
