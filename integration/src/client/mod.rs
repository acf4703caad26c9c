//! A client that does what a scenario or an exchange says, bounded in time and size.

mod connection;
pub mod frames;
pub mod request;
mod response;

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};

pub use self::connection::{Connection, Step};
use self::request::{ClientRequest, HttpVersion};
pub use self::response::{Response, parse};
use crate::certificates::TlsClient;

/// Sends a request on a connection of its own and reads what comes back; `None` if the peer ended the stream without a response, or the
/// client left before.
///
/// # Errors
/// The connection failed, or the answer is not HTTP.
pub fn send(address: SocketAddr, request: &ClientRequest, tls: Option<&TlsClient>) -> Result<Option<Response>> {
    let http2 = request.protocol == HttpVersion::Http2;
    ensure!(!http2 || tls.is_none(), "the client speaks HTTP/2 in plaintext only");
    let received = play(address, request, tls, &request.steps()?)?;
    if received.is_empty() || request.leave_after_ms.is_some() {
        return Ok(None);
    }
    if http2 {
        return Ok(frames::events(&received).get(&request.stream()).and_then(|events| Response::of_stream(events)));
    }
    parse(&received).map(Some).with_context(|| format!("not a response: {:?}", String::from_utf8_lossy(&received)))
}

/// Sends bytes to something that is not HTTP and waits until it closes the connection, or until the client leaves.
///
/// # Errors
/// The connection failed.
pub fn send_bytes(address: SocketAddr, request: &ClientRequest) -> Result<()> {
    play(address, request, None, &request.sent_and(Step::AwaitEnd)).map(drop)
}

/// Asks Envoy's admin interface.
///
/// # Errors
/// It does not answer, or not with 200.
pub fn get(address: SocketAddr, path: &str) -> Result<String> {
    let request = ClientRequest::raw(format!("GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n"));
    match send(address, &request, None)? {
        Some(response) if response.status == 200 => Ok(String::from_utf8_lossy(&response.body).into_owned()),
        other => bail!("GET {path} gave {:?}", other.map(|response| response.status)),
    }
}

fn play(address: SocketAddr, request: &ClientRequest, tls: Option<&TlsClient>, steps: &[Step]) -> Result<Vec<u8>> {
    let mut connection = Connection::open(address, tls.map(|tls| (tls, &*request.server_name)))?;
    steps.iter().try_for_each(|step| connection.take(step))?;
    Ok(connection.received)
}
