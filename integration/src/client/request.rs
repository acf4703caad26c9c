//! What the client of a scenario sends.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail};
use serde::Deserialize;

use super::connection::Step;
use super::frames::{self, flag, frame, kind};

/// The trace context of a client that has one: the example of the W3C specification.
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// The largest payload of a DATA frame.
const MAX_DATA: usize = 16_384;
/// The error codes of HTTP/2 for a stream that is not wanted any more, and for one that was not begun.
const CANCEL: u8 = 8;
const REFUSED_STREAM: u8 = 7;

/// What the client sends, once or several times, each time on a new connection.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientRequest {
    /// The version of HTTP.
    pub protocol: HttpVersion,
    /// These bytes and nothing else (over HTTP/2 after the preface); a character up to U+00FF is sent as that one byte.
    pub raw: Option<String>,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// Headers, names in lower case; `host` is `shop.demo` unless given.
    pub headers: BTreeMap<String, String>,
    /// Headers of so many bytes.
    pub header_bytes: BTreeMap<String, usize>,
    /// So many small headers more.
    pub header_count: usize,
    /// So many `cookie` headers of 100 bytes each.
    pub cookies: usize,
    /// A body of so many bytes.
    pub body_bytes: usize,
    /// Whether the client holds back half of the body and waits.
    pub unfinished: bool,
    /// Whether the client ends its stream in an unusual way (HTTP/2).
    pub end: StreamEnd,
    /// So many streams that are opened and reset at once, before the request (HTTP/2).
    pub resets: usize,
    /// How long the client waits before it leaves, in milliseconds; as long as it takes unless given.
    pub leave_after_ms: Option<u64>,
    /// How often.
    pub repeat: usize,
    /// How many of them at a time.
    pub parallel: usize,
    /// How the client secures the connection.
    pub tls: ClientTls,
    /// The name of the server that the client wants (SNI).
    pub server_name: String,
    /// The protocols that the client offers (ALPN).
    pub alpn: Vec<String>,
    /// Whether the request carries a `traceparent`, as those of a traced client do.
    pub trace_context: bool,
}

/// The version of HTTP that the client speaks.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum HttpVersion {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2 without an upgrade.
    Http2,
}

/// How an HTTP/2 client ends its stream.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum StreamEnd {
    /// It waits for the response.
    #[default]
    Ordinary,
    /// It resets the stream with `CANCEL` when it leaves.
    Cancel,
    /// It resets the stream with `REFUSED_STREAM` when it leaves.
    Refuse,
}

/// How the client secures the connection.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum ClientTls {
    /// Not at all.
    #[default]
    None,
    /// TLS without a client certificate.
    Server,
    /// TLS with a client certificate of the test CA.
    Mutual,
    /// TLS with a client certificate of an authority that nobody trusts.
    Untrusted,
    /// TLS with a client certificate whose time is over.
    Expired,
}

impl Default for ClientRequest {
    fn default() -> Self {
        Self {
            protocol: HttpVersion::Http1,
            raw: None,
            method: "GET".to_owned(),
            path: "/".to_owned(),
            headers: BTreeMap::new(),
            header_bytes: BTreeMap::new(),
            header_count: 0,
            cookies: 0,
            body_bytes: 0,
            unfinished: false,
            end: StreamEnd::Ordinary,
            resets: 0,
            leave_after_ms: None,
            repeat: 1,
            parallel: 1,
            tls: ClientTls::None,
            server_name: "shop.demo".to_owned(),
            alpn: Vec::new(),
            trace_context: true,
        }
    }
}

impl ClientRequest {
    /// A request that is these characters, each up to U+00FF sent as one byte.
    pub fn raw(text: impl Into<String>) -> Self {
        Self { raw: Some(text.into()), ..Self::default() }
    }

    /// The number of its stream over HTTP/2, after those that are reset.
    pub fn stream(&self) -> u32 {
        u32::try_from(self.resets).unwrap_or(u32::MAX).saturating_mul(2).saturating_add(1)
    }

    /// What the client does on its connection.
    ///
    /// # Errors
    /// It is to reset its stream and not said when.
    pub fn steps(&self) -> Result<Vec<Step>> {
        match (self.protocol, &self.raw) {
            (HttpVersion::Http1, _) => Ok(self.sent_and(Step::AwaitResponse)),
            (HttpVersion::Http2, Some(_)) => Ok(self.sent_and(Step::AwaitEnd)),
            (HttpVersion::Http2, None) => self.frames(),
        }
    }

    /// Sends the bytes of HTTP/1.1, or the raw ones, and waits for something, unless the client leaves.
    pub fn sent_and(&self, awaited: Step) -> Vec<Step> {
        vec![Step::Send(self.bytes()), self.leave_after_ms.map(Duration::from_millis).map_or(awaited, Step::Rest)]
    }

    fn frames(&self) -> Result<Vec<Step>> {
        let own = self.stream();
        let reset = |stream, code| frame(kind::RST_STREAM, 0, stream, &[0, 0, 0, code]);
        let (path, host) = (self.path.as_bytes(), self.host().as_bytes());
        let fields: Vec<_> = self.fields().iter().map(|(name, value)| (latin1(name), latin1(value))).collect();
        let pseudo =
            [(":method", self.method.as_bytes()), (":scheme", b"http".as_slice()), (":path", path), (":authority", host)];
        let pseudo = pseudo.iter().map(|(name, value)| (name.as_bytes(), *value));
        let headers: Vec<_> = pseudo.chain(fields.iter().map(|(name, value)| (name.as_slice(), value.as_slice()))).collect();
        let (mut steps, mut bytes) = (Vec::new(), frames::hello());
        let mut resets = Vec::new();
        for stream in (1..own).step_by(2) {
            // The next stream comes with the reset of the one before: whatever that reset does to the connection, one stream tells of it.
            bytes.extend(frames::request(stream, true, &headers));
            bytes.append(&mut resets);
            resets = reset(stream, CANCEL);
            // A stream whose reset comes together with its headers is never begun.
            steps.extend([Step::Send(std::mem::take(&mut bytes)), Step::Rest(Duration::from_micros(100))]);
        }
        let body = self.body();
        bytes.extend(frames::request(own, body.is_empty() && !self.unfinished, &headers));
        bytes.append(&mut resets);
        body.chunks(MAX_DATA).for_each(|data| bytes.extend(frame(kind::DATA, 0, own, data)));
        steps.push(Step::Send(bytes));
        if !body.is_empty() && !self.unfinished {
            // A filter that buffers does not look at the size of a body that comes in one piece.
            steps.extend([Step::Rest(Duration::from_millis(10)), Step::Send(frame(kind::DATA, flag::END_STREAM, own, &[]))]);
        }
        let code = match self.end {
            StreamEnd::Ordinary => None,
            StreamEnd::Cancel => Some(CANCEL),
            StreamEnd::Refuse => Some(REFUSED_STREAM),
        };
        match (self.leave_after_ms.map(Duration::from_millis), code) {
            (None, None) => steps.push(Step::AwaitStreams(vec![own])),
            (None, Some(_)) => bail!("`end` needs `leave_after_ms`"),
            (Some(time), None) => steps.push(Step::Rest(time)),
            (Some(time), Some(code)) => {
                // The connection outlives the stream, or its end would be the news.
                steps.extend([Step::Rest(time), Step::Send(reset(own, code)), Step::Rest(Duration::from_millis(100))]);
            }
        }
        Ok(steps)
    }

    fn host(&self) -> &str {
        self.headers.get("host").map_or("shop.demo", String::as_str)
    }

    /// All headers but the authority, in the order in which they are sent.
    fn fields(&self) -> Vec<(String, String)> {
        let mut fields = Vec::new();
        if self.trace_context {
            fields.push(("traceparent".to_owned(), TRACEPARENT.to_owned()));
        }
        if self.body_bytes > 0 {
            fields.push(("content-length".to_owned(), self.body_bytes.to_string()));
        }
        let given = self.headers.iter().filter(|(name, _)| *name != "host");
        fields.extend(given.map(|(name, value)| (name.clone(), value.clone())));
        fields.extend(self.header_bytes.iter().map(|(name, size)| (name.clone(), "x".repeat(*size))));
        fields.extend((0..self.header_count).map(|index| (format!("x-many-{index}"), "1".to_owned())));
        fields.extend((0..self.cookies).map(|index| ("cookie".to_owned(), format!("c{index:05}={}", "x".repeat(93)))));
        fields
    }

    /// The part of the body that is sent.
    fn body(&self) -> Vec<u8> {
        let size = if self.unfinished { self.body_bytes / 2 } else { self.body_bytes };
        vec![b'x'; size]
    }

    /// The bytes on the wire of HTTP/1.1, or the raw ones.
    fn bytes(&self) -> Vec<u8> {
        if let Some(raw) = &self.raw {
            let http2 = self.protocol == HttpVersion::Http2;
            let preface = if http2 { [frames::PREFACE, &frame(kind::SETTINGS, 0, 0, &[])].concat() } else { Vec::new() };
            return [preface, latin1(raw)].concat();
        }
        let mut text = format!("{} {} HTTP/1.1\r\nhost: {}\r\n", self.method, self.path, self.host());
        self.fields().iter().for_each(|(name, value)| text.push_str(&format!("{name}: {value}\r\n")));
        text.push_str("\r\n");
        let mut bytes = latin1(&text);
        bytes.extend(self.body());
        bytes
    }
}

fn latin1(text: &str) -> Vec<u8> {
    text.chars()
        .flat_map(|character| match u8::try_from(u32::from(character)) {
            Ok(byte) => vec![byte],
            Err(_) => character.to_string().into_bytes(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_bytes_stay_single_bytes() {
        assert_eq!(ClientRequest::raw("a\u{a1}\u{b1}").bytes(), b"a\xa1\xb1");
    }

    #[test]
    fn a_client_that_does_not_finish_announces_more_than_it_sends() {
        let request = ClientRequest { body_bytes: 10, unfinished: true, trace_context: false, ..ClientRequest::default() };
        let text = String::from_utf8(request.bytes()).unwrap();
        assert_eq!(text, "GET / HTTP/1.1\r\nhost: shop.demo\r\ncontent-length: 10\r\n\r\nxxxxx");
    }
}
