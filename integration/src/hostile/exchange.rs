//! What a client does on one connection, and what it got to see.

use std::fmt;
use std::net::SocketAddr;

use anyhow::{Context, Result};

use crate::client::frames::{self, Event};
use crate::client::{Connection, Step};

/// Headers that differ between any two runs.
const VOLATILE: [&str; 4] = ["date", "x-envoy-upstream-service-time", "x-request-id", "server-timing"];

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
        let mut connection = Connection::open(address, None)?;
        for step in &self.steps {
            connection.take(step).with_context(|| format!("{}: {step:.60?}", self.name))?;
        }
        let mut transcript = Transcript { ended: connection.ended, ..Transcript::default() };
        if self.is_http2() {
            for (stream, events) in frames::events(&connection.received) {
                events.iter().flat_map(lines).for_each(|line| transcript.note(&format!("{stream}| "), line));
            }
        } else {
            latin(&connection.received).split("\r\n").for_each(|line| transcript.note("", line.to_owned()));
        }
        Ok(transcript)
    }

    fn is_http2(&self) -> bool {
        matches!(self.steps.first(), Some(Step::Send(bytes)) if bytes.starts_with(frames::PREFACE))
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

fn lines(event: &Event) -> Vec<String> {
    match event {
        Event::Headers(headers) => headers.iter().map(|(name, value)| format!("{}: {}", latin(name), latin(value))).collect(),
        Event::Data(data) => vec![format!("data {}", String::from_utf8_lossy(data))],
        Event::Reset(code) => vec![format!("reset {code:?}")],
        Event::Goaway(code) => vec![format!("goaway {code:?}")],
        Event::End => vec!["end".to_owned()],
    }
}

fn latin(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}
