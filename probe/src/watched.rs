//! A stream that remembers how it began and how it ended.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::failure::TlsFailure;
use crate::tls;

/// How many of the first bytes are remembered.
const MAX_BEGIN: usize = 32;

/// What was seen of a stream.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// The first bytes that came.
    pub(crate) begin: Vec<u8>,
    /// Whether bytes could not be written.
    pub(crate) is_unsent: bool,
    /// Whether the other end reset the connection.
    pub(crate) is_reset: bool,
    /// Whether the other end closed it.
    pub(crate) is_closed: bool,
    /// What TLS said; the libraries of HTTP do not pass it on.
    pub(crate) tls: Option<TlsFailure>,
}

/// A stream, watched.
///
/// What cannot be written is no error yet: a server may answer and hang up before it has read all, and its answer counts.
pub(crate) struct Watched<S> {
    stream: S,
    seen: Arc<Mutex<Seen>>,
}

impl<S> Watched<S> {
    pub(crate) fn new(stream: S) -> (Self, Arc<Mutex<Seen>>) {
        let seen = Arc::new(Mutex::new(Seen::default()));
        (Self { stream, seen: Arc::clone(&seen) }, seen)
    }

    fn note(&self, note: impl FnOnce(&mut Seen)) {
        note(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Takes an error of writing for a success of this many bytes.
    fn forgive(&self, written: Poll<io::Result<usize>>, length: usize) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Err(error)) if is_hang_up(&error) => {
                self.note(|seen| seen.is_unsent = true);
                Poll::Ready(Ok(length))
            }
            other => other,
        }
    }
}

fn is_hang_up(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted)
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        match &read {
            Poll::Ready(Ok(())) => {
                let came = buffer.filled().get(before..).unwrap_or_default();
                self.note(|seen| {
                    seen.is_closed |= came.is_empty();
                    let left = MAX_BEGIN.saturating_sub(seen.begin.len()).min(came.len());
                    seen.begin.extend_from_slice(came.get(..left).unwrap_or_default());
                });
            }
            Poll::Ready(Err(error)) => self.note(|seen| {
                seen.is_reset |= is_hang_up(error);
                seen.tls = seen.tls.take().or_else(|| tls::alerted(error));
            }),
            Poll::Pending => {}
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.forgive(written, bytes.len())
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context).map_ok(|()| 0);
        self.forgive(flushed, 0).map_ok(|_| ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
