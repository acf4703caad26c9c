//! Servers on 127.0.0.1 that misbehave in exactly one way each.

mod http1;
#[cfg(feature = "http2")]
mod http2;
#[cfg(not(feature = "http2"))]
#[path = "no_http2.rs"]
mod http2;
mod kind;
mod paths;
#[cfg(feature = "http2")]
mod processor;
mod socket;

use std::io::{self, Read as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use socket2::Socket;

pub use self::kind::{UpstreamFault, UpstreamKind};
use crate::certificates::{Certificates, ServerIdentity, TlsServer};

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

impl Upstream {
    /// Starts one.
    ///
    /// # Errors
    /// No port can be had, or the TLS library refuses a certificate.
    pub fn start(kind: UpstreamKind, certificates: &Certificates) -> Result<Self> {
        match kind {
            UpstreamKind::UpstreamFault(UpstreamFault::Refuse) => Self::held(vec![socket::bound()?]),
            UpstreamKind::UpstreamFault(UpstreamFault::Blackhole) => socket::blackhole().and_then(Self::held),
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
        ensure!(!kind.speaks_http2() || http2::BUILT, "the harness was built without its feature `http2`");
        let identity = match kind {
            UpstreamKind::UpstreamFault(UpstreamFault::Tls) => Some(ServerIdentity::Good),
            UpstreamKind::UpstreamFault(UpstreamFault::TlsUntrusted) => Some(ServerIdentity::Untrusted),
            UpstreamKind::UpstreamFault(UpstreamFault::TlsExpired) => Some(ServerIdentity::Expired),
            UpstreamKind::UpstreamFault(UpstreamFault::TlsMtls) => Some(ServerIdentity::Mutual),
            UpstreamKind::UpstreamFault(UpstreamFault::TlsH2Only) => Some(ServerIdentity::Http2Only),
            _ => None,
        };
        let tls = identity.map(|identity| certificates.server(identity)).transpose()?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let stop = Arc::new(AtomicBool::new(false));
        let upstream = Self { address: listener.local_addr()?, stop: Arc::clone(&stop), accepts: true, _held: Vec::new() };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let tls = tls.clone();
                // A failing connection is what most of these servers are for.
                thread::spawn(move || serve(kind, tls, stream));
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

fn serve(kind: UpstreamKind, tls: Option<TlsServer>, mut stream: TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let socket = stream.try_clone()?;
    match tls {
        // As Envoy does: read what came, then close without an alert.
        Some(_) if !begins_handshake(&stream)? => stream.read(&mut [0; 4096]).map(drop),
        Some(tls) => http1::serve(kind, &mut tls.accept(stream)?, &socket),
        None if kind.speaks_http2() => http2::serve(kind, stream),
        None => http1::serve(kind, &mut stream, &socket),
    }
}

/// Whether the client begins with a TLS handshake.
fn begins_handshake(stream: &TcpStream) -> io::Result<bool> {
    const HANDSHAKE: u8 = 22;
    let mut first = [0];
    Ok(stream.peek(&mut first)? == 1 && first == [HANDSHAKE])
}
