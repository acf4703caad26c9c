//! What a client does on one connection, and what it got to see.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use socket2::SockRef;

use super::http2;

/// The longest that a client waits for what it awaits.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most that it reads.
const MAX_RECEIVED: usize = 1024 * 1024;
/// Headers that differ between any two runs.
const VOLATILE: [&str; 4] = ["date", "x-envoy-upstream-service-time", "x-request-id", "server-timing"];

/// One act of a client.
#[derive(Clone, Debug)]
pub enum Step {
    /// Sends these bytes; an Envoy that has hung up before is no error.
    Send(Vec<u8>),
    /// Reads until these bytes have come.
    Await(&'static [u8]),
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

/// How the transcripts of two stages are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// They are equal.
    Exact,
    /// How far Envoy gets before the connection ends is a matter of time: it ends in both.
    Ended,
}

/// What a client does on one connection.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Names it in messages.
    pub name: &'static str,
    /// The listener.
    pub listener: &'static str,
    /// What the client does, in this order.
    pub steps: Vec<Step>,
    /// How many lines Envoy's access log gets of it; absent where that is a matter of time.
    pub lines: Option<usize>,
    /// How it is compared.
    pub comparison: Comparison,
}

/// What a client got to see, without what differs between any two runs and without `proxy-status`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    /// Lines of HTTP/1, or for each stream of HTTP/2 its headers, its data, its trailers and its end.
    pub seen: Vec<String>,
    /// The values of `proxy-status`, in their order.
    pub proxy_status: Vec<String>,
    /// Whether the connection ended.
    pub ended: bool,
}

impl Exchange {
    /// Plays it against the listener at this address.
    ///
    /// # Errors
    /// The connection cannot be made, or what is awaited does not come.
    pub fn play(&self, address: SocketAddr) -> Result<Transcript> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_read_timeout(Some(Duration::from_millis(20)))?;
        let mut connection = Connection { stream, received: Vec::new(), ended: false };
        for step in &self.steps {
            connection.take(step).with_context(|| format!("{}: {step:.60?}", self.name))?;
        }
        Ok(connection.transcript(self.is_http2()))
    }

    fn is_http2(&self) -> bool {
        matches!(self.steps.first(), Some(Step::Send(bytes)) if bytes.starts_with(http2::PREFACE))
    }
}

struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
    ended: bool,
}

impl Connection {
    fn take(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::Send(bytes) => {
                // Envoy may answer and close before it has read everything: its answer counts, not our failed write.
                let _ = self.stream.write_all(bytes).and_then(|()| self.stream.flush());
                Ok(())
            }
            Step::Await(mark) => self.read_until(|bytes| bytes.windows(mark.len()).any(|window| window == *mark)),
            Step::AwaitStreams(streams) => self.read_until(|bytes| http2::ended(bytes, streams)),
            Step::AwaitEnd => {
                self.read_until(|_| false)?;
                Ok(())
            }
            Step::Rest(time) => {
                sleep(*time);
                Ok(())
            }
            Step::HalfClose => {
                let _ = self.stream.shutdown(Shutdown::Write);
                Ok(())
            }
            Step::Reset => {
                // Dropped with the connection; nothing is sent or read any more.
                SockRef::from(&self.stream).set_linger(Some(Duration::ZERO))?;
                Ok(())
            }
        }
    }

    /// Reads until enough is there or the peer is gone.
    fn read_until(&mut self, enough: impl Fn(&[u8]) -> bool) -> Result<()> {
        let start = Instant::now();
        let mut buffer = [0; 16 * 1024];
        while !self.ended && !enough(&self.received) && self.received.len() < MAX_RECEIVED {
            match self.stream.read(&mut buffer) {
                Ok(0) => self.ended = true,
                Ok(read) => self.received.extend_from_slice(buffer.get(..read).unwrap_or_default()),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {
                    anyhow::ensure!(
                        start.elapsed() < PATIENCE,
                        "waited in vain; got {:?}",
                        String::from_utf8_lossy(&self.received)
                    );
                }
                Err(_) => self.ended = true,
            }
        }
        Ok(())
    }

    fn transcript(&self, is_http2: bool) -> Transcript {
        let mut transcript = Transcript { ended: self.ended, ..Transcript::default() };
        if is_http2 {
            for (stream, lines) in http2::describe(&self.received) {
                lines.into_iter().for_each(|line| transcript.note(&format!("{stream}| "), line));
            }
        } else {
            let text: String = self.received.iter().map(|byte| char::from(*byte)).collect();
            text.split("\r\n").for_each(|line| transcript.note("", line.to_owned()));
        }
        transcript
    }
}

impl Transcript {
    fn note(&mut self, prefix: &str, line: String) {
        match line.split_once(": ") {
            Some(("proxy-status", value)) => self.proxy_status.push(value.to_owned()),
            Some((name, _)) if VOLATILE.contains(&name) => {}
            _ => self.seen.push(format!("{prefix}{line}")),
        }
    }

    /// What is wrong with this transcript of a stage with meshwhy, given that of the stage without.
    pub fn difference(&self, without: &Self, comparison: Comparison) -> Option<String> {
        if comparison == Comparison::Ended {
            return (self.ended != without.ended).then(|| format!("ended: {} and not {}", self.ended, without.ended));
        }
        // Envoy joins the values of this header; a member of ours comes last.
        if !self.proxy_status.join(",").starts_with(&without.proxy_status.join(",")) {
            return Some(format!("the members of others were {:?}, are {:?}", without.proxy_status, self.proxy_status));
        }
        let differs = self.seen != without.seen || self.ended != without.ended;
        differs.then(|| format!("without meshwhy {without}with it {self}"))
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "(ended: {}, proxy-status: {:?})", self.ended, self.proxy_status)?;
        self.seen.iter().try_for_each(|line| writeln!(formatter, "    {line:.200?}"))
    }
}

/// Headers, data and end of each stream, or of the connection under 0.
pub(super) type Streams = BTreeMap<u32, Vec<String>>;
