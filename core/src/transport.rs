//! Transport failure reasons: what the socket or BoringSSL said when a connection could not be made.
//!
//! Source: Envoy `source/common/tls/ssl_socket.cc` and `source/common/network/connection_impl.cc`, 1.24–1.40;
//! BoringSSL `ssl_error_lib_hash.h`. Access logs print `_` for spaces, the attribute keeps them: both are read.

macro_rules! kinds {
    ($($variant:ident = $text:literal,)*) => {
        /// What kind of transport failure it is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "each variant is the text it stands for")]
        pub enum TransportKind { $($variant,)* }

        impl TransportKind {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The decisive text: the name of the SSL error, or the socket's error with `_` for spaces.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

kinds! {
    ConnectionRefused = "Connection_refused",
    ConnectionTimedOut = "Connection_timed_out",
    NoRouteToHost = "No_route_to_host",
    NetworkUnreachable = "Network_is_unreachable",
    ConnectionReset = "Connection_reset_by_peer",
    WrongVersionNumber = "WRONG_VERSION_NUMBER",
    CertificateVerifyFailed = "CERTIFICATE_VERIFY_FAILED",
    HttpRequest = "HTTP_REQUEST",
    HttpsProxyRequest = "HTTPS_PROXY_REQUEST",
    PeerDidNotReturnACertificate = "PEER_DID_NOT_RETURN_A_CERTIFICATE",
    UnknownCa = "TLSV1_ALERT_UNKNOWN_CA",
    CertificateUnknown = "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
    CertificateExpired = "SSLV3_ALERT_CERTIFICATE_EXPIRED",
    HandshakeFailure = "SSLV3_ALERT_HANDSHAKE_FAILURE",
    ProtocolVersion = "TLSV1_ALERT_PROTOCOL_VERSION",
    NoApplicationProtocol = "TLSV1_ALERT_NO_APPLICATION_PROTOCOL",
    SecretNotSupplied = "Secret_is_not_supplied_by_SDS",
}

impl TransportKind {
    /// Whether the socket failed before TLS began.
    #[must_use]
    pub const fn is_socket(self) -> bool {
        matches!(
            self,
            Self::ConnectionRefused
                | Self::ConnectionTimedOut
                | Self::NoRouteToHost
                | Self::NetworkUnreachable
                | Self::ConnectionReset
        )
    }
}

/// A transport failure reason, understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransportFailure<'a> {
    /// What kind it is; `None` when this version does not know the text.
    pub kind: Option<TransportKind>,
    /// The decisive name: of the first error of the SSL library, or the text of the socket error.
    pub name: &'a str,
    /// What follows the name, such as why a certificate was refused (Envoy 1.37 and later).
    pub detail: Option<&'a str>,
}

/// BoringSSL packs `library << 24 | reason`; 16 is the SSL library.
const SSL_LIBRARY: u32 = 16;

/// Understands a transport failure reason; `None` for an empty text.
#[must_use]
pub fn parse(text: &str) -> Option<TransportFailure<'_>> {
    let text = text.trim_matches(['"', ' ', '_']);
    if text.is_empty() || text == "-" {
        return None;
    }
    let failure = tls(text).or_else(|| socket(text)).unwrap_or(TransportFailure { kind: kind(text), name: text, detail: None });
    Some(failure)
}

/// `TLS_error:|code:lib:func:NAME[:detail]…:TLS_error_end`, `TLS error: code:lib:func:NAME` up to Envoy 1.27, and
/// `TLS_error|error:HEX:lib:func:NAME:TLS_error_end` of the TLS inspector since 1.37.
fn tls(text: &str) -> Option<TransportFailure<'_>> {
    if let Some(inspected) = text.strip_prefix("TLS_error|error:").or_else(|| text.strip_prefix("TLS error|error:")) {
        let name = inspected.split(':').nth(3)?;
        return Some(TransportFailure { kind: kind(name), name, detail: None });
    }
    let start = text.find("TLS_error:").or_else(|| text.find("TLS error:"))?;
    let body = text.get(start + "TLS_error:".len()..)?.trim_start_matches(['_', ' ']);
    let body = body.split_once(":TLS_error_end").map_or(body, |(body, _)| body);
    let mut entries = body.split('|').filter(|entry| !entry.is_empty());
    let first = entries.clone().next()?;
    let entry = entries.find(|entry| library(entry) == Some(SSL_LIBRARY)).unwrap_or(first);
    let mut parts = entry.splitn(5, ':');
    let (head, name) = (parts.next()?, parts.nth(2));
    let Some(name) = name else {
        return Some(TransportFailure { kind: kind(head), name: head, detail: None });
    };
    let detail = parts.next().filter(|detail| !detail.is_empty());
    Some(TransportFailure { kind: kind(name), name, detail })
}

fn library(entry: &str) -> Option<u32> {
    entry.split_once(':')?.0.parse::<u32>().ok().map(|code| code >> 24)
}

/// `delayed connect error: TEXT`, `immediate connect error: TEXT|remote address:…`.
fn socket(text: &str) -> Option<TransportFailure<'_>> {
    let rest = ["delayed", "immediate"].iter().find_map(|head| text.strip_prefix(head))?;
    let rest = rest.get(1..)?.strip_prefix("connect")?.get(1..)?.strip_prefix("error:")?.trim_start_matches(['_', ' ']);
    let name = rest.split_once('|').map_or(rest, |(name, _)| name);
    Some(TransportFailure { kind: kind(name).or_else(|| errno(name)), name, detail: None })
}

/// Envoy prints `delayed connect error: 111` where the platform gives no text.
fn errno(name: &str) -> Option<TransportKind> {
    match name {
        "111" => Some(TransportKind::ConnectionRefused),
        "110" => Some(TransportKind::ConnectionTimedOut),
        "113" => Some(TransportKind::NoRouteToHost),
        "101" => Some(TransportKind::NetworkUnreachable),
        "104" => Some(TransportKind::ConnectionReset),
        _ => None,
    }
}

fn kind(name: &str) -> Option<TransportKind> {
    let same = |kind: &TransportKind| {
        kind.as_str().len() == name.len()
            && kind.as_str().bytes().zip(name.bytes()).all(|(ours, theirs)| ours == theirs || (ours == b'_' && theirs == b' '))
    };
    TransportKind::ALL.iter().copied().find(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(text: &str) -> Option<TransportKind> {
        parse(text).and_then(|failure| failure.kind)
    }

    #[test]
    fn spaces_or_underscores_new_or_old_shape() {
        for text in [
            "TLS_error:|268435703:SSL_routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end",
            "TLS_error:|268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end:TLS_error_end",
            "TLS error: 268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER",
            "TLS_error:_268435703:SSL_routines:OPENSSL_internal:WRONG_VERSION_NUMBER",
            "TLS_error|error:100000f7:SSL_routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end",
        ] {
            assert_eq!(kind_of(text), Some(TransportKind::WrongVersionNumber), "{text}");
        }
    }

    #[test]
    fn the_first_error_of_the_ssl_library_decides() {
        let text = "TLS_error:|67108971:RSA_routines:OPENSSL_internal:BLOCK_TYPE_IS_NOT_01|268435581:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify_cert_failed:_cert:TLS_error_end";
        let failure = parse(text);
        assert_eq!(failure.and_then(|failure| failure.kind), Some(TransportKind::CertificateVerifyFailed));
        assert_eq!(failure.and_then(|failure| failure.detail), Some("verify_cert_failed:_cert"));
    }

    #[test]
    fn socket_errors() {
        assert_eq!(kind_of("delayed_connect_error:_Connection_refused"), Some(TransportKind::ConnectionRefused));
        assert_eq!(kind_of("delayed connect error: 111"), Some(TransportKind::ConnectionRefused));
        assert_eq!(
            kind_of("immediate connect error: Network is unreachable|remote address:10.0.0.1:80"),
            Some(TransportKind::NetworkUnreachable)
        );
        assert_eq!(kind_of("TLS error: Secret is not supplied by SDS"), Some(TransportKind::SecretNotSupplied));
    }

    #[test]
    fn nothing_is_nothing_and_unknown_stays_unknown() {
        assert_eq!(parse(""), None);
        assert_eq!(parse("-"), None);
        assert_eq!(kind_of("something else"), None);
    }
}
