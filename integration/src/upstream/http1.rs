//! Upstreams that speak HTTP/1.1, or pretend to.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

use socket2::SockRef;

use super::kind::{UpstreamFault, UpstreamKind};
use super::paths;

/// The longest request that an upstream reads.
const MAX_REQUEST: usize = 512 * 1024;

const MEMBERS: &str = "proxy-status: cdn; error=dns_error\r\nproxy-status: \"cart-1.shop\"; error=destination_unavailable; \
    mw-cause=MW3001; mw-side=inbound; mw-flags=\"UH\"; details=\"no_healthy_upstream\"\r\n";

/// What is sent, and what becomes of the connection.
pub type ScriptedAnswer = (Vec<u8>, Then);

/// What becomes of the connection after an answer.
#[derive(Clone, Copy)]
pub enum Then {
    Next,
    Close,
    /// Closes it a little later.
    CloseLater,
    Reset,
    /// Reads on and says no more.
    Hang,
    Echo,
}

/// Answers the requests on a stream over this socket until the connection is to end.
pub fn serve(kind: UpstreamKind, stream: &mut (impl Read + Write), socket: &TcpStream) -> io::Result<()> {
    let mut received = Vec::new();
    for number in 0_usize.. {
        let head = match kind {
            UpstreamKind::UpstreamFault(UpstreamFault::PlainOnTls) => read_more(stream, &mut received).map(|()| String::new())?,
            _ => read_head(stream, &mut received)?,
        };
        if kind != UpstreamKind::UpstreamFault(UpstreamFault::Early) {
            read_body(stream, &mut received, &head)?;
        }
        let (bytes, then) = answer(kind, &head, number);
        stream.write_all(&bytes)?;
        stream.flush()?;
        match then {
            Then::Next => continue,
            Then::Close => {}
            Then::CloseLater => sleep(Duration::from_millis(50)),
            Then::Reset => {
                // What was written must arrive before the reset does.
                sleep(Duration::from_millis(20));
                SockRef::from(socket).set_linger(Some(Duration::ZERO))?;
            }
            Then::Hang => io::copy(stream, &mut io::sink()).map(drop)?,
            Then::Echo => echo(stream, &received)?,
        }
        break;
    }
    Ok(())
}

/// What a request with this head gets, the connection's first having the number 0.
pub fn answer(kind: UpstreamKind, head: &str, number: usize) -> ScriptedAnswer {
    let many = || (0..200).map(|index| format!("x-many-{index}: 1\r\n")).collect::<String>();
    let bytes = match kind {
        UpstreamKind::UpstreamFault(fault) => match fault {
            UpstreamFault::ByPath => return paths::answer(head, number),
            UpstreamFault::Reset => return (Vec::new(), Then::Reset),
            UpstreamFault::Close => return (Vec::new(), Then::Close),
            UpstreamFault::CloseOnReuse if number > 0 => return (Vec::new(), Then::Close),
            UpstreamFault::CloseAfterIdle => return (response(200, "", "hello\n"), Then::CloseLater),
            UpstreamFault::Early => return (response(200, "", "hello\n"), Then::Hang),
            UpstreamFault::Hang => return (Vec::new(), Then::Hang),
            UpstreamFault::Cut => return (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello\n".to_vec(), Then::CloseLater),
            UpstreamFault::PlainOnTls => return (response(400, "connection: close\r\n", ""), Then::Close),
            UpstreamFault::Slow => {
                sleep(Duration::from_secs(1));
                response(200, "", "hello\n")
            }
            UpstreamFault::Garbage => b"\x01\x02220 mail.demo ESMTP ready\r\n\r\n".to_vec(),
            UpstreamFault::LargeHeader => response(200, &format!("x-large: {}\r\n", "x".repeat(100_000)), "hello\n"),
            UpstreamFault::ManyHeaders => response(200, &many(), "hello\n"),
            UpstreamFault::LargeBody => response(200, "", &"x".repeat(64 * 1024)),
            UpstreamFault::ProxyStatus => response(503, MEMBERS, "oops\n"),
            _ => response(200, "", "hello\n"),
        },
        UpstreamKind::Status(200) => response(200, "", "hello\n"),
        UpstreamKind::Status(status @ 300..400) => response(status, "location: /elsewhere\r\n", ""),
        UpstreamKind::Status(status) => response(status, "", "oops\n"),
    };
    (bytes, Then::Next)
}

/// A response whose further headers are whole lines.
pub fn response(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} status\r\ncontent-type: text/plain\r\n{headers}content-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// Sends back what comes, the first of which may have arrived with the head.
fn echo(stream: &mut (impl Read + Write), first: &[u8]) -> io::Result<()> {
    stream.write_all(first)?;
    let mut buffer = [0; 1024];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            read => stream.write_all(buffer.get(..read).unwrap_or_default())?,
        }
    }
}

/// Takes the head of a request from what comes; what comes after it stays in `received`.
fn read_head(stream: &mut impl Read, received: &mut Vec<u8>) -> io::Result<String> {
    let end = read_until(stream, received, b"\r\n\r\n")?;
    let head: Vec<u8> = received.drain(..end).collect();
    Ok(String::from_utf8_lossy(&head).to_ascii_lowercase())
}

/// Takes the body that the head announces.
fn read_body(stream: &mut impl Read, received: &mut Vec<u8>, head: &str) -> io::Result<()> {
    let mut end = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok()).unwrap_or(0);
    if head.contains("transfer-encoding: chunked\r\n") {
        read_until(stream, received, b"0\r\n")?;
        end = read_until(stream, received, b"\r\n\r\n")?;
    }
    while received.len() < end {
        read_more(stream, received)?;
    }
    received.drain(..end);
    Ok(())
}

/// Where the mark ends, reading until it is there.
fn read_until(stream: &mut impl Read, received: &mut Vec<u8>, mark: &[u8]) -> io::Result<usize> {
    loop {
        if let Some(start) = received.windows(mark.len()).position(|window| window == mark) {
            return Ok(start + mark.len());
        }
        read_more(stream, received)?;
    }
}

fn read_more(stream: &mut impl Read, received: &mut Vec<u8>) -> io::Result<()> {
    let mut buffer = [0; 8192];
    let read = stream.read(&mut buffer)?;
    if read == 0 || received.len() > MAX_REQUEST {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    received.extend_from_slice(buffer.get(..read).unwrap_or_default());
    Ok(())
}
