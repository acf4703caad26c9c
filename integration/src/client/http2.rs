//! HTTP/2 without TLS.

use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::{Bytes, BytesMut};
use h2::client::SendRequest;
use h2::{Reason, RecvStream, SendStream};
use tokio::runtime;
use tokio::time::{sleep, timeout};

use super::{PATIENCE, Response};
use crate::request::{Request, StreamEnd};

/// Sends the request and reads what comes back; `None` if the peer reset the stream or closed the connection, or the client left before.
pub fn exchange(stream: TcpStream, request: &Request) -> Result<Option<Response>> {
    stream.set_nonblocking(true)?;
    let runtime = runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::from_std(stream)?;
        let (client, connection) = h2::client::handshake(stream).await.context("the HTTP/2 preface")?;
        // Ends with the runtime. What went wrong with the connection, the stream says as well.
        tokio::spawn(connection);
        timeout(PATIENCE, talk(client, request)).await.unwrap_or(Ok(None))
    })
}

async fn talk(mut client: SendRequest<Bytes>, request: &Request) -> Result<Option<Response>> {
    for _ in 0..request.resets {
        let Ok((_, mut stream)) = open(&mut client, request, true).await? else { return Ok(None) };
        // Lets the connection send the headers: a stream that is reset before would never be seen.
        sleep(Duration::from_micros(100)).await;
        stream.send_reset(Reason::CANCEL);
    }
    let body = request.body();
    let Ok((response, mut stream)) = open(&mut client, request, body.is_empty() && !request.unfinished).await? else {
        return Ok(None);
    };
    if !body.is_empty() {
        // A server may answer and reset the stream before it has everything. The end has a frame of its own: a filter that buffers
        // does not look at the size of a body that comes in one piece.
        let _ = stream.send_data(body.into(), false);
        sleep(Duration::from_millis(10)).await;
        let _ = if request.unfinished { Ok(()) } else { stream.send_data(Bytes::new(), true) };
    }
    if let Some(time) = request.leave_after_ms {
        sleep(Duration::from_millis(time)).await;
        let reason = match request.end {
            StreamEnd::Ordinary => return Ok(None),
            StreamEnd::Cancel => Reason::CANCEL,
            StreamEnd::Refuse => Reason::REFUSED_STREAM,
        };
        stream.send_reset(reason);
        // The connection outlives the stream, or its end would be the news.
        sleep(Duration::from_millis(100)).await;
        return Ok(None);
    }
    let Ok(response) = response.await else { return Ok(None) };
    let (head, body) = response.into_parts();
    let headers = head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
    Ok(Some(Response { status: head.status.as_u16(), headers, body: read(body).await }))
}

type Opened = std::result::Result<(h2::client::ResponseFuture, SendStream<Bytes>), h2::Error>;

async fn open(client: &mut SendRequest<Bytes>, request: &Request, end: bool) -> Result<Opened> {
    let uri = format!("http://{}{}", request.host(), request.path);
    let mut head = http::Request::builder().method(request.method.as_str()).uri(uri);
    for (name, value) in request.fields() {
        head = head.header(name, value);
    }
    let head = head.body(()).context("a request that HTTP/2 cannot carry")?;
    let ready = std::future::poll_fn(|context| client.poll_ready(context)).await;
    Ok(ready.and_then(|()| client.send_request(head, end)))
}

/// The body until it ends, however it ends.
async fn read(mut body: RecvStream) -> Vec<u8> {
    let mut read = BytesMut::new();
    while let Some(Ok(data)) = body.data().await {
        let _ = body.flow_control().release_capacity(data.len());
        read.extend_from_slice(&data);
    }
    read.to_vec()
}
