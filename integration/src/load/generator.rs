//! A simple load generator for machines that have no h2load: HTTP/1.1 only, one thread per connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};

use super::traffic::{CONCURRENCY, Protocol, Traffic};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a load generator saw.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// Responses with status 400 or more.
    pub failures: u64,
    /// How long each request took, in microseconds, sorted.
    pub latencies: Vec<u32>,
}

/// Sends the requests.
///
/// # Errors
/// A connection breaks, or the traffic is not HTTP/1.1.
pub fn run(proxy: SocketAddr, traffic: &Traffic, requests: u64, header: (&str, &str)) -> Result<Seen> {
    ensure!(traffic.protocol == Protocol::Http1, "HTTP/2 needs h2load (Debian package nghttp2-client)");
    let (name, value) = header;
    let heads: Vec<String> = traffic
        .paths()
        .iter()
        .map(|path| format!("GET {path} HTTP/1.1\r\nhost: {proxy}\r\nuser-agent: load\r\n{name}: {value}\r\n\r\n"))
        .collect();
    let started = Instant::now();
    let mut seen = Seen::default();
    let share = usize::try_from(requests / CONCURRENCY)?;
    thread::scope(|scope| -> Result<()> {
        let threads: Vec<_> = (0..CONCURRENCY).map(|_| scope.spawn(|| connection(proxy, &heads, share))).collect();
        for thread in threads {
            let one = thread.join().map_err(|_| anyhow!("a connection's thread ended early"))??;
            seen.failures += one.failures;
            seen.latencies.extend(one.latencies);
        }
        Ok(())
    })?;
    seen.elapsed = started.elapsed();
    seen.latencies.sort_unstable();
    Ok(seen)
}

fn connection(proxy: SocketAddr, heads: &[String], requests: usize) -> Result<Seen> {
    let stream = TcpStream::connect(proxy).with_context(|| format!("connecting to {proxy}"))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::with_capacity(64 * 1024, stream);
    let mut seen = Seen { latencies: Vec::with_capacity(requests), ..Seen::default() };
    for head in heads.iter().cycle().take(requests) {
        let sent = Instant::now();
        writer.write_all(head.as_bytes())?;
        if response(&mut reader)? >= 400 {
            seen.failures += 1;
        }
        seen.latencies.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    Ok(seen)
}

/// Reads one response with a content length; gives its status.
fn response(reader: &mut impl BufRead) -> Result<u16> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status =
        line.split(' ').nth(1).and_then(|status| status.parse().ok()).with_context(|| format!("not a response: {line:?}"))?;
    let mut length = 0;
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            bail!("the connection ended within a head");
        }
        match line.trim_end().split_once(':') {
            None => break,
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.trim().parse()?,
            Some((name, _)) if name.eq_ignore_ascii_case("transfer-encoding") => bail!("a response without a length"),
            Some(_) => {}
        }
    }
    let read = std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink())?;
    ensure!(read == length, "the connection ended within a body");
    Ok(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_read_one_after_the_other() {
        let mut bytes = &b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 404 Not Found\r\nx: y\r\n\r\n"[..];
        assert_eq!([response(&mut bytes).unwrap(), response(&mut bytes).unwrap()], [200, 404]);
        assert!(response(&mut bytes).is_err());
        assert!(response(&mut &b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"[..]).is_err());
    }
}
