//! One connection of a client, and what it does there step by step.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use socket2::SockRef;

use super::{frames, response};
use crate::certificates::{Stream, TlsClient};

/// The longest that a client waits for the next byte.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most that it reads.
const MAX_RECEIVED: usize = 1024 * 1024;

/// One act of a client.
#[derive(Clone, Debug)]
pub enum Step {
    /// Sends these bytes; a server that has answered and hung up before is no error.
    Send(Vec<u8>),
    /// Reads until these bytes have come.
    Await(&'static [u8]),
    /// Reads until a response of HTTP/1.1 has come in full.
    AwaitResponse,
    /// Reads until every open HTTP/2 stream of the client, whose numbers these are, has ended.
    AwaitStreams(Vec<u32>),
    /// Reads until the peer closes.
    AwaitEnd,
    /// Waits.
    Rest(Duration),
    /// Closes the sending half.
    HalfClose,
    /// Resets the connection; nothing can follow.
    Reset,
}

/// An open connection. Each step of reading ends early when the peer closes it.
pub struct Connection {
    stream: Box<dyn Stream>,
    socket: TcpStream,
    /// All that has come.
    pub received: Vec<u8>,
    /// Whether the peer has closed it.
    pub ended: bool,
}

impl Connection {
    /// Connects, with TLS where there is a configuration and the name of a server.
    ///
    /// # Errors
    /// The connection cannot be made.
    pub fn open(address: SocketAddr, tls: Option<(&TlsClient, &str)>) -> Result<Self> {
        let socket = TcpStream::connect_timeout(&address, PATIENCE).with_context(|| format!("connecting to {address}"))?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        let plain = socket.try_clone()?;
        let stream: Box<dyn Stream> = match tls {
            None => Box::new(plain),
            Some((tls, name)) => tls.connect(name, plain)?,
        };
        Ok(Self { stream, socket, received: Vec::new(), ended: false })
    }

    /// Takes a step.
    ///
    /// # Errors
    /// What is awaited does not come.
    pub fn take(&mut self, step: &Step) -> Result<()> {
        match step {
            // The peer's answer counts, not our failed write.
            Step::Send(bytes) => drop(self.stream.write_all(bytes).and_then(|()| self.stream.flush())),
            Step::Await(mark) => self.read_until(|bytes| bytes.windows(mark.len()).any(|window| window == *mark))?,
            Step::AwaitResponse => self.read_until(response::complete)?,
            Step::AwaitStreams(streams) => self.read_until(|bytes| frames::ended(bytes, streams))?,
            Step::AwaitEnd => self.read_until(|_| false)?,
            Step::Rest(time) => sleep(*time),
            Step::HalfClose => drop(self.socket.shutdown(Shutdown::Write)),
            // Happens when the connection is dropped.
            Step::Reset => SockRef::from(&self.socket).set_linger(Some(Duration::ZERO))?,
        }
        Ok(())
    }

    /// Reads until enough is there or the peer is gone.
    fn read_until(&mut self, enough: impl Fn(&[u8]) -> bool) -> Result<()> {
        let mut buffer = [0; 16 * 1024];
        while !self.ended && !enough(&self.received) && self.received.len() < MAX_RECEIVED {
            match self.stream.read(&mut buffer) {
                Ok(0) => self.ended = true,
                Ok(read) => self.received.extend_from_slice(buffer.get(..read).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    bail!("waited in vain; got {:?}", String::from_utf8_lossy(&self.received))
                }
                // A connection cut at the end is an end all the same; TLS peers often leave without a goodbye.
                Err(_) => self.ended = true,
            }
        }
        Ok(())
    }
}
