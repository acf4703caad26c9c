//! Sockets to what a name resolves to.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::connector::{Address, Connection, Connector};
use crate::failure::{ConnectFailure, SocketError};

/// Most addresses of one name that are tried.
const MAX_ADDRESSES: usize = 4;

/// Connects from here, by this machine's resolver.
#[derive(Debug, Clone, Default)]
pub struct Resolver {
    /// Connects here, whatever the URL says.
    pub instead: Option<Address>,
}

impl Connector for Resolver {
    async fn connect(&self, to: &Address, patience: Duration) -> Result<Connection, ConnectFailure> {
        let to = self.instead.as_ref().unwrap_or(to);
        let resolved = timeout(patience, lookup_host((to.host.as_str(), to.port))).await;
        let unresolved = |reason: String| ConnectFailure::Unresolved { host: to.host.clone(), reason };
        let addresses: Vec<SocketAddr> = match resolved {
            Err(_) => return Err(unresolved(format!("no answer within {patience:?}"))),
            Ok(Err(error)) => return Err(unresolved(error.to_string())),
            Ok(Ok(addresses)) => addresses.take(MAX_ADDRESSES).collect(),
        };
        let mut last = unresolved("no address".to_owned());
        for address in addresses {
            let error = match timeout(patience, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(Connection { stream: Box::new(stream), peer: address.to_string() }),
                Ok(Err(error)) => SocketError::of(&error),
                Err(_) => SocketError::TimedOut,
            };
            last = ConnectFailure::Socket { address: address.to_string(), error };
        }
        Err(last)
    }
}
