//! A client that sends what a scenario says and reads one response, bounded in time and size.

mod http1;
mod http2;

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::request::{HttpVersion, Request};

/// How long the client waits for the next byte.
const PATIENCE: Duration = Duration::from_secs(10);

/// One HTTP response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers in the order on the wire, names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, cut at the first megabyte.
    pub body: Vec<u8>,
}

impl Response {
    /// All values of one header, joined as HTTP allows for lists; absent if there is none.
    pub fn header(&self, name: &str) -> Option<String> {
        let values: Vec<_> =
            self.headers.iter().filter(|(header, _)| header == name).map(|(_, value)| String::from_utf8_lossy(value)).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }
}

/// Sends a request on a connection of its own and reads what comes back; `None` if the peer ended the stream without a response, or the
/// client left before.
///
/// # Errors
/// The connection failed, or the answer is not HTTP.
pub fn send(address: SocketAddr, request: &Request, tls: Option<&Arc<ClientConfig>>) -> Result<Option<Response>> {
    let stream = connect(address)?;
    match (request.protocol, tls) {
        (HttpVersion::Http2, None) if request.raw.is_some() => http1::drain(stream, request).map(|()| None),
        (HttpVersion::Http2, None) => http2::exchange(stream, request),
        (HttpVersion::Http2, Some(_)) => bail!("the client speaks HTTP/2 in plaintext only"),
        (HttpVersion::Http1, None) => http1::exchange(stream, request),
        (HttpVersion::Http1, Some(config)) => {
            let name = ServerName::try_from(request.server_name.clone())?;
            let connection = ClientConnection::new(Arc::clone(config), name)?;
            http1::exchange(StreamOwned::new(connection, stream), request)
        }
    }
}

/// Sends bytes to something that is not HTTP and waits until it closes the connection, or until the client leaves.
///
/// # Errors
/// The connection failed.
pub fn send_bytes(address: SocketAddr, request: &Request, tls: Option<&Arc<ClientConfig>>) -> Result<()> {
    let stream = connect(address)?;
    ensure!(tls.is_none(), "the client speaks TCP in plaintext only");
    http1::drain(stream, request)
}

/// Asks Envoy's admin interface.
///
/// # Errors
/// It does not answer, or not with 200.
pub fn get(address: SocketAddr, path: &str) -> Result<String> {
    let request = Request::raw(format!("GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n"));
    match send(address, &request, None)? {
        Some(response) if response.status == 200 => Ok(String::from_utf8_lossy(&response.body).into_owned()),
        other => bail!("GET {path} gave {:?}", other.map(|response| response.status)),
    }
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).with_context(|| format!("connecting to {address}"))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Waits as long as a client stays that leaves before the response; false if it waits for the response.
fn leaves(request: &Request) -> bool {
    let Some(time) = request.leave_after_ms else { return false };
    thread::sleep(Duration::from_millis(time));
    true
}
