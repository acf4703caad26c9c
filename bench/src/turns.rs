//! Load generators that take turns, so that only one proxy at a time has anything to do.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use fastrand::Rng;
use hdrhistogram::Histogram;

use crate::h2load::{LoggedRequest, Running};
use crate::system::{cpu_time, settle};

/// Requests that a turn needs to be compared with others.
const COMPARABLE: u32 = 30;
/// Digits of a latency.
const PRECISION: u8 = 3;
/// More turns than any round needs.
const TURNS: usize = 10_000;

/// A load generator and the proxy that it asks.
#[derive(Debug)]
pub struct Player {
    generator: Running,
    /// The processes of the proxy and of what is behind it.
    processes: [u32; 2],
    /// How long its turns are.
    turn: Duration,
    turns: Vec<Turn>,
    done: bool,
}

/// One turn of a player. Times are microseconds since 1970.
#[derive(Clone, Copy, Debug)]
struct Turn {
    began: u64,
    ended: u64,
    /// CPU time that the proxy used.
    cpu: Duration,
}

/// What became of the requests of one player.
#[derive(Clone, Debug)]
pub struct Played {
    /// When each turn began, and the microseconds of CPU time that each of its requests cost, without turns that cannot be compared
    /// unless there are no others.
    pub costs: Vec<(u64, f64)>,
    /// How long its turns took.
    pub elapsed: Duration,
    /// Requests with an answer.
    pub requests: u64,
    /// Those with a status of 400 or more.
    pub failures: u64,
    /// How long those took that were sent and answered within one turn, in microseconds.
    pub latencies: Histogram<u64>,
}

impl Player {
    /// With a generator that is stopped.
    pub fn new(generator: Running, processes: [u32; 2], turn: Duration) -> Self {
        Self { generator, processes, turn, turns: Vec::new(), done: false }
    }

    /// What the turns gave, when all have been taken.
    ///
    /// # Errors
    /// A request got no answer.
    pub fn played(&self) -> Result<Played> {
        summary(&self.turns, &self.generator.requests()?)
    }

    fn take_turn(&mut self) -> Result<()> {
        let [proxy, _] = self.processes;
        let (before, began) = (cpu_time(proxy)?, now());
        self.done = self.generator.go_on(self.turn)?;
        let ended = now();
        if !self.done {
            self.generator.pause()?;
        }
        // What is under way still belongs to this turn.
        settle(&self.processes)?;
        self.turns.push(Turn { began, ended, cpu: cpu_time(proxy)?.saturating_sub(before) });
        Ok(())
    }
}

/// Lets the players take turns until every generator has sent its requests. The order differs from one turn to the next, and is the same for
/// the same seed.
///
/// # Errors
/// A generator fails, or a proxy does not become idle when it should.
pub fn play(players: &mut [Player], seed: u64) -> Result<()> {
    let mut dice = Rng::with_seed(seed);
    for _ in 0..TURNS {
        let mut order: Vec<&mut Player> = players.iter_mut().filter(|player| !player.done).collect();
        if order.is_empty() {
            return Ok(());
        }
        dice.shuffle(&mut order);
        order.into_iter().try_for_each(Player::take_turn)?;
    }
    ensure!(players.iter().all(|player| player.done), "h2load does not come to an end");
    Ok(())
}

fn summary(turns: &[Turn], requests: &[LoggedRequest]) -> Result<Played> {
    let mut sent = vec![0_u32; turns.len()];
    let mut latencies = Histogram::new(PRECISION)?;
    for request in requests {
        // A request belongs to the turn in which it was sent.
        let at = turns.partition_point(|turn| turn.began <= request.sent).saturating_sub(1);
        if let Some(sent) = sent.get_mut(at) {
            *sent += 1;
        }
        if turns.get(at).is_some_and(|turn| request.sent + u64::from(request.micros) <= turn.ended) {
            latencies.record(request.micros.into())?;
        }
    }
    // In the first turn connections are made, the last one may be short.
    let comparable = turns.iter().zip(sent).skip(1).filter(|(_, sent)| *sent >= COMPARABLE);
    let mut costs: Vec<_> = comparable.map(|(turn, sent)| (turn.began, micros(turn.cpu) / f64::from(sent))).collect();
    if let (true, Some(first)) = (costs.is_empty(), turns.first()) {
        costs.push((first.began, micros(turns.iter().map(|turn| turn.cpu).sum()) / requests.len().max(1) as f64));
    }
    Ok(Played {
        costs,
        elapsed: Duration::from_micros(turns.iter().map(|turn| turn.ended.saturating_sub(turn.began)).sum()),
        requests: requests.len() as u64,
        failures: requests.iter().filter(|request| request.status >= 400).count() as u64,
        latencies,
    })
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_those_of_requests_within_a_turn() {
        let request = |sent, micros, status| LoggedRequest { sent, status, micros };
        let turn = |began, ended| Turn { began, ended, cpu: Duration::from_micros(900) };
        let turns = [turn(1000, 2000), turn(5000, 5500)];
        let requests = [
            request(1000, 300, 200),
            request(1900, 100, 404),
            // Under way when a turn ended, and sent in the moment that the signal took.
            request(1950, 3100, 200),
            request(2001, 3010, 200),
            request(5100, 200, 503),
        ];
        let played = summary(&turns, &requests).unwrap();
        assert_eq!([0.0, 0.5, 1.0].map(|part| played.latencies.value_at_quantile(part)), [100, 200, 300]);
        assert_eq!(played.latencies.len(), 3);
        assert_eq!((played.requests, played.failures, played.elapsed), (5, 2, Duration::from_micros(1500)));
    }

    #[test]
    fn a_turn_costs_what_its_requests_cost() {
        let turn = |began| Turn { began, ended: began + 500, cpu: Duration::from_micros(900) };
        let sent = |at, count| vec![LoggedRequest { sent: at, micros: 10, status: 200 }; count];
        let requests = [sent(1001, 40), sent(2001, 30), sent(3001, 45), sent(4001, 29)].concat();
        let played = summary(&[turn(1000), turn(2000), turn(3000), turn(4000)], &requests).unwrap();
        assert_eq!(played.costs, [(2000, 30.0), (3000, 20.0)]);
        assert_eq!(summary(&[turn(1000)], &requests[..100]).unwrap().costs, [(1000, 9.0)], "all there is");
    }
}
