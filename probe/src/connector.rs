//! How a stream of bytes to the server comes about: a socket here, a tunnel elsewhere.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::failure::ConnectFailure;

/// A stream of bytes in both directions.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

/// Where to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A name, or an address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(to, "[{}]:{}", self.host, self.port)
        } else {
            write!(to, "{}:{}", self.host, self.port)
        }
    }
}

/// A connection that stands.
pub struct Connection {
    /// The bytes.
    pub stream: Box<dyn Stream>,
    /// Whom it leads to, for people: `10.0.0.7:9080`.
    pub peer: String,
}

/// Opens connections.
pub trait Connector: Sync {
    /// Connects, and gives up each step of it after `patience`.
    ///
    /// # Errors
    /// The name does not resolve, or nobody takes the connection.
    fn connect(&self, to: &Address, patience: Duration) -> impl Future<Output = Result<Connection, ConnectFailure>> + Send;
}
