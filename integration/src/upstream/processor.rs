//! An external processor, as Envoy's filter `ext_proc` asks one: a gRPC stream for each request, a message for each part of it.
//!
//! What it does stands in the request's header `x-process`, as `NAME:WISH`; a processor whose call has the header `processor: NAME` does it,
//! any other lets everything pass. The wishes: `request`, `request-body`, `response`, `response-body` (answer that part with 403 itself),
//! `fail-request`, `fail-response` (end the call with an error there), `hang-request`, `hang-response` (say nothing).
//!
//! Source: Envoy `api/envoy/service/ext_proc/v3/external_processor.proto`, 1.40.

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use h2::server::SendResponse;
use h2::{Error, RecvStream, SendStream};
use http::{HeaderMap, HeaderValue, Request, Response};
use tokio::time::sleep;

/// The number of bytes in front of a gRPC message.
const PREFIX: usize = 5;
/// `ProcessingResponse.immediate_response` with `status.code: 403`.
const IMMEDIATE: &[u8] = &[0x3a, 5, 0x0a, 3, 0x08, 0x93, 3];

/// A part of a request, by the number of its field in `ProcessingRequest`.
#[derive(Clone, Copy)]
struct Part {
    field: u8,
    name: &'static str,
    /// The field of `ProcessingResponse` that lets it pass.
    passed: u8,
}

const PARTS: [Part; 6] = [
    Part { field: 2, name: "request", passed: 1 },
    Part { field: 3, name: "response", passed: 2 },
    Part { field: 4, name: "request-body", passed: 3 },
    Part { field: 5, name: "response-body", passed: 4 },
    Part { field: 6, name: "request-trailers", passed: 5 },
    Part { field: 7, name: "response-trailers", passed: 6 },
];

/// Answers one call.
pub async fn answer(request: Request<RecvStream>, mut respond: SendResponse<Bytes>) -> Result<(), Error> {
    let name = request.headers().get("processor").cloned();
    let mut head = Response::new(());
    head.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    let mut stream = respond.send_response(head, false)?;
    let mut calls = request.into_body();
    let mut received = BytesMut::new();
    let mut wish = None;
    while let Some(data) = calls.data().await {
        let data = data?;
        let _ = calls.flow_control().release_capacity(data.len());
        received.extend_from_slice(&data);
        while let Some(message) = message(&mut received) {
            let Some(part) = PARTS.into_iter().find(|part| part.is_in(&message)) else { continue };
            if part.field == 2 {
                wish = name.as_ref().and_then(|name| wished(&message, name.as_bytes()));
            }
            match wish.as_deref() {
                Some(wish) if wish == part.name => send(&mut stream, IMMEDIATE)?,
                Some(wish) if wish.strip_prefix("fail-") == Some(part.name) => return end(stream, "13"),
                Some(wish) if wish.strip_prefix("hang-") == Some(part.name) => sleep(Duration::from_secs(2)).await,
                _ => send(&mut stream, &[part.passed << 3 | 2, 0])?,
            }
        }
    }
    end(stream, "0")
}

impl Part {
    /// Whether the message is about it: its field is one of the message's own, none of which is in front of it but small ones.
    fn is_in(self, message: &[u8]) -> bool {
        let tag = self.field << 3 | 2;
        message.first() == Some(&tag)
    }
}

/// Takes a whole message out of what came.
fn message(received: &mut BytesMut) -> Option<BytesMut> {
    let length = received.get(1..PREFIX)?.try_into().map(u32::from_be_bytes).ok()?;
    let end = PREFIX.checked_add(usize::try_from(length).ok()?)?;
    if received.len() < end {
        return None;
    }
    let mut message = received.split_to(end);
    message.advance(PREFIX);
    Some(message)
}

/// The wish for this processor, wherever in the message the headers are.
fn wished(message: &[u8], name: &[u8]) -> Option<String> {
    let wanted = [name, b":".as_slice()].concat();
    let at = message.windows(wanted.len()).position(|window| window == wanted)?;
    let rest = message.get(at.checked_add(wanted.len())?..)?;
    let word = rest.iter().take_while(|byte| byte.is_ascii_lowercase() || **byte == b'-');
    Some(word.copied().map(char::from).collect())
}

fn send(stream: &mut SendStream<Bytes>, message: &[u8]) -> Result<(), Error> {
    let length = u32::try_from(message.len()).unwrap_or_default().to_be_bytes();
    stream.send_data([&[0], length.as_slice(), message].concat().into(), false)
}

fn end(mut stream: SendStream<Bytes>, status: &'static str) -> Result<(), Error> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static(status));
    stream.send_trailers(trailers)
}
