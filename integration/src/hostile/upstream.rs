//! One server on 127.0.0.1 that does on each path what the path says.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use socket2::SockRef;

const PATIENCE: Duration = Duration::from_secs(5);
/// The longest request head that is read.
const MAX_HEAD: usize = 512 * 1024;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 6\r\n\r\nhello\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n";

/// A running server; it ends when dropped.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
}

/// What becomes of the connection after an answer.
#[derive(PartialEq, Eq)]
enum Then {
    Next,
    Close,
    Reset,
    Echo,
    Hang,
}

impl Upstream {
    /// Starts one.
    ///
    /// # Errors
    /// No port can be had.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let upstream = Self { address: listener.local_addr()?, stop: Arc::default() };
        let stop = Arc::clone(&upstream.stop);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                // A failing connection is what this server is for.
                thread::spawn(move || serve(stream));
            }
        });
        Ok(upstream)
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(mut stream: TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let mut received = Vec::new();
    loop {
        let head = read_head(&mut stream, &mut received)?;
        let (answer, then) = answer(&head);
        stream.write_all(&answer)?;
        stream.flush()?;
        match then {
            Then::Next => {}
            Then::Close => return Ok(()),
            Then::Reset => {
                // What was written must arrive before the reset does.
                thread::sleep(Duration::from_millis(20));
                return SockRef::from(&stream).set_linger(Some(Duration::ZERO));
            }
            Then::Hang => {
                let _ = stream.read(&mut [0; 1024])?;
                return Ok(());
            }
            Then::Echo => return echo(&mut stream, &received),
        }
    }
}

/// What a path gives.
fn answer(head: &str) -> (Vec<u8>, Then) {
    let path = head.split(' ').nth(1).unwrap_or_default();
    let text = |text: String| text.into_bytes();
    let first_attempt = head.contains("x-envoy-attempt-count: 1\r\n");
    match path {
        "/reset" => (Vec::new(), Then::Reset),
        "/close" => (Vec::new(), Then::Close),
        "/hang" => (Vec::new(), Then::Hang),
        "/flaky" if first_attempt => (Vec::new(), Then::Reset),
        "/garbage" => (b"\x01\x02220 mail.demo ESMTP ready\r\n\r\n".to_vec(), Then::Close),
        "/half-head" => (b"HTTP/1.1 200 OK\r\nx-part: of a he".to_vec(), Then::Reset),
        "/reset-after-head" => (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n".to_vec(), Then::Reset),
        "/reset-in-body" => (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n0123456789".to_vec(), Then::Reset),
        "/close-in-chunk" => (text(format!("{CHUNKED}\r\n10\r\n0123")), Then::Close),
        "/reset-before-trailers" => (text(format!("{CHUNKED}trailer: x-sum\r\n\r\n4\r\n0123\r\n0\r\n")), Then::Reset),
        "/bad-chunk" => (text(format!("{CHUNKED}\r\nzz\r\n0123\r\n")), Then::Close),
        "/trailers" => {
            (text(format!("{CHUNKED}trailer: x-sum\r\n\r\n4\r\n0123\r\n0\r\nx-sum: 6\r\nx-empty: \r\n\r\n")), Then::Next)
        }
        "/interim" => ([b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".as_slice(), OK].concat(), Then::Next),
        "/continue" => ([b"HTTP/1.1 100 Continue\r\n\r\n".as_slice(), OK].concat(), Then::Next),
        "/no-content" => (b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(), Then::Next),
        "/error" => (b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 5\r\n\r\noops\n".to_vec(), Then::Next),
        "/status-799" => (b"HTTP/1.1 799 Odd\r\ncontent-length: 0\r\n\r\n".to_vec(), Then::Next),
        "/bytes" => (b"HTTP/1.1 200 OK\r\nx-bytes: \xa1\xb1\xff\r\nx-empty:\r\ncontent-length: 0\r\n\r\n".to_vec(), Then::Next),
        "/control" => (b"HTTP/1.1 200 OK\r\nx-control: a\x01\x1bb\r\ncontent-length: 0\r\n\r\n".to_vec(), Then::Close),
        "/large-header" => (large_header(50_000, "200 OK"), Then::Next),
        "/too-large-header" => (large_header(70_000, "200 OK"), Then::Close),
        "/large-error" => (large_header(50_000, "503 Service Unavailable"), Then::Next),
        "/thousand-headers" => (headers(1_000), Then::Close),
        "/many-headers" => (headers(90), Then::Next),
        "/proxy-status" => (proxy_status(), Then::Next),
        "/redirect" => (redirect("/ok"), Then::Next),
        "/redirect-loop" => (redirect("/redirect-loop"), Then::Next),
        "/redirect-nowhere" => (redirect("/nowhere"), Then::Next),
        "/grpc-ok" => (grpc("0", ""), Then::Next),
        "/grpc-failed" => (grpc("13", "broken\u{a1}"), Then::Next),
        "/grpc-odd" => (grpc("99999999999999999999", "odd"), Then::Next),
        "/websocket" => {
            (b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n".to_vec(), Then::Echo)
        }
        // For the module that traps on demand.
        "/trap-response" => (b"HTTP/1.1 200 OK\r\nx-meshwhy-trap: response\r\ncontent-length: 0\r\n\r\n".to_vec(), Then::Next),
        "/websocket-refused" => (b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n".to_vec(), Then::Next),
        _ => (OK.to_vec(), Then::Next),
    }
}

fn large_header(bytes: usize, status: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nx-large: {}\r\ncontent-length: 0\r\n\r\n", "x".repeat(bytes)).into_bytes()
}

fn headers(count: usize) -> Vec<u8> {
    let many: String = (0..count).map(|index| format!("x-many-{index}: {index}\r\n")).collect();
    format!("HTTP/1.1 200 OK\r\n{many}content-length: 0\r\n\r\n").into_bytes()
}

/// Members of others, one of them no structured field at all.
fn proxy_status() -> Vec<u8> {
    let members = "proxy-status: other; error=dns_error; mw-cause=MW4001\r\nproxy-status: \"unclosed, ;;\u{1}\r\n";
    let members = members.replace('\u{1}', "=");
    format!("HTTP/1.1 502 Bad Gateway\r\n{members}content-length: 0\r\n\r\n").into_bytes()
}

fn redirect(path: &str) -> Vec<u8> {
    format!("HTTP/1.1 302 Found\r\nlocation: http://shop.demo{path}\r\ncontent-length: 0\r\n\r\n").into_bytes()
}

fn grpc(status: &str, message: &str) -> Vec<u8> {
    let head = "content-type: application/grpc\r\ntrailer: grpc-status\r\n";
    format!("{CHUNKED}{head}\r\n5\r\n\0\0\0\0\0\r\n0\r\ngrpc-status: {status}\r\ngrpc-message: {message}\r\n\r\n").into_bytes()
}

/// Sends back what comes, the first of which may have arrived with the head.
fn echo(stream: &mut TcpStream, first: &[u8]) -> io::Result<()> {
    stream.write_all(first)?;
    let mut buffer = [0; 1024];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            read => stream.write_all(buffer.get(..read).unwrap_or_default())?,
        }
    }
}

/// Reads one request and its body; what comes after it stays in `received`.
fn read_head(stream: &mut TcpStream, received: &mut Vec<u8>) -> io::Result<String> {
    let end = read_until(stream, received, b"\r\n\r\n")?;
    let head: Vec<u8> = received.drain(..end).collect();
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok());
    if head.contains("transfer-encoding: chunked\r\n") {
        let _ = read_until(stream, received, b"0\r\n")?;
        let end = read_until(stream, received, b"\r\n\r\n")?;
        received.drain(..end);
    } else if let Some(length) = length {
        while received.len() < length {
            read_more(stream, received)?;
        }
        received.drain(..length);
    }
    Ok(head)
}

/// Where the mark ends, reading until it is there.
fn read_until(stream: &mut TcpStream, received: &mut Vec<u8>, mark: &[u8]) -> io::Result<usize> {
    loop {
        if let Some(start) = received.windows(mark.len()).position(|window| window == mark) {
            return Ok(start + mark.len());
        }
        read_more(stream, received)?;
    }
}

fn read_more(stream: &mut TcpStream, received: &mut Vec<u8>) -> io::Result<()> {
    let mut buffer = [0; 8192];
    let read = stream.read(&mut buffer)?;
    if read == 0 || received.len() > MAX_HEAD {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    received.extend_from_slice(buffer.get(..read).unwrap_or_default());
    Ok(())
}
