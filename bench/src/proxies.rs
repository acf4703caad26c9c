//! All variants ready to be measured, one Envoy each.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use meshwhy_integration::RunDirectory;
use meshwhy_integration::envoy::{Envoy, Launcher, locate};
use meshwhy_integration::{Scenario, Session, Setup};

use crate::drift::{self, TurnCost};
use crate::h2load::H2load;
use crate::system::{Cpus, memory};
use crate::traffic::Traffic;
use crate::turns::{Played, Player, play};
use crate::variant::{Modules, Variant};

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
    pub p50_us: u64,
    /// Its 99th percentile.
    pub p99_us: u64,
}

/// The running Envoys. They end when it is dropped.
#[derive(Debug)]
pub struct Proxies {
    proxies: Vec<(Variant, Session)>,
    h2load: H2load,
    upstream: Session,
    directory: RunDirectory,
    cpus: Cpus,
}

impl Proxies {
    /// Starts an Envoy for every variant, and one behind them.
    ///
    /// # Errors
    /// Some Envoy does not start, there is no h2load, or this is not Linux.
    pub fn start(modules: &Modules, variants: &[Variant]) -> Result<Self> {
        let h2load = H2load::find()?;
        let cpus = Cpus::divide()?;
        // Started directly: a launcher's process would not be the one to measure.
        let launcher = Launcher::binary(locate::binary()?);
        let start = |scenario: Scenario, setup: &Setup| cpus.measured(|| Session::start_with(&launcher, &[scenario], setup));
        let upstream = start(Traffic::upstream()?, &Setup::new(None))?;
        let proxy = |variant: &Variant| {
            let scenario = variant.scenario(modules, address(&upstream)?)?;
            let session = start(scenario, &variant.setup(modules)).with_context(|| variant.to_string())?;
            Ok((*variant, session))
        };
        let proxies = variants.iter().map(proxy).collect::<Result<_>>()?;
        let directory = RunDirectory::new("bench")?;
        Ok(Self { proxies, h2load, upstream, directory, cpus })
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
            let session = self.session(*variant)?;
            let directory = self.directory.path().join(format!("load-{variant:?}"));
            let addresses = traffic.addresses(address(session)?, round);
            let start = || self.h2load.start(&directory, &addresses, traffic, requests, HEADER);
            players.push(Player::new(self.cpus.measured(start)?, [session.envoy().id(), self.upstream.envoy().id()], *turn));
        }
        play(&mut players, round as u64).with_context(|| traffic.to_string())?;
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
            let turn = move |(began, cost): &(u64, f64)| TurnCost { player, began: *began, cost: *cost };
            played.costs.iter().map(turn)
        });
        let costs = drift::costs(turns.collect(), played.len()).with_context(|| traffic.to_string())?;
        let samples = played.iter().zip(costs).map(|(played, cpu_us)| Sample {
            cpu_us,
            per_second: requests as f64 / played.elapsed.as_secs_f64().max(1e-9),
            p50_us: played.latencies.value_at_quantile(0.5),
            p99_us: played.latencies.value_at_quantile(0.99),
        });
        Ok(samples.collect())
    }

    /// Resident memory of a variant's Envoy, in bytes.
    ///
    /// # Errors
    /// This is not Linux.
    pub fn resident(&self, variant: Variant) -> Result<u64> {
        let [resident, _] = memory(self.envoy(variant)?.id())?;
        Ok(resident * 1024)
    }

    /// How many records of the module are in a variant's log.
    ///
    /// # Errors
    /// There is no such variant.
    pub fn records(&self, variant: Variant) -> Result<usize> {
        Ok(self.session(variant)?.log().lines().filter(|line| line.contains("meshwhy1 {")).count())
    }

    fn envoy(&self, variant: Variant) -> Result<&Envoy> {
        self.session(variant).map(Session::envoy)
    }

    fn session(&self, variant: Variant) -> Result<&Session> {
        let found = self.proxies.iter().find(|(one, _)| *one == variant);
        found.map(|(_, session)| session).with_context(|| format!("no Envoy was started for: {variant}"))
    }
}

/// Where the only listener of a session is.
fn address(session: &Session) -> Result<SocketAddr> {
    let (_, address) = session.envoy().listeners().next().context("Envoy did not open its listener")?;
    Ok(address)
}
