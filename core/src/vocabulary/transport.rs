//! Transport failure reasons: what the socket or BoringSSL said when a connection could not be made.
//!
//! Source: Envoy `source/common/tls/ssl_socket.cc` and `source/common/network/connection_impl.cc`, 1.24–1.40;
//! BoringSSL `ssl_error_lib_hash.h`. Access logs print `_` for spaces, the attribute keeps them: both are read.

use crate::spelling::{begins, ends, same};
use crate::words;

words! {
    /// What kind of transport failure it is: the name of the SSL error, or the socket's error with `_` for spaces.
    #[expect(missing_docs, reason = "each variant is the text it stands for")]
    pub enum TransportKind {
        BindFailure = "failed_to_bind_to",
        CannotAssignAddress = "Cannot_assign_requested_address",
        ConnectionRefused = "Connection_refused",
        ConnectionReset = "Connection_reset_by_peer",
        ConnectionTimedOut = "Connection_timed_out",
        InvalidArgument = "Invalid_argument",
        NetworkUnreachable = "Network_is_unreachable",
        NoRouteToHost = "No_route_to_host",
        NoSuchFile = "No_such_file_or_directory",
        OperationNotPermitted = "Operation_not_permitted",
        PermissionDenied = "Permission_denied",
        SocketCreationFailure = "socket_creation_failure",
        TooManyOpenFiles = "Too_many_open_files",
        TunnelResponse = "tunnel_response",
        SecretNotSupplied = "Secret_is_not_supplied_by_SDS",
        HandshakeReset = "OPENSSL_internal:Connection_reset_by_peer",
        CertificateHasExpired = "certificate_has_expired",
        CertificateNotYetValid = "certificate_is_not_yet_valid",
        AlertAccessDenied = "TLSV1_ALERT_ACCESS_DENIED",
        AlertBadCertificate = "SSLV3_ALERT_BAD_CERTIFICATE",
        AlertCertificateExpired = "SSLV3_ALERT_CERTIFICATE_EXPIRED",
        AlertCertificateRequired = "TLSV1_ALERT_CERTIFICATE_REQUIRED",
        AlertCertificateRevoked = "SSLV3_ALERT_CERTIFICATE_REVOKED",
        AlertCertificateUnknown = "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
        AlertDecodeError = "TLSV1_ALERT_DECODE_ERROR",
        AlertDecryptError = "TLSV1_ALERT_DECRYPT_ERROR",
        AlertHandshakeFailure = "SSLV3_ALERT_HANDSHAKE_FAILURE",
        AlertIllegalParameter = "SSLV3_ALERT_ILLEGAL_PARAMETER",
        AlertInsufficientSecurity = "TLSV1_ALERT_INSUFFICIENT_SECURITY",
        AlertInternalError = "TLSV1_ALERT_INTERNAL_ERROR",
        AlertNoApplicationProtocol = "TLSV1_ALERT_NO_APPLICATION_PROTOCOL",
        AlertProtocolVersion = "TLSV1_ALERT_PROTOCOL_VERSION",
        AlertUnknownCa = "TLSV1_ALERT_UNKNOWN_CA",
        AlertUnrecognizedName = "TLSV1_ALERT_UNRECOGNIZED_NAME",
        AlertUnsupportedCertificate = "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
        AlertUnsupportedExtension = "TLSV1_ALERT_UNSUPPORTED_EXTENSION",
        BadPacketLength = "BAD_PACKET_LENGTH",
        CertificateVerifyFailed = "CERTIFICATE_VERIFY_FAILED",
        EncryptedLengthTooLong = "ENCRYPTED_LENGTH_TOO_LONG",
        HandshakeFailureOnClientHello = "HANDSHAKE_FAILURE_ON_CLIENT_HELLO",
        HttpRequest = "HTTP_REQUEST",
        HttpsProxyRequest = "HTTPS_PROXY_REQUEST",
        InvalidOuterRecordType = "INVALID_OUTER_RECORD_TYPE",
        KeyUsageBitIncorrect = "KEY_USAGE_BIT_INCORRECT",
        NoApplicationProtocol = "NO_APPLICATION_PROTOCOL",
        NoCommonSignatureAlgorithms = "NO_COMMON_SIGNATURE_ALGORITHMS",
        NoSharedCipher = "NO_SHARED_CIPHER",
        PeerDidNotReturnACertificate = "PEER_DID_NOT_RETURN_A_CERTIFICATE",
        RecordTooLarge = "RECORD_TOO_LARGE",
        UnexpectedMessage = "UNEXPECTED_MESSAGE",
        UnsupportedProtocol = "UNSUPPORTED_PROTOCOL",
        WrongCipherReturned = "WRONG_CIPHER_RETURNED",
        WrongCurve = "WRONG_CURVE",
        WrongVersionNumber = "WRONG_VERSION_NUMBER",
        OtherTls = "TLS_error",
    }
}

/// Whether Envoy puts `connect error: ` before the text.
const fn follows_connect_error(kind: TransportKind) -> bool {
    use TransportKind as Kind;
    matches!(
        kind,
        Kind::CannotAssignAddress
            | Kind::ConnectionRefused
            | Kind::ConnectionReset
            | Kind::ConnectionTimedOut
            | Kind::InvalidArgument
            | Kind::NetworkUnreachable
            | Kind::NoRouteToHost
            | Kind::NoSuchFile
            | Kind::OperationNotPermitted
            | Kind::PermissionDenied
            | Kind::TooManyOpenFiles
    )
}

impl TransportKind {
    /// Whether the socket failed before TLS began.
    #[must_use]
    pub const fn is_socket(self) -> bool {
        follows_connect_error(self) || matches!(self, Self::BindFailure | Self::SocketCreationFailure | Self::TunnelResponse)
    }

    /// Whether the peer refused and said why; it is the peer that knows more.
    #[must_use]
    pub fn is_alert(self) -> bool {
        ["TLSV1_ALERT_", "SSLV3_ALERT_"].iter().any(|head| self.as_str().starts_with(head))
    }

    /// What the raw reason of Envoy, with its spaces, contains for this kind and no other; [`TransportKind::OtherTls`] is
    /// any TLS error that no other kind takes.
    #[must_use]
    pub fn raw(self) -> String {
        let spaced = self.as_str().replace('_', " ");
        match self {
            _ if follows_connect_error(self) => format!("connect error: {spaced}"),
            Self::TunnelResponse | Self::OtherTls => format!("{}:", self.as_str()),
            Self::BindFailure
            | Self::SocketCreationFailure
            | Self::SecretNotSupplied
            | Self::HandshakeReset
            | Self::CertificateHasExpired
            | Self::CertificateNotYetValid => spaced,
            _ => format!(":{}", self.as_str()),
        }
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

/// Understands a transport failure reason; `None` for an empty text.
#[must_use]
pub fn parse(text: &str) -> Option<TransportFailure<'_>> {
    let text = text.trim_matches(['"', ' ', '_']);
    if text.is_empty() || text == "-" {
        return None;
    }
    let plain = || TransportFailure { kind: prefixed(text).or_else(|| kind(text)), name: text, detail: None };
    let socket = socket(text);
    // Envoy appends what TLS said to an error of the socket: one that is known to its end has nothing behind it.
    Some(socket.filter(|failure| failure.kind.is_some()).or_else(|| tls(text)).or(socket).unwrap_or_else(plain))
}

/// Whether the TLS inspector wrote the reason (Envoy 1.37 and later): the connection did not begin with TLS, which is no
/// failure where a filter chain takes plaintext.
///
/// Source: measured under istiod 1.29.6 with Envoy 1.40; a handshake that failed reads `TLS_error:|…`.
#[must_use]
pub fn is_of_inspector(text: &str) -> bool {
    inspected(text.trim_start_matches(['"', ' ', '_'])).is_some()
}

fn inspected(text: &str) -> Option<&str> {
    text.strip_prefix("TLS_error|error:").or_else(|| text.strip_prefix("TLS error|error:"))
}

/// `TLS_error:|code:lib:func:NAME[:detail]…:TLS_error_end`, `TLS error: code:lib:func:NAME` up to Envoy 1.27, and
/// `TLS_error|error:HEX:lib:func:NAME:TLS_error_end` of the TLS inspector since 1.37.
fn tls(text: &str) -> Option<TransportFailure<'_>> {
    if let Some(inspected) = inspected(text) {
        let name = inspected.split(':').nth(3)?;
        return Some(TransportFailure { kind: kind(name).or(Some(TransportKind::OtherTls)), name, detail: None });
    }
    let start = text.find("TLS_error:").or_else(|| text.find("TLS error:"))?;
    let body = text.get(start + "TLS_error:".len()..)?.trim_start_matches(['_', ' ']);
    let body = body.split_once(":TLS_error_end").map_or(body, |(body, _)| body);
    let mut entries = body.split('|').filter(|entry| !entry.is_empty());
    let first = entries.clone().next()?;
    let entry = entries.find(|entry| Code::of(entry).is_some_and(Code::is_ssl)).unwrap_or(first);
    let mut parts = entry.splitn(5, ':');
    let (head, name) = (parts.next()?, parts.nth(2).filter(|name| !name.is_empty()));
    let Some(code) = Code::of(entry) else {
        return Some(TransportFailure { kind: kind(head).or(Some(TransportKind::OtherTls)), name: head, detail: None });
    };
    let name = name.unwrap_or(head);
    let detail = parts.next().filter(|detail| !detail.is_empty());
    let kind = if code.is_ssl() { kind(name).or_else(|| code.reason()) } else { code.reset() };
    let dated = (kind == Some(TransportKind::CertificateVerifyFailed)).then(|| detail.and_then(validity)).flatten();
    Some(TransportFailure { kind: dated.or(kind).or(Some(TransportKind::OtherTls)), name, detail })
}

/// The number of the SSL library in the codes of BoringSSL.
pub const SSL_LIBRARY: u32 = 16;

/// The code of `ECONNRESET`, said by the system library.
pub const SYSTEM_RESET: u32 = (2 << 24) + 104;

/// Reasons of the SSL library by the lower 16 bits of their codes.
pub const SSL_REASONS: &[(u32, TransportKind)] = &[
    (125, TransportKind::CertificateVerifyFailed),
    (156, TransportKind::HttpRequest),
    (192, TransportKind::PeerDidNotReturnACertificate),
    (247, TransportKind::WrongVersionNumber),
    (1040, TransportKind::AlertHandshakeFailure),
    (1042, TransportKind::AlertBadCertificate),
    (1045, TransportKind::AlertCertificateExpired),
    (1046, TransportKind::AlertCertificateUnknown),
    (1048, TransportKind::AlertUnknownCa),
    (1070, TransportKind::AlertProtocolVersion),
    (1112, TransportKind::AlertUnrecognizedName),
    (1116, TransportKind::AlertCertificateRequired),
    (1120, TransportKind::AlertNoApplicationProtocol),
];

/// BoringSSL packs `library << 24 | reason`; 2 is the system library, 16 the SSL library.
#[derive(Clone, Copy)]
struct Code(u32);

impl Code {
    fn of(entry: &str) -> Option<Self> {
        let digits = entry.split_once(':').map_or(entry, |(digits, _)| digits);
        digits.parse().ok().map(Self)
    }

    const fn is_ssl(self) -> bool {
        self.0 >> 24 == SSL_LIBRARY
    }

    /// Some log levels print the number alone; reasons from 1000 on are 1000 + the alert of RFC 8446.
    fn reason(self) -> Option<TransportKind> {
        SSL_REASONS.iter().find(|(reason, _)| *reason == self.0 & 0xFFFF).map(|(_, kind)| *kind)
    }

    /// `ECONNRESET` of the system library: the peer reset the connection during the handshake.
    const fn reset(self) -> Option<TransportKind> {
        if self.0 == SYSTEM_RESET { Some(TransportKind::HandshakeReset) } else { None }
    }
}

/// Why a certificate was refused, where its dates are the reason (Envoy 1.37 and later).
fn validity(detail: &str) -> Option<TransportKind> {
    VALIDITY.into_iter().find(|kind| ends(detail, kind.as_str()))
}

/// The kinds whose texts go on with something dynamic.
pub const BEGINNINGS: [TransportKind; 2] = [TransportKind::TunnelResponse, TransportKind::BindFailure];

/// The kinds that the detail of a refused certificate ends with.
pub const VALIDITY: [TransportKind; 2] = [TransportKind::CertificateHasExpired, TransportKind::CertificateNotYetValid];

fn prefixed(text: &str) -> Option<TransportKind> {
    BEGINNINGS.into_iter().find(|kind| begins(text, kind.as_str()))
}

/// `delayed connect error: TEXT`, `immediate connect error: TEXT|remote address:…`.
fn socket(text: &str) -> Option<TransportFailure<'_>> {
    let rest = ["delayed", "immediate"].iter().find_map(|head| text.strip_prefix(head))?;
    let rest = rest.get(1..)?.strip_prefix("connect")?.get(1..)?.strip_prefix("error:")?.trim_start_matches(['_', ' ']);
    let name = rest.split_once('|').map_or(rest, |(name, _)| name);
    Some(TransportFailure { kind: kind(name).or_else(|| errno(name)), name, detail: None })
}

/// Errors of sockets by their numbers: Envoy prints `delayed connect error: 111` where the platform gives no text.
pub const ERROR_NUMBERS: &[(&str, TransportKind)] = &[
    ("111", TransportKind::ConnectionRefused),
    ("110", TransportKind::ConnectionTimedOut),
    ("113", TransportKind::NoRouteToHost),
    ("101", TransportKind::NetworkUnreachable),
    ("99", TransportKind::CannotAssignAddress),
    ("104", TransportKind::ConnectionReset),
];

fn errno(name: &str) -> Option<TransportKind> {
    ERROR_NUMBERS.iter().find(|(number, _)| *number == name).map(|(_, kind)| *kind)
}

fn kind(name: &str) -> Option<TransportKind> {
    TransportKind::ALL.iter().copied().find(|kind| same(name, kind.as_str()))
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
