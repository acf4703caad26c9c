//! Upstreams that speak HTTP/2.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{HeaderMap, HeaderValue, Request, Response};
use tokio::runtime;
use tokio::time::{sleep, timeout};

use super::PATIENCE;
use super::kind::{UpstreamFault, UpstreamKind};
use super::processor;

/// Whether they are there.
pub const BUILT: bool = true;

/// A gRPC message `RateLimitResponse` with `overall_code: OVER_LIMIT`.
const OVER_LIMIT: &[u8] = &[0, 0, 0, 0, 2, 8, 2];

pub fn serve(kind: UpstreamKind, stream: TcpStream) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    let runtime = runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::from_std(stream)?;
        let mut connection = h2::server::handshake(stream).await.map_err(io::Error::other)?;
        while let Ok(Some(request)) = timeout(PATIENCE, connection.accept()).await {
            let (request, respond) = request.map_err(io::Error::other)?;
            // A task of its own: the connection sends nothing unless it is asked for the next request meanwhile.
            tokio::spawn(async move {
                match kind {
                    UpstreamKind::UpstreamFault(UpstreamFault::Processor) => processor::answer(request, respond).await,
                    _ => answer(kind, request, respond).await,
                }
            });
        }
        Ok(())
    })
}

async fn answer(kind: UpstreamKind, request: Request<RecvStream>, mut respond: SendResponse<Bytes>) -> Result<(), h2::Error> {
    // Let go, the request would end the stream with a reset of its own.
    let _request = request;
    let mut head = Response::new(());
    match kind {
        UpstreamKind::UpstreamFault(UpstreamFault::H2Reset) => respond.send_reset(Reason::INTERNAL_ERROR),
        UpstreamKind::UpstreamFault(UpstreamFault::H2Refuse) => respond.send_reset(Reason::REFUSED_STREAM),
        UpstreamKind::UpstreamFault(UpstreamFault::H2Cut) => {
            let mut stream = respond.send_response(head, false)?;
            stream.send_data(Bytes::from_static(b"hello"), false)?;
            sleep(Duration::from_millis(50)).await;
            stream.send_reset(Reason::INTERNAL_ERROR);
        }
        UpstreamKind::UpstreamFault(fault @ (UpstreamFault::GrpcError | UpstreamFault::OverLimit)) => {
            head.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
            let mut stream = respond.send_response(head, false)?;
            let over_limit = fault == UpstreamFault::OverLimit;
            if over_limit {
                stream.send_data(Bytes::from_static(OVER_LIMIT), false)?;
            }
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", HeaderValue::from_static(if over_limit { "0" } else { "13" }));
            stream.send_trailers(trailers)?;
        }
        _ => {
            let mut stream = respond.send_response(head, false)?;
            stream.send_data(Bytes::from_static(b"hello\n"), true)?;
        }
    }
    sleep(Duration::from_millis(100)).await;
    Ok(())
}
