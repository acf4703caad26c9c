//! Transport failure reasons inside other text.

use std::borrow::Cow;

use meshwhy_core::transport::{self, TransportFailure, TransportKind};
use meshwhy_core::{Decisive, Facts};

use super::words::holds_any;

/// How a reason begins, and what core calls it.
const HEADS: &[(&str, &str)] = &[
    ("TLS error:", ""),
    ("TLS_error:", ""),
    ("TLS_error|error:", ""),
    ("TLS error|error:", ""),
    ("delayed connect error:", ""),
    ("delayed_connect_error:", ""),
    ("immediate connect error:", ""),
    ("immediate_connect_error:", ""),
    ("delayed connection error:", "delayed connect error:"),
    ("immediate connection error:", "immediate connect error:"),
    ("tunnel_response:", ""),
];

/// Words without which no text holds a reason, in whatever case.
pub(super) fn marks() -> impl Iterator<Item = &'static str> {
    HEADS.iter().map(|(head, _)| *head).chain(["SSL routines", ":SSL_routines:OPENSSL_internal:"])
}

/// Finds the first reason in the text, and on which side of the proxy it arose.
pub(super) fn find(text: &str) -> Option<Facts<'_>> {
    let headed =
        HEADS.iter().filter_map(|(head, known)| Some((memchr::memmem::find(text.as_bytes(), head.as_bytes())?, *head, *known)));
    let reason = match headed.min_by_key(|(at, ..)| *at) {
        Some((at, head, "")) => Cow::Borrowed(Some(cut(text.get(at..)?)).filter(|reason| reason.len() > head.len())?),
        Some((at, head, known)) => Cow::Owned(format!("{known}{}", cut(text.get(at.checked_add(head.len())?..)?))),
        None => match bare(text) {
            Some(reason) => reason,
            None => return openssl(text),
        },
    };
    let failure = transport::parse(&reason)?;
    let accepted = failure.kind.is_some() || reason.starts_with("TLS");
    accepted.then(|| {
        let inspected = reason.starts_with("TLS_error|") || reason.starts_with("TLS error|");
        match inspected || is_downstream(text, &failure) {
            true => Facts::from(Decisive { downstream_transport_failure: Some(reason.clone()), ..Decisive::default() }),
            false => Facts::from(Decisive { upstream_transport_failure: Some(reason.clone()), ..Decisive::default() }),
        }
    })
}

/// Cuts the reason at the start of the text from what follows it.
pub(super) fn cut(text: &str) -> &str {
    const ENDS: [&str; 2] = ["TLS_error_end", "TLS error end"];
    let line = text.split(['"', '`', '\n', '\r', '\t']).next().unwrap_or_default();
    let line = line.strip_suffix("\\").unwrap_or(line);
    if let Some(end) = ENDS.iter().filter_map(|end| line.rfind(end)?.checked_add(end.len())).max() {
        return line.get(..end).unwrap_or(line);
    }
    let named = line.match_indices(':').nth(3).map(|(at, _)| at.saturating_add(1)).filter(|_| line.starts_with("TLS"));
    let Some(start) = named else { return socket_end(line) };
    let name = line.get(start..).unwrap_or_default();
    let length = name.find(|letter: char| !letter.is_ascii_uppercase() && !letter.is_ascii_digit() && letter != '_');
    match length.unwrap_or(name.len()) {
        0 => line.trim_end(),
        // Why the certificate was refused (Envoy 1.37 and later).
        length if name.get(length..).is_some_and(|rest| rest.starts_with(":verify")) => socket_end(line),
        length => line.get(..start.saturating_add(length)).unwrap_or(line),
    }
}

/// A socket's reason ends where a sentence, a bracket or a list goes on.
fn socket_end(line: &str) -> &str {
    let end = line.find(['}', ')', ']', ',', ';']).or_else(|| line.find(". ")).unwrap_or(line.len());
    line.get(..end).unwrap_or(line).trim_end().trim_end_matches('.')
}

/// `268435703:SSL routines:OPENSSL_internal:NAME` alone.
fn bare(text: &str) -> Option<Cow<'_, str>> {
    let at = text.find(":SSL routines:OPENSSL_internal:").or_else(|| text.find(":SSL_routines:OPENSSL_internal:"))?;
    let before = text.get(..at)?;
    let digits = before.len().checked_sub(before.trim_end_matches(|letter: char| letter.is_ascii_digit()).len())?;
    let start = at.checked_sub(digits).filter(|_| digits > 0)?;
    let old = format!("TLS error: {}", text.get(start..)?);
    Some(Cow::Owned(cut(&old).to_owned()))
}

/// What OpenSSL, which no proxy of Istio is built with, prints for plaintext where it expected TLS: a client for an answer, a server for
/// a request.
fn openssl(text: &str) -> Option<Facts<'static>> {
    if !holds_any(text, &["SSL routines"]) {
        return None;
    }
    let none = Decisive { seen_by_client: Some(true), ..Decisive::default() };
    if holds_any(text, &[":http request"]) {
        let reason = "TLS error: 268435612:SSL routines:OPENSSL_internal:HTTP_REQUEST";
        return Some(Decisive { downstream_transport_failure: Some(reason.into()), ..none }.into());
    }
    let reason = "TLS error: 268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER";
    holds_any(text, &["wrong version number"])
        .then(|| Decisive { upstream_transport_failure: Some(reason.into()), ..none }.into())
}

/// Errors that only the accepting side of a handshake has, and lines that name that side.
fn is_downstream(text: &str, failure: &TransportFailure<'_>) -> bool {
    const ACCEPTING: [TransportKind; 5] = [
        TransportKind::HttpRequest,
        TransportKind::HttpsProxyRequest,
        TransportKind::PeerDidNotReturnACertificate,
        TransportKind::NoSharedCipher,
        TransportKind::UnsupportedProtocol,
    ];
    failure.kind.is_some_and(|kind| ACCEPTING.contains(&kind))
        || holds_any(text, &["tls_inspector", "tls inspector", "conn_handler", "downstream"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_cut_from_what_follows() {
        for (text, reason) in [
            (
                "TLS error: 268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER\" 0 91",
                "TLS error: 268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER",
            ),
            (
                "TLS error: 268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED, closing",
                "TLS error: 268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED",
            ),
            (
                "TLS_error:|268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end} -",
                "TLS_error:|268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end",
            ),
            (
                "TLS error: 268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify cert failed: x: certificate has expired.",
                "TLS error: 268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify cert failed: x: certificate has expired",
            ),
            ("TLS error: Secret is not supplied by SDS", "TLS error: Secret is not supplied by SDS"),
            (
                "TLS error: 33556294:system library:OPENSSL_internal:unknown error",
                "TLS error: 33556294:system library:OPENSSL_internal:unknown error",
            ),
            ("delayed connect error: 111. Try again", "delayed connect error: 111"),
        ] {
            assert_eq!(cut(text), reason);
        }
    }

    #[test]
    fn sides() {
        assert!(
            find("[C1] TLS error: 268435612:SSL routines:OPENSSL_internal:HTTP_REQUEST")
                .unwrap()
                .downstream_transport_failure
                .is_some()
        );
        assert!(find("TLS error: 268436576:SSL routines:OPENSSL_internal:").unwrap().upstream_transport_failure.is_some());
        assert!(
            find("delayed connection error: 111")
                .unwrap()
                .upstream_transport()
                .is_some_and(|it| it.kind == Some(TransportKind::ConnectionRefused))
        );
        assert_eq!(find("TLS error:"), None);
        assert_eq!(find("no TLS error here"), None);
    }
}
