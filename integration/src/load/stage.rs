//! All variants ready to be measured, one Envoy each.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use socket2::{Domain, Socket, Type};

use super::bootstrap::{self, LISTENER};
use super::drift::{self, Turn};
use super::h2load::H2load;
use super::process::resident;
use super::system::Cpus;
use super::traffic::Traffic;
use super::turns::{Played, Player, play};
use super::variant::{Modules, Variant};
use crate::artifacts::target;
use crate::envoy::{Envoy, Launcher, locate};

/// A request of a mesh comes with trace context.
const HEADER: (&str, &str) = ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");

/// What one round gave for one variant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// CPU time of the proxy per request, in microseconds, at the usual pace of the machine in that round: what counts is its ratio to another
    /// variant's.
    pub cpu_us: f64,
    /// Requests per second of its turns.
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
    h2load: H2load,
    upstream: Envoy,
    _refusing: Socket,
    directory: tempfile::TempDir,
    cpus: Cpus,
}

impl Stage {
    /// Starts an Envoy for every variant, and one behind them.
    ///
    /// # Errors
    /// Some Envoy does not start, there is no h2load, or this is not Linux.
    pub fn start(modules: &Modules, variants: &[Variant]) -> Result<Self> {
        let h2load = H2load::find()?;
        let cpus = Cpus::divide()?;
        let runs = target().join("integration");
        fs::create_dir_all(&runs)?;
        let directory = tempfile::Builder::new().prefix("bench-").tempdir_in(&runs)?;
        // Started directly: a launcher's process would not be the one to measure.
        let launcher = Launcher::binary(locate::binary()?);
        let start = |name: &str, bootstrap| {
            let home = directory.path().join(name);
            fs::create_dir_all(&home)?;
            cpus.measured(|| Envoy::start(&launcher, &bootstrap, &home))
        };
        let upstream = start("upstream", bootstrap::upstream())?;
        // A port that is taken and not listened on: connecting is refused.
        let refusing = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        refusing.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
        let refused = refusing.local_addr()?.as_socket().context("not an IP address")?;
        let mut proxies = Vec::new();
        for variant in variants {
            let listener = variant.listener(modules)?;
            let bootstrap = bootstrap::proxy(&listener, &variant.clusters()?, address(&upstream)?, refused);
            let envoy = start(&format!("{variant:?}"), bootstrap).with_context(|| variant.to_string())?;
            proxies.push((*variant, envoy));
        }
        Ok(Self { proxies, h2load, upstream, _refusing: refusing, directory, cpus })
    }

    /// Measures several variants at once: each gets so many requests, sent while it is its turn. What disturbs the machine for longer than
    /// a turn disturbs all of them alike, and is taken out. Latencies leave out requests that were under way when a turn ended. The samples
    /// are in the order of the variants.
    ///
    /// # Errors
    /// A request got no answer, or not as many failed as the traffic says.
    pub fn round(&self, round: usize, traffic: &Traffic, requests: u64, turns: &[(Variant, Duration)]) -> Result<Vec<Sample>> {
        let mut players = Vec::new();
        for (variant, turn) in turns {
            let envoy = self.envoy(*variant)?;
            let directory = self.directory.path().join(format!("load-{variant:?}"));
            let addresses = traffic.addresses(address(envoy)?, round);
            let start = || self.h2load.start(&directory, &addresses, traffic, requests, HEADER);
            players.push(Player::new(self.cpus.measured(start)?, [envoy.id(), self.upstream.id()], *turn));
        }
        play(&mut players, round).with_context(|| traffic.to_string())?;
        let played = turns.iter().zip(&players).map(|((variant, _), player)| {
            let played = player.played().with_context(|| format!("{variant}, {traffic}"))?;
            let expected = traffic.failures(requests);
            ensure!(
                (played.requests, played.failures) == (requests, expected),
                "{variant}, {traffic}: {} of {} requests failed, not {expected} of {requests}\n{}",
                played.failures,
                played.requests,
                self.envoy(*variant)?.failure_report()
            );
            Ok(played)
        });
        let played = played.collect::<Result<Vec<Played>>>()?;
        let turns = played.iter().enumerate().flat_map(|(player, played)| {
            let turn = move |(began, cost): &(u64, f64)| Turn { player, began: *began, cost: *cost };
            played.costs.iter().map(turn)
        });
        let costs = drift::costs(turns.collect(), played.len()).with_context(|| traffic.to_string())?;
        let samples = played.iter().zip(costs).map(|(played, cpu_us)| Sample {
            cpu_us,
            per_second: requests as f64 / played.elapsed.as_secs_f64().max(1e-9),
            p50_us: percentile(&played.latencies, 50),
            p99_us: percentile(&played.latencies, 99),
        });
        Ok(samples.collect())
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

fn percentile(sorted: &[u32], percent: usize) -> u32 {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or_default()
}
