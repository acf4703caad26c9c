//! Upstreams that speak HTTP/1.1, or pretend to.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use socket2::SockRef;

use super::kind::{Fault, UpstreamKind};
use super::{Behaviour, PATIENCE};

/// The longest request head that an upstream reads.
const MAX_HEAD: usize = 256 * 1024;

const BAD_REQUEST: &str = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
const MEMBERS: &str = "proxy-status: cdn; error=dns_error\r\nproxy-status: \"cart-1.shop\"; error=destination_unavailable; \
    mw-cause=MW3001; mw-side=inbound; mw-flags=\"UH\"; details=\"no_healthy_upstream\"\r\n";
const NOT_HTTP: &str = "\u{1}\u{2}220 mail.demo ESMTP ready\r\n\r\n";

pub fn serve(behaviour: &Behaviour, mut stream: TcpStream) -> io::Result<()> {
    let UpstreamKind::Fault(fault) = behaviour.kind else { return answer_all(behaviour, &mut stream) };
    match fault {
        Fault::Reset => {
            read_request(&mut stream)?;
            SockRef::from(&stream).set_linger(Some(Duration::ZERO))
        }
        Fault::Close => read_request(&mut stream).map(drop),
        Fault::CloseAfterIdle => {
            answer_once(behaviour, &mut stream)?;
            behaviour.rest(Duration::from_millis(50));
            Ok(())
        }
        Fault::Early => {
            read_head(&mut stream)?;
            stream.write_all(response(behaviour.kind).as_bytes())?;
            behaviour.rest(PATIENCE);
            Ok(())
        }
        Fault::CloseOnReuse => {
            answer_once(behaviour, &mut stream)?;
            read_request(&mut stream).map(drop)
        }
        Fault::Hang => {
            read_request(&mut stream)?;
            behaviour.rest(PATIENCE);
            Ok(())
        }
        Fault::Slow => {
            read_request(&mut stream)?;
            behaviour.rest(Duration::from_secs(1));
            stream.write_all(response(behaviour.kind).as_bytes())
        }
        Fault::Cut => {
            read_request(&mut stream)?;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello\n")?;
            behaviour.rest(Duration::from_millis(50));
            Ok(())
        }
        Fault::PlainOnTls => {
            let _ = stream.read(&mut [0; 1024])?;
            stream.write_all(BAD_REQUEST.as_bytes())
        }
        _ => answer_all(behaviour, &mut stream),
    }
}

pub fn answer_all(behaviour: &Behaviour, stream: &mut (impl Read + Write)) -> io::Result<()> {
    while !behaviour.stopped() {
        answer_once(behaviour, stream)?;
    }
    Ok(())
}

fn answer_once(behaviour: &Behaviour, stream: &mut (impl Read + Write)) -> io::Result<()> {
    read_request(stream)?;
    stream.write_all(response(behaviour.kind).as_bytes())?;
    stream.flush()
}

fn response(kind: UpstreamKind) -> String {
    let (status, more, body) = match kind {
        UpstreamKind::Fault(Fault::Garbage) => return NOT_HTTP.to_owned(),
        UpstreamKind::Fault(Fault::LargeHeader) => (200, format!("x-large: {}\r\n", "x".repeat(100_000)), "hello\n".to_owned()),
        UpstreamKind::Fault(Fault::ManyHeaders) => {
            (200, (0..200).map(|index| format!("x-many-{index}: 1\r\n")).collect(), "hello\n".to_owned())
        }
        UpstreamKind::Fault(Fault::LargeBody) => (200, String::new(), "x".repeat(64 * 1024)),
        UpstreamKind::Fault(Fault::ProxyStatus) => (503, MEMBERS.to_owned(), "oops\n".to_owned()),
        UpstreamKind::Fault(_) | UpstreamKind::Status(200) => (200, String::new(), "hello\n".to_owned()),
        UpstreamKind::Status(status @ 300..400) => (status, "location: /elsewhere\r\n".to_owned(), String::new()),
        UpstreamKind::Status(status) => (status, String::new(), "oops\n".to_owned()),
    };
    let length = body.len();
    format!("HTTP/1.1 {status} status\r\ncontent-type: text/plain\r\n{more}content-length: {length}\r\n\r\n{body}")
}

/// Reads one request: its head, and a body of the length that the head announces.
fn read_request(stream: &mut impl Read) -> io::Result<()> {
    let (mut bytes, head) = read_head(stream)?;
    let text = String::from_utf8_lossy(bytes.get(..head).unwrap_or_default()).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let end = head.saturating_add(length.unwrap_or(0));
    while bytes.len() < end {
        more(stream, &mut bytes)?;
    }
    Ok(())
}

/// What came, and where the head of the request ends in it.
fn read_head(stream: &mut impl Read) -> io::Result<(Vec<u8>, usize)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            return Ok((bytes, at + 4));
        }
        more(stream, &mut bytes)?;
    }
}

fn more(stream: &mut impl Read, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut buffer = [0; 4096];
    let read = stream.read(&mut buffer)?;
    if read == 0 || bytes.len() > MAX_HEAD {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    bytes.extend_from_slice(buffer.get(..read).unwrap_or_default());
    Ok(())
}
