//! A long time of ever new paths, hosts and clusters, most of them failing: what the memory of an Envoy with meshwhy does meanwhile.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use meshwhy_integration::hostile::listener;
use meshwhy_integration::hostile::load::{self, Planned};
use meshwhy_integration::{Deployment, Session, Setup};
use serde_json::json;

use crate::system::memory;

/// Worker threads of each Envoy.
const WORKERS: usize = 2;
const CLIENTS: usize = 4;
/// How often memory is read.
const MARKS: u32 = 10;
/// The cluster that answers.
const UPSTREAM: &str = "outbound|8080||generous.demo.svc.cluster.local";

/// How long and how varied.
#[derive(Clone, Copy, Debug)]
pub struct Soak {
    /// How long.
    pub time: Duration,
    /// How many different paths, hosts and clusters.
    pub kinds: u64,
    /// What a client waits between two requests.
    pub pause: Duration,
    /// By how many KiB an Envoy with the module may be larger than one without.
    pub allowance: i64,
    /// By how many KiB the difference may grow from the second mark to the last.
    pub growth: i64,
}

/// What the soak gave.
#[derive(Clone, Debug)]
pub struct MemoryReport {
    soak: Soak,
    rows: Vec<Row>,
}

#[derive(Clone, Debug)]
struct Row {
    name: &'static str,
    requests: u64,
    failures: u64,
    reloads: u64,
    /// Resident memory in KiB at each mark.
    marks: Vec<i64>,
    /// The part of it in the end that is the process's own and not pages of Envoy's program.
    own: i64,
}

impl Soak {
    /// 100 000 kinds, each of which comes at least once in two minutes; within 32 MB, and flat.
    pub fn long(time: Duration) -> Self {
        let kinds = 100_000.min(time.as_secs().saturating_mul(500));
        Self { time, kinds, pause: Duration::from_millis(2), allowance: 32 * 1024, growth: 1024 }
    }

    /// Runs an Envoy without meshwhy and one of each deployment side by side under the same load.
    ///
    /// # Errors
    /// An Envoy does not start, or an answer is not as planned.
    pub fn run(self) -> Result<MemoryReport> {
        let deployments = [None, Some(Deployment::Native), Some(Deployment::Observe), Some(Deployment::Annotate)];
        let rows: Vec<Result<Row>> = thread::scope(|scope| {
            let rows = deployments.map(|deployment| scope.spawn(move || self.row(deployment)));
            rows.into_iter().map(|row| row.join().unwrap_or_else(|_| Err(anyhow!("a stage panicked")))).collect()
        });
        Ok(MemoryReport { soak: self, rows: rows.into_iter().collect::<Result<_>>()? })
    }

    fn row(self, deployment: Option<Deployment>) -> Result<Row> {
        let route = json!([{"name": "any", "match": {"prefix": "/"}, "route": {"cluster_header": "x-cluster"}}]);
        // As shipped; only whoever sees the annotation differs, and that costs the module more.
        let setup = Setup { workers: WORKERS, ..Setup::new(deployment) };
        Session::start(&listener(route)?, &setup)?.check(|stage| {
            let address = stage.address("generous")?;
            let stop = AtomicBool::new(false);
            let plan = |number| self.planned(number);
            let (sent, marks) = thread::scope(|scope| {
                let clients = scope.spawn(|| load::run(address, CLIENTS, self.pause, &stop, &plan));
                let marks = self.marks(stage, &stop);
                stop.store(true, Ordering::Relaxed);
                let sent = clients.join().unwrap_or_else(|_| Err(anyhow!("the load panicked")))?;
                marks.map(|marks| (sent, marks))
            })?;
            let reloads = stage.envoy().statistic("vm_reload")?;
            let [_, own] = memory(stage.envoy().id())?;
            Ok(Row {
                name: stage.setup().name(),
                requests: sent.statuses.values().sum(),
                failures: sent.failing.len() as u64,
                reloads,
                marks,
                own: own.cast_signed(),
            })
        })
    }

    /// Every fourth request is answered by the upstream; the others name a cluster that does not exist.
    fn planned(self, number: u64) -> Planned {
        let kind = number.checked_rem(self.kinds).unwrap_or(0);
        let (cluster, status) =
            if number.is_multiple_of(4) { (UPSTREAM.to_owned(), 200) } else { (format!("outbound|80||c{kind}.demo"), 503) };
        Planned { path: format!("/p/{kind}"), headers: format!("host: h{kind}.demo\r\nx-cluster: {cluster}\r\n"), status }
    }

    /// Memory after each tenth of the time; fewer marks if the load has ended early.
    fn marks(self, stage: &Session, stop: &AtomicBool) -> Result<Vec<i64>> {
        let id = stage.envoy().id();
        let start = Instant::now();
        let mut marks = Vec::new();
        for mark in 1..=MARKS {
            let due = self.time * mark / MARKS;
            while start.elapsed() < due && !stop.load(Ordering::Relaxed) {
                sleep(Duration::from_millis(50));
            }
            let [resident, _] = memory(id)?;
            marks.push(resident.cast_signed());
        }
        Ok(marks)
    }
}

impl MemoryReport {
    /// Whether memory stayed within the allowance, did not grow, and no module trapped.
    ///
    /// # Errors
    /// It did not; the message says where.
    pub fn verify(&self) -> Result<()> {
        let without = self.rows.first().context("no row")?;
        ensure!(without.requests >= self.soak.kinds, "only {} requests for {} kinds", without.requests, self.soak.kinds);
        for row in self.rows.iter().skip(1) {
            let over = row.over(without);
            let (second, last) = (over.get(1).context("no marks")?, over.last().context("no marks")?);
            ensure!(row.requests >= self.soak.kinds, "{}: only {} requests", row.name, row.requests);
            ensure!(row.reloads == 0, "{}: a VM was reloaded", row.name);
            ensure!(over.iter().all(|over| *over <= self.soak.allowance), "{}: {:?} KiB over an Envoy without", row.name, over);
            ensure!(last - second <= self.soak.growth, "{}: grows: {:?} KiB over an Envoy without", row.name, over);
        }
        Ok(())
    }
}

impl Row {
    fn over(&self, without: &Self) -> Vec<i64> {
        self.marks.iter().zip(&without.marks).map(|(with, without)| with - without).collect()
    }
}

impl fmt::Display for MemoryReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Soak { time, kinds, .. } = self.soak;
        writeln!(
            formatter,
            "{} s, {kinds} paths, hosts and clusters, {WORKERS} workers; resident MB after each tenth of the time",
            time.as_secs()
        )?;
        writeln!(
            formatter,
            "\n| | requests | failing | {} | over | of it its own |",
            (1..=MARKS).map(|mark| format!("{mark}/10")).collect::<Vec<_>>().join(" | ")
        )?;
        writeln!(formatter, "| --- |{}", " ---: |".repeat(MARKS as usize + 4))?;
        for row in &self.rows {
            let marks: Vec<_> = row.marks.iter().map(|mark| megabytes(*mark)).collect();
            let over = self.rows.first().and_then(|without| row.over(without).last().copied()).unwrap_or(0);
            let own = row.own.saturating_sub(self.rows.first().map_or(0, |without| without.own));
            let [over, own] = [over, own].map(megabytes);
            writeln!(
                formatter,
                "| {} | {} | {} | {} | {over} | {own} |",
                row.name,
                row.requests,
                row.failures,
                marks.join(" | ")
            )?;
        }
        Ok(())
    }
}

fn megabytes(kib: i64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "memory in KiB is far below the limit, and this is for people")]
    let kib = kib as f64;
    format!("{:.1}", kib / 1024.0)
}
