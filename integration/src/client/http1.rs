//! HTTP/1.1, or whatever bytes a scenario sends.

use std::io::{ErrorKind, Read, Write};

use anyhow::{Context, Result};

use super::{Response, leaves};
use crate::request::Request;

/// The longest response that is read.
const MAX_RESPONSE: usize = 1024 * 1024;

/// Sends the request and reads what comes back; `None` if the peer closed without a byte, or the client left before.
pub fn exchange(mut stream: impl Read + Write, request: &Request) -> Result<Option<Response>> {
    // A server may answer and close before it has read everything (431): its answer counts, not our failed write.
    let _ = stream.write_all(&request.bytes()).and_then(|()| stream.flush());
    if leaves(request) {
        return Ok(None);
    }
    let received = read_until(&mut stream, complete);
    if received.is_empty() {
        return Ok(None);
    }
    parse(&received).map(Some).with_context(|| format!("not a response: {:?}", String::from_utf8_lossy(&received)))
}

/// Sends the bytes and reads until the peer closes the connection, or until the client leaves.
pub fn drain(mut stream: impl Read + Write, request: &Request) -> Result<()> {
    let _ = stream.write_all(&request.bytes()).and_then(|()| stream.flush());
    if !leaves(request) {
        read_until(&mut stream, |_| false);
    }
    Ok(())
}

fn read_until(stream: &mut impl Read, complete: impl Fn(&[u8]) -> bool) -> Vec<u8> {
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
    received
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
