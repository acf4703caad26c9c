//! Steady load: clients on kept connections, each request with an id of its own, each answer checked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};

use crate::client::{Connection, Step, parse};

/// One request of the load and the status that it must get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The path.
    pub path: String,
    /// Whole header lines, the host's among them.
    pub headers: String,
    /// The status.
    pub status: u16,
}

/// What was sent.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// How often each status came.
    pub statuses: BTreeMap<u16, u64>,
    /// The ids of the requests that failed as planned.
    pub failing: Vec<String>,
}

/// Sends what `plan` says for the clients' running numbers until told to stop; `pause` lies between two requests of a client.
///
/// # Errors
/// A connection is refused or cut within a request, or an answer has another status than planned.
pub fn run(
    address: SocketAddr,
    clients: usize,
    pause: Duration,
    stop: &AtomicBool,
    plan: &(dyn Fn(u64) -> Planned + Sync),
) -> Result<Sent> {
    let sent: Vec<Result<Sent>> = thread::scope(|scope| {
        let clients: Vec<_> = (0..clients)
            .map(|client| {
                scope.spawn(move || {
                    one(address, (client, clients), pause, stop, plan).inspect_err(|_| stop.store(true, Ordering::Relaxed))
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().unwrap_or_else(|_| Err(anyhow!("a client panicked")))).collect()
    });
    let mut all = Sent::default();
    for sent in sent {
        let sent = sent?;
        sent.statuses.iter().for_each(|(status, count)| *all.statuses.entry(*status).or_default() += count);
        all.failing.extend(sent.failing);
    }
    Ok(all)
}

fn one(
    address: SocketAddr,
    (client, clients): (usize, usize),
    pause: Duration,
    stop: &AtomicBool,
    plan: &(dyn Fn(u64) -> Planned + Sync),
) -> Result<Sent> {
    let mut sent = Sent::default();
    let mut connection = None;
    let mut number = client as u64;
    while !stop.load(Ordering::Relaxed) {
        let planned = plan(number);
        let id = format!("00000000-0000-4000-8000-{number:012x}");
        let open = match connection.take() {
            Some(connection) => connection,
            None => Connection::open(address, None)?,
        };
        let (status, kept) = request(open, &planned, &id).with_context(|| format!("request {number}, {}", planned.path))?;
        ensure!(status == planned.status, "request {number}, {}: {status} and not {}", planned.path, planned.status);
        connection = kept;
        *sent.statuses.entry(status).or_default() += 1;
        if status >= 400 {
            sent.failing.push(id);
        }
        number = number.saturating_add(clients as u64);
        thread::sleep(pause);
    }
    Ok(sent)
}

/// The status, and the connection if the server keeps it.
fn request(mut connection: Connection, planned: &Planned, id: &str) -> Result<(u16, Option<Connection>)> {
    let head = format!("GET {} HTTP/1.1\r\n{}x-request-id: {id}\r\n\r\n", planned.path, planned.headers);
    connection.received.clear();
    connection.take(&Step::Send(head.into_bytes()))?;
    connection.take(&Step::AwaitResponse)?;
    let response = parse(&connection.received).context("cut within a request")?;
    let closes = connection.ended || response.header("connection").is_some_and(|value| value == "close");
    Ok((response.status, (!closes).then_some(connection)))
}
