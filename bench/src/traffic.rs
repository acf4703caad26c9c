//! What is sent: protocol, size of the bodies, how many requests fail.

use std::fmt;
use std::net::SocketAddr;

use anyhow::Result;
use meshwhy_integration::Scenario;
use meshwhy_integration::merge::overlay;
use serde_json::{Value, json};

/// Connections times streams: how many requests are under way at once.
pub const CONCURRENCY: u64 = 16;

/// Streams on each connection of HTTP/2.
const STREAMS: u64 = 4;
/// The ways to fail, in turn: no route (404), a cluster without endpoints (503 `UH`), an endpoint that refuses (503 `UF`).
const FAILING: [&str; 3] = ["/no-route", "/no-endpoint", "/refused"];

/// A listener like that of the proxies.
const UPSTREAM: &str = "
summary: What is behind all of them.
bootstrap: {layered_runtime: {layers: []}}
http: {codec_type: AUTO, stream_idle_timeout: 0s, access_log: []}
";

/// The version of HTTP, on both sides of the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// HTTP/1.1, keep-alive, one request at a time on each connection.
    Http1,
    /// HTTP/2 without TLS, several streams on each connection.
    Http2,
}

/// How many requests the proxy answers itself with a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failing {
    /// None.
    Never,
    /// One in a hundred.
    OneInHundred,
    /// All.
    Always,
}

/// One kind of traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Traffic {
    /// The version of HTTP.
    pub protocol: Protocol,
    /// How many requests fail.
    pub failing: Failing,
    /// Bytes of the body of a response that does not fail.
    pub body: usize,
}

impl Traffic {
    /// Sizes of bodies.
    pub const BODIES: [usize; 2] = [100, 100_000];

    /// Every kind. Where all requests fail no body is sent, and its size makes no difference.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for protocol in [Protocol::Http1, Protocol::Http2] {
            for failing in [Failing::Never, Failing::OneInHundred, Failing::Always] {
                let bodies = if failing == Failing::Always { &Self::BODIES[..1] } else { &Self::BODIES[..] };
                all.extend(bodies.iter().map(|&body| Self { protocol, failing, body }));
            }
        }
        all
    }

    /// An Envoy that answers every kind's path with a body of its size.
    pub fn upstream() -> Result<Scenario> {
        let mut scenario = Scenario::parse("upstream", UPSTREAM)?;
        let routes: Vec<Value> = Self::BODIES
            .iter()
            .map(|size| {
                let body = json!({"inline_string": "x".repeat(*size)});
                json!({"match": {"path": format!("/body/{size}")}, "direct_response": {"status": 200, "body": body}})
            })
            .collect();
        overlay(&mut scenario.virtual_host, &json!({"routes": routes}));
        overlay(&mut scenario.http, &json!({"route_config": {"max_direct_response_body_size_bytes": Self::BODIES.iter().max()}}));
        Ok(scenario)
    }

    /// How many connections send the requests.
    pub fn connections(&self) -> u64 {
        match self.protocol {
            Protocol::Http1 => CONCURRENCY,
            Protocol::Http2 => CONCURRENCY / STREAMS,
        }
    }

    /// The nearest number of requests with which each connection asks for all of its paths equally often, at least once.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounding is what is wanted")]
    pub fn requests(&self, wanted: f64) -> u64 {
        let step = self.connections() * self.paths(0).len() as u64;
        ((wanted / step as f64).round() as u64).max(1) * step
    }

    /// The paths that each connection asks for in turn. Where one of them fails, it fails in another way in each round.
    pub fn paths(&self, round: usize) -> Vec<String> {
        let fine = || format!("/body/{}", self.body);
        let failing = FAILING.map(str::to_owned);
        match self.failing {
            Failing::Never => vec![fine()],
            Failing::OneInHundred => (0..99).map(|_| fine()).chain(failing.into_iter().cycle().nth(round % 3)).collect(),
            Failing::Always => failing.into(),
        }
    }

    /// How many of so many requests fail.
    pub fn failures(&self, requests: u64) -> u64 {
        match self.failing {
            Failing::Never => 0,
            Failing::OneInHundred => requests / 100,
            Failing::Always => requests,
        }
    }

    /// Where the paths are asked for.
    pub fn addresses(&self, proxy: SocketAddr, round: usize) -> String {
        self.paths(round).iter().map(|path| format!("http://{proxy}{path}\n")).collect()
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = match self.protocol {
            Protocol::Http1 => "HTTP/1.1",
            Protocol::Http2 => "HTTP/2",
        };
        let body = if self.body < 1000 { format!("{} B", self.body) } else { format!("{} KB", self.body / 1000) };
        match self.failing {
            Failing::Never => write!(formatter, "{protocol}, {body}, healthy"),
            Failing::OneInHundred => write!(formatter, "{protocol}, {body}, 1 % failing"),
            Failing::Always => write!(formatter, "{protocol}, 100 % failing"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paths_fail_as_often_as_the_traffic_says() {
        for traffic in Traffic::all() {
            let paths = traffic.paths(0);
            let failing = paths.iter().filter(|path| FAILING.contains(&path.as_str())).count();
            assert_eq!(failing as u64, traffic.failures(paths.len() as u64), "{traffic}");
        }
    }

    #[test]
    fn every_way_to_fail_has_its_round() {
        let traffic = Traffic { protocol: Protocol::Http1, failing: Failing::OneInHundred, body: 100 };
        let paths: Vec<_> = (0..FAILING.len()).flat_map(|round| traffic.paths(round)).collect();
        assert!(FAILING.iter().all(|way| paths.iter().any(|path| path == way)));
    }

    #[test]
    fn connections_ask_for_all_paths_equally_often() {
        let requests = |protocol, failing, wanted| Traffic { protocol, failing, body: 100 }.requests(wanted);
        assert_eq!(requests(Protocol::Http1, Failing::Never, 0.0), 16);
        assert_eq!(requests(Protocol::Http1, Failing::Always, 100.0), 96);
        assert_eq!(requests(Protocol::Http2, Failing::OneInHundred, 900.0), 800);
    }
}
