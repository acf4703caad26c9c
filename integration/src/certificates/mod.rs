//! Certificates made anew for every run, so that none is ever out of date by accident.

#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "no_tls.rs"]
mod tls;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;

use self::tls::Pki;
pub use self::tls::{TlsClient, TlsServer};
use crate::client::request::{ClientRequest, ClientTls};

/// The service accounts in the namespace `demo` that have a certificate.
pub const SERVICE_ACCOUNTS: [&str; 3] = ["web", "edge", "shop"];

/// A small PKI: two authorities, of which everyone trusts only the first.
#[derive(Debug)]
pub struct Certificates {
    directory: PathBuf,
    pki: Pki,
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

/// One end of a connection, whatever it is encrypted with.
pub trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

impl Certificates {
    /// Makes them and writes the PEM files that Envoy needs into `directory`; without the feature `tls` there are none.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn make(directory: &Path) -> Result<Self> {
        Ok(Self { directory: directory.to_path_buf(), pki: Pki::make(directory)? })
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
    /// The TLS library refuses the certificate, or there is none.
    pub fn server(&self, identity: ServerIdentity) -> Result<TlsServer> {
        self.pki.server(identity)
    }

    /// A TLS client's configuration, absent if the client speaks plaintext.
    ///
    /// # Errors
    /// As [`Self::server`].
    pub fn client(&self, request: &ClientRequest) -> Result<Option<TlsClient>> {
        (request.tls != ClientTls::None).then(|| self.pki.client(request)).transpose()
    }
}
