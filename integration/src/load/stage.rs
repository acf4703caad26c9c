//! All variants ready to be measured, one Envoy each.

use std::fs;
use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use socket2::{Domain, Socket, Type};

use super::bootstrap::{self, LISTENER};
use super::generator::{self, Seen};
use super::h2load::H2load;
use super::process::{cpu_time, resident};
use super::traffic::{Protocol, Traffic};
use super::variant::{Modules, Variant};
use crate::artifacts::target;
use crate::envoy::{Envoy, Launcher, locate};

/// A request of a mesh comes with trace context.
const HEADER: (&str, &str) = ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");

/// What one run gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// CPU time of the proxy per request, in microseconds.
    pub cpu_us: f64,
    /// Requests per second.
    pub per_second: f64,
    /// Median of the time that a request took, in microseconds.
    pub p50_us: u32,
    /// Its 99th percentile.
    pub p99_us: u32,
}

/// The running Envoys. They end when it is dropped.
#[derive(Debug)]
pub struct Stage {
    proxies: Vec<(Variant, Envoy)>,
    h2load: Option<H2load>,
    _upstream: Envoy,
    _refusing: Socket,
    directory: tempfile::TempDir,
}

impl Stage {
    /// Starts an Envoy for every variant, and one behind them.
    ///
    /// # Errors
    /// Some Envoy does not start.
    pub fn start(modules: &Modules, variants: &[Variant]) -> Result<Self> {
        let h2load = H2load::find()
            .inspect_err(|error| eprintln!("{error:#}; measuring HTTP/1.1 only, with a simple load generator of our own"))
            .ok();
        let runs = target().join("integration");
        fs::create_dir_all(&runs)?;
        let directory = tempfile::Builder::new().prefix("bench-").tempdir_in(&runs)?;
        // Started directly: a launcher's process would not be the one to measure.
        let launcher = Launcher::binary(locate::binary()?);
        let start = |name: &str, bootstrap| {
            let home = directory.path().join(name);
            fs::create_dir_all(&home)?;
            Envoy::start(&launcher, &bootstrap, &home)
        };
        let upstream = start("upstream", bootstrap::upstream())?;
        // A port that is taken and not listened on: connecting is refused.
        let refusing = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        refusing.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
        let refused = refusing.local_addr()?.as_socket().context("not an IP address")?;
        let mut proxies = Vec::new();
        for variant in variants {
            let listener = variant.listener(modules, directory.path())?;
            let bootstrap = bootstrap::proxy(&listener, address(&upstream)?, refused);
            let envoy = start(&format!("{variant:?}"), bootstrap).with_context(|| variant.to_string())?;
            proxies.push((*variant, envoy));
        }
        Ok(Self { proxies, h2load, _upstream: upstream, _refusing: refusing, directory })
    }

    /// The kinds of traffic that can be sent here.
    pub fn traffic(&self) -> Vec<Traffic> {
        let sendable = |traffic: &Traffic| self.h2load.is_some() || traffic.protocol == Protocol::Http1;
        Traffic::all().into_iter().filter(sendable).collect()
    }

    /// What sends the requests.
    pub fn generator(&self) -> &'static str {
        if self.h2load.is_some() { "h2load" } else { "a simple load generator (HTTP/1.1 only)" }
    }

    /// Sends the requests to one variant.
    ///
    /// # Errors
    /// A request got no answer, or not as many failed as the traffic says.
    pub fn measure(&self, variant: Variant, traffic: &Traffic, requests: u64) -> Result<Sample> {
        let envoy = self.envoy(variant)?;
        let proxy = address(envoy)?;
        let before = cpu_time(envoy.id())?;
        let seen = match &self.h2load {
            Some(h2load) => h2load.run(self.directory.path(), proxy, traffic, requests, HEADER),
            None => generator::run(proxy, traffic, requests, HEADER),
        };
        let used = cpu_time(envoy.id())?.saturating_sub(before);
        let seen = seen.with_context(|| format!("{variant}, {traffic}"))?;
        let expected = traffic.failures(requests);
        ensure!(
            seen.failures == expected,
            "{variant}, {traffic}: {} of {requests} requests failed, not {expected}\n{}",
            seen.failures,
            envoy.failure_report()
        );
        Ok(Sample {
            cpu_us: used.as_secs_f64() * 1e6 / requests as f64,
            per_second: requests as f64 / seen.elapsed.as_secs_f64().max(1e-9),
            p50_us: percentile(&seen, 50),
            p99_us: percentile(&seen, 99),
        })
    }

    /// Resident memory of a variant's Envoy, in bytes.
    ///
    /// # Errors
    /// This is not Linux.
    pub fn resident(&self, variant: Variant) -> Result<u64> {
        resident(self.envoy(variant)?.id())
    }

    /// How many records of the module are in a variant's log.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn records(&self, variant: Variant) -> Result<usize> {
        let log = fs::read(self.envoy(variant)?.log())?;
        Ok(String::from_utf8_lossy(&log).lines().filter(|line| line.contains("meshwhy1 {")).count())
    }

    fn envoy(&self, variant: Variant) -> Result<&Envoy> {
        let found = self.proxies.iter().find(|(one, _)| *one == variant);
        found.map(|(_, envoy)| envoy).with_context(|| format!("no Envoy was started for: {variant}"))
    }
}

fn address(envoy: &Envoy) -> Result<SocketAddr> {
    envoy.listener(LISTENER).context("Envoy did not open its listener")
}

fn percentile(seen: &Seen, percent: usize) -> u32 {
    let at = (seen.latencies.len() * percent / 100).min(seen.latencies.len().saturating_sub(1));
    seen.latencies.get(at).copied().unwrap_or_default()
}
