//! TLS: what is trusted, what is shown, and what the server showed.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, Error as RustlsError, InvalidMessage, RootCertStore,
    SignatureScheme,
};

use crate::certificate::ServerCertificate;
use crate::connector::Stream;
use crate::failure::{CertificateFault, TlsFailure};
use crate::outcome::TlsSession;
use crate::request::{HttpVersion, Request, ServerNameSent};

/// Whose certificates are trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Roots<'p> {
    /// Those that this machine trusts; `SSL_CERT_FILE` and `SSL_CERT_DIR` name others.
    System,
    /// Those of this PEM alone.
    Pem(&'p [u8]),
}

/// The client's own certificate, in PEM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity<'p> {
    /// The certificate, and those between it and its authority.
    pub certificates: &'p [u8],
    /// Its private key.
    pub key: &'p [u8],
}

/// Why TLS cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// There is no certificate in the PEM of the authorities.
    #[error("no certificate in the file of the authorities (PEM)")]
    NoRoots,
    /// The client's certificate cannot be read.
    #[error("no certificate in the client's file (PEM)")]
    NoCertificate,
    /// The client's key cannot be read.
    #[error("no private key in the client's file (PEM)")]
    NoKey,
    /// Certificate and key do not fit.
    #[error("the client's certificate and key do not fit")]
    Misfit(#[source] RustlsError),
}

/// How TLS is spoken.
#[derive(Debug, Clone)]
pub struct Tls {
    roots: Arc<RootCertStore>,
    identity: Option<Arc<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>>,
    /// Whether any certificate is taken.
    is_insecure: bool,
}

impl Tls {
    /// Takes what is trusted and shown.
    ///
    /// # Errors
    /// Something of it is no PEM, or does not fit.
    pub fn new(roots: Roots<'_>, identity: Option<Identity<'_>>, is_insecure: bool) -> Result<Self, TlsError> {
        let mut store = RootCertStore::empty();
        match roots {
            // What of the system's cannot be read, the handshake will miss and name.
            Roots::System => drop(store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
            Roots::Pem(pem) => {
                let (added, _) = store.add_parsable_certificates(CertificateDer::pem_slice_iter(pem).filter_map(Result::ok));
                if added == 0 {
                    return Err(TlsError::NoRoots);
                }
            }
        }
        let identity = identity.map(own).transpose()?.map(Arc::new);
        let tls = Self { roots: Arc::new(store), identity, is_insecure };
        tls.config(&Arc::new(Verifier::default())).map_err(TlsError::Misfit)?;
        Ok(tls)
    }

    fn config(&self, verifier: &Arc<Verifier>) -> Result<ClientConfig, RustlsError> {
        let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
        let verifier: Arc<dyn ServerCertVerifier> = Arc::clone(verifier) as _;
        let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
        match self.identity.as_deref() {
            None => Ok(builder.with_no_client_auth()),
            Some((certificates, key)) => builder.with_client_auth_cert(certificates.clone(), key.clone_key()),
        }
    }

    /// Shakes hands.
    pub(crate) async fn handshake(
        &self,
        stream: Box<dyn Stream>,
        request: &Request,
        patience: Duration,
    ) -> Result<(TlsStream<Box<dyn Stream>>, TlsSession), TlsFailure> {
        let own = &request.target.host;
        let (sent, wanted) = match &request.server_name {
            ServerNameSent::OfUrl => (own, own),
            ServerNameSent::Asked(name) => (name, name),
            ServerNameSent::Wrong(name) => (name, own),
        };
        let named = |name: &String| ServerName::try_from(name.clone());
        let (Ok(sent), Ok(wanted)) = (named(sent), named(wanted)) else {
            return Err(TlsFailure::Other("the host cannot be a name in TLS".to_owned()));
        };
        let webpki = WebPkiServerVerifier::builder_with_provider(Arc::clone(&self.roots), provider()).build().ok();
        let verifier =
            Arc::new(Verifier { webpki, wanted: Some(wanted), is_insecure: self.is_insecure, shown: Mutex::default() });
        let mut config = self.config(&verifier).map_err(|error| TlsFailure::Other(error.to_string()))?;
        config.alpn_protocols = request.offered().iter().map(|protocol| protocol.to_vec()).collect();
        let ended = timeout(patience, TlsConnector::from(Arc::new(config)).connect(sent, stream)).await;
        let (certificate, fault) = verifier.shown();
        let stream = match ended {
            Err(_) => return Err(TlsFailure::TimedOut),
            Ok(Err(error)) => return Err(failure(&error, certificate, fault)),
            Ok(Ok(stream)) => stream,
        };
        let (_, session) = stream.get_ref();
        let protocol = session.alpn_protocol().map(|protocol| String::from_utf8_lossy(protocol).into_owned());
        let needs_http2 = request.version == HttpVersion::Http2 || (request.is_grpc && request.version == HttpVersion::Chosen);
        if needs_http2 && protocol.as_deref() != Some("h2") {
            return Err(TlsFailure::NoHttp2);
        }
        let version = session.protocol_version().and_then(|version| version.as_str());
        let version = version.unwrap_or("TLS").replace('_', ".");
        Ok((stream, TlsSession { version, protocol, certificate, ignored: fault }))
    }
}

fn own(identity: Identity<'_>) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(identity.certificates).filter_map(Result::ok).collect();
    if certificates.is_empty() {
        return Err(TlsError::NoCertificate);
    }
    let key = PrivateKeyDer::from_pem_slice(identity.key).map_err(|_| TlsError::NoKey)?;
    Ok((certificates, key))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// What TLS says where a session ended as soon as it had begun: a server of TLS 1.3 judges the client's certificate after the client
/// has taken the handshake for done.
pub(crate) fn alerted(error: &io::Error) -> Option<TlsFailure> {
    let is_of_tls = error.get_ref().is_some_and(|inner| inner.is::<RustlsError>());
    is_of_tls.then(|| failure(error, None, None))
}

/// What ended a handshake.
fn failure(error: &io::Error, certificate: Option<ServerCertificate>, fault: Option<CertificateFault>) -> TlsFailure {
    let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<RustlsError>()) else {
        return match error.kind() {
            io::ErrorKind::UnexpectedEof => TlsFailure::Closed,
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => TlsFailure::Reset,
            _ => TlsFailure::Other(error.to_string()),
        };
    };
    match error {
        RustlsError::AlertReceived(alert) => {
            // RFC 8446 spells this one otherwise than the library.
            let name = if *alert == AlertDescription::UnrecognisedName { "UnrecognizedName" } else { &format!("{alert:?}") };
            TlsFailure::Alert { number: u8::from(*alert), name: snake_case(name) }
        }
        RustlsError::InvalidCertificate(error) => {
            let fault = fault.unwrap_or_else(|| certificate_fault(error));
            TlsFailure::Certificate { fault, certificate: certificate.map(Box::new) }
        }
        RustlsError::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion | InvalidMessage::MessageTooLarge,
        ) => TlsFailure::NotTls,
        RustlsError::PeerIncompatible(why) => TlsFailure::NothingInCommon(format!("{why:?}")),
        RustlsError::NoApplicationProtocol => TlsFailure::NoHttp2,
        other => TlsFailure::Other(other.to_string()),
    }
}

/// `CertificateRequired` as RFC 8446 has it: `certificate_required`.
fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut letters = name.chars().peekable();
    let mut before = None;
    while let Some(letter) = letters.next() {
        let begins_word =
            letters.peek().is_some_and(char::is_ascii_lowercase) || before.is_some_and(|it: char| it.is_ascii_lowercase());
        if letter.is_ascii_uppercase() && before.is_some() && begins_word {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
        before = Some(letter);
    }
    snake
}

fn certificate_fault(error: &CertificateError) -> CertificateFault {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => CertificateFault::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => CertificateFault::NotYetValid,
        CertificateError::UnknownIssuer => CertificateFault::UnknownIssuer,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => CertificateFault::OtherName,
        other => CertificateFault::Other(other.to_string()),
    }
}

/// Judges the server's certificate by the name that is wanted, whichever was sent, and remembers both.
#[derive(Debug, Default)]
struct Verifier {
    /// Absent where nothing is trusted.
    webpki: Option<Arc<WebPkiServerVerifier>>,
    wanted: Option<ServerName<'static>>,
    is_insecure: bool,
    shown: Mutex<(Option<ServerCertificate>, Option<CertificateFault>)>,
}

impl Verifier {
    fn shown(&self) -> (Option<ServerCertificate>, Option<CertificateFault>) {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, RustlsError> {
        let wanted = self.wanted.as_ref().unwrap_or(server_name);
        let judged = match &self.webpki {
            Some(webpki) => webpki.verify_server_cert(end_entity, intermediates, wanted, ocsp_response, now),
            None => Err(CertificateError::UnknownIssuer.into()),
        };
        let fault = judged.as_ref().err().map(|error| match error {
            RustlsError::InvalidCertificate(error) => certificate_fault(error),
            other => CertificateFault::Other(other.to_string()),
        });
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = (ServerCertificate::read(end_entity), fault);
        if self.is_insecure { Ok(ServerCertVerified::assertion()) } else { judged }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        verify_tls12_signature(message, certificate, signature, &provider().signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        verify_tls13_signature(message, certificate, signature, &provider().signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_are_named_as_their_rfc_has_them() {
        for (name, expected) in [
            ("CertificateRequired", "certificate_required"),
            ("UnknownCA", "unknown_ca"),
            ("BadRecordMac", "bad_record_mac"),
            ("UnknownPSKIdentity", "unknown_psk_identity"),
        ] {
            assert_eq!(snake_case(name), expected);
        }
    }

    #[test]
    fn what_is_no_pem_is_refused() {
        let tls = |roots, identity| Tls::new(roots, identity, false).map(|_| ()).unwrap_err().to_string();
        assert!(tls(Roots::Pem(b"nothing"), None).contains("authorities"));
        let identity = Identity { certificates: b"nothing", key: b"nothing" };
        assert!(tls(Roots::System, Some(identity)).contains("certificate"));
    }
}
