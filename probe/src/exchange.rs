//! The exchange itself, over a stream that stands.

use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use crate::connector::Stream;
use crate::failure::{ExchangeFailure, Failure};
use crate::outcome::{BodyEnd, Response};
use crate::request::Request;
use crate::watched::{Seen, Watched};

/// Largest headers of a response, in bytes.
const MAX_HEAD: u32 = 256 * 1024;
/// Most headers of a response.
const MAX_HEADERS: usize = 1000;
/// How much of a body is read, in bytes.
const MAX_BODY: u64 = 1024 * 1024;

/// Ends the connection with the exchange.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Sends the request and reads the response; `elapsed` is asked when its headers are there.
pub(crate) async fn exchange(
    stream: Box<dyn Stream>,
    request: &Request,
    headers: HeaderMap,
    version: Version,
    elapsed: impl Fn() -> Duration,
) -> Result<(Response, Duration), Failure> {
    let (stream, seen) = Watched::new(stream);
    let failed = |failure: ExchangeFailure| {
        let is_sent = !seen.lock().unwrap_or_else(PoisonError::into_inner).is_unsent;
        Failure::Exchange { is_sent, failure }
    };
    let sent = async {
        let (sending, driver) = respond(stream, request, headers, version).await?;
        Ok::<_, hyper::Error>((sending, driver))
    };
    let (response, driver) = match timeout(request.patience, sent).await {
        Err(_) => return Err(failed(ExchangeFailure::TimedOut)),
        Ok(Err(error)) => return Err(failed(reason(&error, &seen, version))),
        Ok(Ok(answered)) => answered,
    };
    let duration = elapsed();
    let response = read(response, request, &seen, version).await;
    drop(driver);
    Ok((response, duration))
}

/// The response as soon as its headers are there, and what drives the connection.
async fn respond(
    stream: Watched<Box<dyn Stream>>,
    request: &Request,
    headers: HeaderMap,
    version: Version,
) -> Result<(http::Response<Incoming>, Driver), hyper::Error> {
    let mut message = http::Request::new(Full::<Bytes>::from(request.sent_body()));
    *message.method_mut() = request.sent_method();
    *message.uri_mut() = request.uri(version);
    *message.version_mut() = version;
    *message.headers_mut() = headers;
    let stream = TokioIo::new(stream);
    if version == Version::HTTP_2 {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        let (mut sender, connection) = builder.max_header_list_size(MAX_HEAD).handshake(stream).await?;
        let driver = Driver(tokio::spawn(async move { drop(connection.await) }));
        return Ok((sender.send_request(message).await?, driver));
    }
    let mut builder = http1::Builder::new();
    builder.max_buf_size(MAX_HEAD as usize).max_headers(MAX_HEADERS);
    let (mut sender, connection) = builder.handshake(stream).await?;
    let driver = Driver(tokio::spawn(async move { drop(connection.await) }));
    Ok((sender.send_request(message).await?, driver))
}

async fn read(response: http::Response<Incoming>, request: &Request, seen: &Mutex<Seen>, sent: Version) -> Response {
    let (head, mut body) = response.into_parts();
    let mut response = Response {
        version: head.version,
        status: head.status.as_u16(),
        headers: fields(&head.headers),
        body: Vec::new(),
        length: 0,
        end: BodyEnd::Complete,
        trailers: Vec::new(),
    };
    let deadline = Instant::now() + request.patience;
    loop {
        let frame = match timeout_at(deadline, body.frame()).await {
            Err(_) => BodyEnd::TimedOut,
            Ok(None) => return response,
            Ok(Some(Err(error))) => BodyEnd::Broken(reason(&error, seen, sent)),
            Ok(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    let left = request.most_kept.saturating_sub(response.body.len()).min(data.len());
                    response.body.extend_from_slice(data.get(..left).unwrap_or_default());
                    response.length = response.length.saturating_add(data.len() as u64);
                }
                if let Some(trailers) = frame.trailers_ref() {
                    response.trailers = fields(trailers);
                }
                if response.length < MAX_BODY {
                    continue;
                }
                BodyEnd::Left
            }
        };
        return Response { end: frame, ..response };
    }
}

/// Headers as texts.
pub(crate) fn fields(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes()))).collect()
}

/// Why an exchange ended: by the types of the errors, and by the bytes that came.
fn reason(error: &hyper::Error, seen: &Mutex<Seen>, sent: Version) -> ExchangeFailure {
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(failure) = seen.tls {
        return ExchangeFailure::Tls(failure);
    }
    match seen.begin.as_slice() {
        // An alert or a hello of TLS.
        [0x15 | 0x16, 0x03, ..] => return ExchangeFailure::AnsweredTls,
        begin if sent == Version::HTTP_2 && begin.starts_with(b"HTTP/1") => return ExchangeFailure::AnsweredHttp1,
        // A SETTINGS frame, which every HTTP/2 server sends first.
        [0, _, _, 4, _, 0, 0, 0, 0, ..] if sent != Version::HTTP_2 => return ExchangeFailure::AnsweredHttp2,
        _ => {}
    }
    if let Some(error) = find::<h2::Error>(error)
        && let Some(reason) = error.reason()
    {
        let name = format!("{reason:?}");
        return match () {
            () if error.is_remote() && error.is_go_away() => ExchangeFailure::GoAway(name),
            () if error.is_remote() && error.is_reset() => ExchangeFailure::StreamReset(name),
            () if sent == Version::HTTP_2 && !seen.begin.is_empty() => ExchangeFailure::NotHttp,
            () => ExchangeFailure::Other(error.to_string()),
        };
    }
    match () {
        () if error.is_parse_too_large() => ExchangeFailure::TooLarge,
        () if seen.is_reset => ExchangeFailure::Reset,
        () if error.is_parse() => ExchangeFailure::NotHttp,
        () if error.is_incomplete_message() || error.is_closed() || seen.is_closed => ExchangeFailure::Closed,
        () => ExchangeFailure::Other(error.to_string()),
    }
}

/// The first cause of this type.
fn find<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    let mut error = error;
    loop {
        match error.downcast_ref() {
            Some(found) => return Some(found),
            None => error = error.source()?,
        }
    }
}
