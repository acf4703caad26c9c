//! A client that sends exact bytes and reads one response, bounded in time and size.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

/// The longest response that is read.
const MAX_RESPONSE: usize = 1024 * 1024;
/// How long the client waits for the next byte.
const PATIENCE: Duration = Duration::from_secs(10);

/// One HTTP/1.1 response.
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

/// Sends the bytes and reads what comes back; `None` if the peer closed without a byte.
///
/// # Errors
/// The connection or the TLS handshake failed, or the answer is not HTTP.
pub fn send(address: SocketAddr, bytes: &[u8], tls: Option<&Arc<ClientConfig>>) -> Result<Option<Response>> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).with_context(|| format!("connecting to {address}"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    match tls {
        None => exchange(stream, bytes),
        Some(config) => {
            let connection = ClientConnection::new(Arc::clone(config), ServerName::try_from("shop.demo")?)?;
            exchange(StreamOwned::new(connection, stream), bytes)
        }
    }
}

/// Asks Envoy's admin interface.
///
/// # Errors
/// It does not answer, or not with 200.
pub fn get(address: SocketAddr, path: &str) -> Result<String> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n");
    match send(address, request.as_bytes(), None)? {
        Some(response) if response.status == 200 => Ok(String::from_utf8_lossy(&response.body).into_owned()),
        other => bail!("GET {path} gave {:?}", other.map(|response| response.status)),
    }
}

fn exchange(mut stream: impl Read + Write, bytes: &[u8]) -> Result<Option<Response>> {
    // A server may answer and close before it has read everything (431): its answer counts, not our failed write.
    let _ = stream.write_all(bytes).and_then(|()| stream.flush());
    let mut received = Vec::new();
    let mut buffer = [0; 8192];
    while received.len() < MAX_RESPONSE && !complete(&received) {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => received.extend_from_slice(buffer.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // A connection cut at the end is an end all the same; TLS peers often leave without a goodbye.
            Err(_) => break,
        }
    }
    if received.is_empty() {
        return Ok(None);
    }
    parse(&received).map(Some).with_context(|| format!("not a response: {:?}", String::from_utf8_lossy(&received)))
}

fn complete(bytes: &[u8]) -> bool {
    let Some(response) = parse(bytes) else { return false };
    let bodiless = matches!(response.status, 100..=199 | 204 | 304);
    let length = response.header("content-length").and_then(|value| value.parse::<usize>().ok());
    bodiless || length.is_some_and(|length| response.body.len() >= length)
}

fn parse(bytes: &[u8]) -> Option<Response> {
    let mut headers = [httparse::EMPTY_HEADER; 128];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = head.parse(bytes).ok()? else { return None };
    let headers = head.headers.iter().map(|header| (header.name.to_ascii_lowercase(), header.value.to_vec())).collect();
    let mut response = Response { status: head.code?, headers, body: bytes.get(length..).unwrap_or_default().to_vec() };
    if response.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        response.body = dechunk(&response.body);
    }
    Some(response)
}

/// Joins the chunks that have arrived.
fn dechunk(bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    let mut rest = bytes;
    while let Ok(httparse::Status::Complete((start, size))) = httparse::parse_chunk_size(rest) {
        let Some(end) = usize::try_from(size).ok().and_then(|size| start.checked_add(size)) else { break };
        let Some(chunk) = rest.get(start..end) else { break };
        body.extend_from_slice(chunk);
        if size == 0 {
            break;
        }
        rest = rest.get(end + 2..).unwrap_or_default();
    }
    body
}
