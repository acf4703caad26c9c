//! Servers on 127.0.0.1 that misbehave in exactly one way each.

mod http1;
mod http2;
mod kind;
mod socket;

use std::io::{self, Read as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use socket2::Socket;

pub use self::kind::{Fault, UpstreamKind};
use crate::certificates::{Certificates, ServerIdentity};

/// How long a connection may stay without a byte before the server gives it up.
const PATIENCE: Duration = Duration::from_secs(10);

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

/// What the thread of a connection needs to know.
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
            UpstreamKind::Fault(Fault::Refuse) => Self::held(vec![socket::bound()?]),
            UpstreamKind::Fault(Fault::Blackhole) => socket::blackhole().and_then(Self::held),
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
            UpstreamKind::Fault(Fault::Tls) => Some(ServerIdentity::Good),
            UpstreamKind::Fault(Fault::TlsUntrusted) => Some(ServerIdentity::Untrusted),
            UpstreamKind::Fault(Fault::TlsExpired) => Some(ServerIdentity::Expired),
            UpstreamKind::Fault(Fault::TlsMtls) => Some(ServerIdentity::Mutual),
            UpstreamKind::Fault(Fault::TlsH2Only) => Some(ServerIdentity::Http2Only),
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
        stream.set_nodelay(true)?;
        match &self.tls {
            Some(_) if !says_hello(&stream)? => {
                // As Envoy does: read what came, then close without an alert.
                let _ = stream.read(&mut [0; 4096])?;
                Ok(())
            }
            Some(tls) => {
                let connection = ServerConnection::new(Arc::clone(tls)).map_err(io::Error::other)?;
                http1::answer_all(self, &mut StreamOwned::new(connection, stream))
            }
            None if self.kind.speaks_http2() => http2::serve(self, stream),
            None => http1::serve(self, stream),
        }
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Waits, but not longer than the upstream lives.
    fn rest(&self, time: Duration) {
        let step = Duration::from_millis(10);
        let mut left = time;
        while !left.is_zero() && !self.stopped() {
            thread::sleep(step);
            left = left.saturating_sub(step);
        }
    }
}

/// Whether the client begins with a TLS handshake.
fn says_hello(stream: &TcpStream) -> io::Result<bool> {
    const HANDSHAKE: u8 = 22;
    let mut first = [0];
    Ok(stream.peek(&mut first)? == 1 && first == [HANDSHAKE])
}
