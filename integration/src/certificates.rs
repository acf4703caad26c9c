//! Certificates made anew for every run, so that none is ever out of date by accident.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType, date_time_ymd};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::client::request::{ClientTls, Request};

/// The service accounts in the namespace `demo` that have a certificate.
pub const SERVICE_ACCOUNTS: [&str; 3] = ["web", "edge", "shop"];

/// A small PKI: two authorities, of which everyone trusts only the first.
#[derive(Debug)]
pub struct Certificates {
    directory: PathBuf,
    ca: CertificateDer<'static>,
    server: Pair,
    untrusted: Pair,
    expired: Pair,
    client: Pair,
}

/// Which certificate a server shows, and whether it asks for the client's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerIdentity {
    /// A good one.
    Good,
    /// One of an authority that nobody trusts.
    Untrusted,
    /// One whose time is over.
    Expired,
    /// A good one, and the client must show one as well.
    Mutual,
    /// A good one, for clients that offer HTTP/2.
    Http2Only,
}

#[derive(Debug)]
struct Pair {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Certificates {
    /// Makes them and writes the PEM files that Envoy needs into `directory`.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn make(directory: &Path) -> Result<Self> {
        let trusted = authority("meshwhy test authority")?;
        let stranger = authority("somebody else")?;
        fs::write(directory.join("ca.pem"), &trusted.pem)?;
        SERVICE_ACCOUNTS.iter().try_for_each(|account| workload(&trusted, directory, account))?;
        Ok(Self {
            directory: directory.to_path_buf(),
            ca: CertificateDer::from_pem_slice(trusted.pem.as_bytes())?,
            server: leaf(&trusted, directory, "server", false)?,
            untrusted: leaf(&stranger, directory, "untrusted", false)?,
            expired: leaf(&trusted, directory, "expired", true)?,
            client: leaf(&trusted, directory, "client", false)?,
        })
    }

    /// The placeholders of scenarios and what they stand for.
    pub fn placeholders(&self) -> Vec<(&'static str, String)> {
        [
            ("{{ca}}", "ca.pem"),
            ("{{server_cert}}", "server.pem"),
            ("{{server_key}}", "server.key"),
            ("{{client_cert}}", "client.pem"),
            ("{{client_key}}", "client.key"),
            ("{{untrusted_cert}}", "untrusted.pem"),
            ("{{untrusted_key}}", "untrusted.key"),
            ("{{expired_cert}}", "expired.pem"),
            ("{{expired_key}}", "expired.key"),
        ]
        .into_iter()
        .map(|(word, file)| (word, self.directory.join(file).display().to_string()))
        .collect()
    }

    /// The path of the authority that everyone trusts.
    pub fn authority(&self) -> PathBuf {
        self.directory.join("ca.pem")
    }

    /// The paths of the certificate and the key of a workload, one of [`SERVICE_ACCOUNTS`].
    pub fn workload(&self, account: &str) -> (PathBuf, PathBuf) {
        (self.directory.join(format!("sa-{account}.pem")), self.directory.join(format!("sa-{account}.key")))
    }

    /// A TLS server's configuration.
    ///
    /// # Errors
    /// The TLS library refuses the certificate.
    pub fn server(&self, identity: ServerIdentity) -> Result<Arc<ServerConfig>> {
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
        Ok(Arc::new(config))
    }

    /// A TLS client's configuration, absent if the client speaks plaintext.
    ///
    /// # Errors
    /// The TLS library refuses the certificate.
    pub fn client(&self, request: &Request) -> Result<Option<Arc<ClientConfig>>> {
        let pair = match request.tls {
            ClientTls::None => return Ok(None),
            ClientTls::Server => None,
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
        Ok(Some(Arc::new(config)))
    }

    fn roots(&self) -> Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.ca.clone())?;
        Ok(roots)
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
