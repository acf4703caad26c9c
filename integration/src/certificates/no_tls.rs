//! A harness without TLS, for scenarios that need none: its libraries take longer to build than all the rest.

use std::convert::Infallible;
use std::io;
use std::net::TcpStream;
use std::path::Path;

use anyhow::{Result, bail};

use super::{ServerIdentity, Stream};
use crate::client::request::ClientRequest;

const MISSING: &str = "the harness was built without its feature `tls`";

#[derive(Debug)]
pub(super) struct Pki;

/// There is none.
#[derive(Clone, Debug)]
pub struct TlsClient(Infallible);

/// There is none.
#[derive(Clone, Debug)]
pub struct TlsServer(Infallible);

impl Pki {
    pub(super) fn make(_directory: &Path) -> Result<Self> {
        Ok(Self)
    }

    pub(super) fn server(&self, _identity: ServerIdentity) -> Result<TlsServer> {
        bail!(MISSING)
    }

    pub(super) fn client(&self, _request: &ClientRequest) -> Result<TlsClient> {
        bail!(MISSING)
    }
}

impl TlsClient {
    pub(crate) fn connect(&self, _name: &str, _socket: TcpStream) -> Result<Box<dyn Stream>> {
        match self.0 {}
    }
}

impl TlsServer {
    pub(crate) fn accept(&self, _socket: TcpStream) -> io::Result<Box<dyn Stream>> {
        match self.0 {}
    }
}
