//! Servers on 127.0.0.1 that misbehave in exactly one way each.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde::Deserialize;
use socket2::{Domain, SockRef, Socket, Type};

use crate::certificates::{Certificates, ServerIdentity};

/// How long a connection may stay without a byte before the server gives it up.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest request head that an upstream reads.
const MAX_HEAD: usize = 256 * 1024;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 6\r\n\r\nhello\n";
const BROKEN: &str = "HTTP/1.1 500 Internal Server Error\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\noops\n";
const BAD_REQUEST: &str = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
const NOT_HTTP: &str = "\u{1}\u{2}220 mail.demo ESMTP ready\r\n\r\n";

/// How an upstream behaves.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum UpstreamKind {
    /// Answers 200.
    Http,
    /// Answers 500.
    #[serde(rename = "http-500")]
    Http500,
    /// Its port is closed.
    Refuse,
    /// Never completes a connection.
    Blackhole,
    /// Reads the request, then resets the connection.
    Reset,
    /// Reads the request, then closes the connection.
    Close,
    /// Answers 200 once and closes the connection a little later.
    CloseAfterIdle,
    /// Reads and never answers.
    Hang,
    /// Answers 200 after a second.
    Slow,
    /// Answers 200 over TLS; closes the connection of a client that speaks plaintext.
    Tls,
    /// Shows a certificate of an authority that nobody trusts.
    TlsUntrusted,
    /// Shows a certificate whose time is over.
    TlsExpired,
    /// Asks for a client certificate.
    TlsMtls,
    /// Answers whatever comes, a TLS hello included, with a plaintext 400.
    PlainOnTls,
    /// Answers with bytes that are not HTTP.
    Garbage,
}

/// A running upstream; it ends when dropped.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    /// Whether a thread waits for connections and must be woken.
    accepts: bool,
    /// Sockets that do their part by being there.
    _held: Vec<Socket>,
}

#[derive(Clone)]
struct Behaviour {
    kind: UpstreamKind,
    tls: Option<Arc<ServerConfig>>,
    stop: Arc<AtomicBool>,
}

impl Upstream {
    /// Starts one.
    ///
    /// # Errors
    /// No port can be had, or the TLS library refuses a certificate.
    pub fn start(kind: UpstreamKind, certificates: &Certificates) -> Result<Self> {
        match kind {
            UpstreamKind::Refuse => Self::held(vec![bound()?]),
            UpstreamKind::Blackhole => blackhole().and_then(Self::held),
            _ => Self::serving(kind, certificates),
        }
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    fn held(sockets: Vec<Socket>) -> Result<Self> {
        let first = sockets.first().context("no socket")?;
        let address = first.local_addr()?.as_socket().context("not an IP address")?;
        Ok(Self { address, stop: Arc::default(), accepts: false, _held: sockets })
    }

    fn serving(kind: UpstreamKind, certificates: &Certificates) -> Result<Self> {
        let identity = match kind {
            UpstreamKind::Tls => Some(ServerIdentity::Good),
            UpstreamKind::TlsUntrusted => Some(ServerIdentity::Untrusted),
            UpstreamKind::TlsExpired => Some(ServerIdentity::Expired),
            UpstreamKind::TlsMtls => Some(ServerIdentity::Mutual),
            _ => None,
        };
        let tls = identity.map(|identity| certificates.server(identity)).transpose()?;
        let behaviour = Behaviour { kind, tls, stop: Arc::default() };
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let upstream =
            Self { address: listener.local_addr()?, stop: Arc::clone(&behaviour.stop), accepts: true, _held: Vec::new() };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if behaviour.stop.load(Ordering::Relaxed) {
                    break;
                }
                let behaviour = behaviour.clone();
                // A failing connection is what most of these servers are for.
                thread::spawn(move || behaviour.serve(stream));
            }
        });
        Ok(upstream)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if self.accepts {
            let _ = TcpStream::connect(self.address);
        }
    }
}

impl Behaviour {
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        match &self.tls {
            Some(_) if !says_hello(&stream)? => {
                // As Envoy does: read what came, then close without an alert.
                let _ = stream.read(&mut [0; 4096])?;
                Ok(())
            }
            Some(tls) => {
                let connection = ServerConnection::new(Arc::clone(tls)).map_err(io::Error::other)?;
                self.answer_all(&mut StreamOwned::new(connection, stream), OK)
            }
            None => match self.kind {
                UpstreamKind::Http500 => self.answer_all(&mut stream, BROKEN),
                UpstreamKind::Garbage => self.answer_all(&mut stream, NOT_HTTP),
                UpstreamKind::Reset => {
                    read_head(&mut stream)?;
                    SockRef::from(&stream).set_linger(Some(Duration::ZERO))
                }
                UpstreamKind::Close => read_head(&mut stream).map(drop),
                UpstreamKind::CloseAfterIdle => {
                    self.answer_once(&mut stream, OK)?;
                    self.rest(Duration::from_millis(50));
                    Ok(())
                }
                UpstreamKind::Hang => {
                    read_head(&mut stream)?;
                    self.rest(PATIENCE);
                    Ok(())
                }
                UpstreamKind::Slow => {
                    read_head(&mut stream)?;
                    self.rest(Duration::from_secs(1));
                    stream.write_all(OK.as_bytes())
                }
                UpstreamKind::PlainOnTls => {
                    let _ = stream.read(&mut [0; 1024])?;
                    stream.write_all(BAD_REQUEST.as_bytes())
                }
                _ => self.answer_all(&mut stream, OK),
            },
        }
    }

    fn answer_all(&self, stream: &mut (impl Read + Write), answer: &str) -> io::Result<()> {
        while !self.stop.load(Ordering::Relaxed) {
            self.answer_once(stream, answer)?;
        }
        Ok(())
    }

    fn answer_once(&self, stream: &mut (impl Read + Write), answer: &str) -> io::Result<()> {
        read_head(stream)?;
        stream.write_all(answer.as_bytes())?;
        stream.flush()
    }

    /// Waits, but not longer than the upstream lives.
    fn rest(&self, time: Duration) {
        let step = Duration::from_millis(10);
        let mut left = time;
        while !left.is_zero() && !self.stop.load(Ordering::Relaxed) {
            thread::sleep(step);
            left = left.saturating_sub(step);
        }
    }
}

/// A port that is taken and not listened on: nobody else can have it, and connecting is refused.
fn bound() -> Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    Ok(socket)
}

/// A listener whose queue is full: the kernel drops further connection attempts without an answer.
fn blackhole() -> Result<Vec<Socket>> {
    let listener = bound()?;
    listener.listen(0)?;
    let address = listener.local_addr()?;
    let mut sockets = vec![listener];
    for _ in 0..4 {
        let filler = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        filler.set_nonblocking(true)?;
        // "In progress" is the answer that is wanted.
        let _ = filler.connect(&address);
        sockets.push(filler);
    }
    Ok(sockets)
}

/// Whether the client begins with a TLS handshake.
fn says_hello(stream: &TcpStream) -> io::Result<bool> {
    const HANDSHAKE: u8 = 22;
    let mut first = [0];
    Ok(stream.peek(&mut first)? == 1 && first == [HANDSHAKE])
}

/// Reads one request head; the requests of scenarios have no bodies.
fn read_head(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        let read = stream.read(&mut buffer)?;
        if read == 0 || head.len() > MAX_HEAD {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        head.extend_from_slice(buffer.get(..read).unwrap_or_default());
    }
    Ok(head)
}
