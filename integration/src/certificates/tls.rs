//! The certificates, and the TLS of the harness's own clients and servers.

use std::fs;
use std::io;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType, date_time_ymd};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::{SERVICE_ACCOUNTS, ServerIdentity, Stream};
use crate::client::request::{ClientRequest, ClientTls};

/// What the clients and servers of the harness show and trust.
#[derive(Debug)]
pub(super) struct Pki {
    ca: CertificateDer<'static>,
    server: Pair,
    untrusted: Pair,
    expired: Pair,
    client: Pair,
}

/// How a client does TLS.
#[derive(Clone, Debug)]
pub struct TlsClient(Arc<ClientConfig>);

/// How a server does TLS.
#[derive(Clone, Debug)]
pub struct TlsServer(Arc<ServerConfig>);

#[derive(Debug)]
struct Pair {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Pki {
    pub(super) fn make(directory: &Path) -> Result<Self> {
        let trusted = authority("meshwhy test authority")?;
        let stranger = authority("somebody else")?;
        fs::write(directory.join("ca.pem"), &trusted.pem)?;
        SERVICE_ACCOUNTS.iter().try_for_each(|account| workload(&trusted, directory, account))?;
        Ok(Self {
            ca: CertificateDer::from_pem_slice(trusted.pem.as_bytes())?,
            server: leaf(&trusted, directory, "server", false)?,
            untrusted: leaf(&stranger, directory, "untrusted", false)?,
            expired: leaf(&trusted, directory, "expired", true)?,
            client: leaf(&trusted, directory, "client", false)?,
        })
    }

    pub(super) fn server(&self, identity: ServerIdentity) -> Result<TlsServer> {
        let pair = match identity {
            ServerIdentity::Good | ServerIdentity::Mutual | ServerIdentity::Http2Only => &self.server,
            ServerIdentity::Untrusted => &self.untrusted,
            ServerIdentity::Expired => &self.expired,
        };
        let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
        let builder = if identity == ServerIdentity::Mutual {
            builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(Arc::new(self.roots()?), provider()).build()?,
            )
        } else {
            builder.with_no_client_auth()
        };
        let mut config = builder.with_single_cert(vec![pair.certificate.clone()], pair.key.clone_key())?;
        if identity == ServerIdentity::Http2Only {
            config.alpn_protocols = vec![b"h2".to_vec()];
        }
        Ok(TlsServer(Arc::new(config)))
    }

    pub(super) fn client(&self, request: &ClientRequest) -> Result<TlsClient> {
        let pair = match request.tls {
            ClientTls::None | ClientTls::Server => None,
            ClientTls::Mutual => Some(&self.client),
            ClientTls::Untrusted => Some(&self.untrusted),
            ClientTls::Expired => Some(&self.expired),
        };
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(self.roots()?);
        let mut config = match pair {
            None => builder.with_no_client_auth(),
            Some(pair) => builder.with_client_auth_cert(vec![pair.certificate.clone()], pair.key.clone_key())?,
        };
        config.alpn_protocols = request.alpn.iter().map(|protocol| protocol.clone().into_bytes()).collect();
        Ok(TlsClient(Arc::new(config)))
    }

    fn roots(&self) -> Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.ca.clone())?;
        Ok(roots)
    }
}

impl TlsClient {
    /// The encrypted connection to the server of this name; the handshake takes place with the first byte.
    ///
    /// # Errors
    /// It is no name.
    pub fn connect(&self, name: &str, socket: TcpStream) -> Result<Box<dyn Stream>> {
        let connection = ClientConnection::new(Arc::clone(&self.0), ServerName::try_from(name.to_owned())?)?;
        Ok(Box::new(StreamOwned::new(connection, socket)))
    }
}

impl TlsServer {
    /// The encrypted connection with a client; the handshake takes place with the first byte.
    ///
    /// # Errors
    /// The TLS library refuses its configuration.
    pub fn accept(&self, socket: TcpStream) -> io::Result<impl Stream + use<>> {
        let connection = ServerConnection::new(Arc::clone(&self.0)).map_err(io::Error::other)?;
        Ok(StreamOwned::new(connection, socket))
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn authority(name: &str) -> Result<Authority> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate()?;
    let pem = params.self_signed(&key)?.pem();
    Ok(Authority { issuer: Issuer::new(params, key), pem })
}

fn leaf(authority: &Authority, directory: &Path, name: &str, expired: bool) -> Result<Pair> {
    let mut params = CertificateParams::new(["shop.demo".to_owned(), "127.0.0.1".to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, name);
    if expired {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2020, 2, 1);
    }
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &authority.issuer)?;
    fs::write(directory.join(format!("{name}.pem")), certificate.pem())?;
    fs::write(directory.join(format!("{name}.key")), key.serialize_pem())?;
    Ok(Pair { certificate: certificate.der().clone(), key: PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes())? })
}

/// A certificate as Istio gives it to workloads: its only name is a SPIFFE id.
fn workload(authority: &Authority, directory: &Path, account: &str) -> Result<()> {
    let mut params = CertificateParams::new(Vec::new())?;
    let id = format!("spiffe://cluster.local/ns/demo/sa/{account}");
    params.subject_alt_names = vec![SanType::URI(id.as_str().try_into()?)];
    let key = KeyPair::generate()?;
    fs::write(directory.join(format!("sa-{account}.pem")), params.signed_by(&key, &authority.issuer)?.pem())?;
    fs::write(directory.join(format!("sa-{account}.key")), key.serialize_pem())?;
    Ok(())
}
