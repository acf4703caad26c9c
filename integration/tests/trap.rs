//! A module that traps on demand: what it costs the requests, and how it is noticed. `docs/reliability.md` has the table.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use meshwhy_diagnose::Analysis;
use meshwhy_integration::artifacts::{testing_module, workspace};
use meshwhy_integration::hostile::{corpus, listeners, setup};
use meshwhy_integration::tail::wait_for;
use meshwhy_integration::{Deployment, Ledger, Session, Setup};

/// Envoy waits at least a second between two reloads of a VM.
const RELOAD: Duration = Duration::from_secs(10);
/// How long a line or a record may take.
const PATIENCE: Duration = Duration::from_secs(10);

fn stage(deployment: Deployment) -> Result<Session> {
    Session::start(&listeners()?, &Setup { module: Some(testing_module()?), ..setup(Some(deployment)) })
}

/// One request and what came of it.
struct TrapRequest<'s> {
    stage: &'s Session,
    path: &'static str,
    trap: &'static str,
}

impl TrapRequest<'_> {
    fn status(&self) -> Result<u64> {
        let exchange = corpus::get("a request", self.path, &format!("host: shop.demo\r\nx-meshwhy-trap: {}\r\n", self.trap));
        let transcript = exchange.play(self.stage.address(exchange.listener)?)?;
        let head = transcript.seen.first().context("no response")?;
        head.split(' ').nth(1).and_then(|status| status.parse().ok()).with_context(|| format!("no status in {head:?}"))
    }

    /// The status, and how many records came of it once nothing more comes; waits for those that are expected.
    fn recorded(&self, expected: u64) -> Result<(u64, u64)> {
        let before = self.stage.ledger();
        let status = self.status()?;
        let is_recorded = |ledger: &Ledger| !ledger.lines.is_empty() && ledger.recorded() >= expected;
        wait_for(PATIENCE, || Some(()).filter(|()| is_recorded(&before.next())));
        let ledger = self.stage.settled(&before, None)?;
        ensure!(!ledger.lines.is_empty(), "no access-log line");
        Ok((status, ledger.recorded()))
    }
}

fn request<'s>(stage: &'s Session, path: &'static str, trap: &'static str) -> TrapRequest<'s> {
    TrapRequest { stage, path, trap }
}

/// The crash, as `meshwhy diagnose` reads it from what `kubectl logs` shows.
fn reported_crashes(stage: &Session) -> u64 {
    let groups = Analysis::of(stage.collected().as_bytes()).groups;
    groups.iter().filter(|group| group.verdict.cause.slug == "wasm-load-failed").map(|group| group.count).sum()
}

/// Checks that the panic behind a trap left its message in Envoy's log, and nothing of the machine that built the module.
fn logs_its_panic(stage: &Session) -> Result<()> {
    let log = stage.log();
    let line = log.lines().find(|line| line.contains("meshwhy: panicked at ")).context("no message of the panic")?;
    let named = ["filter/src/testing.rs:", ": x-meshwhy-trap asks for it"].iter().all(|part| line.contains(part));
    ensure!(named, "neither place nor message: {line}");
    ensure!(!line.contains(&workspace().display().to_string()), "a path of the builder's: {line}");
    Ok(())
}

/// Sends failing requests until one is recorded again; tells how long that took and how many were not.
fn recovery(stage: &Session) -> Result<(Duration, u64)> {
    let start = Instant::now();
    let mut lost = 0;
    while start.elapsed() < RELOAD {
        match request(stage, "/no/route", "none").recorded(0)? {
            (404, 1) => return Ok((start.elapsed(), lost)),
            (404, 0) => lost += 1,
            other => bail!("the answer has changed: {other:?}"),
        }
    }
    bail!("the module does not come back")
}

#[test]
fn observe_loses_no_request_and_recovers() -> Result<()> {
    stage(Deployment::Observe)?.check(|stage| {
        for round in 1..=3 {
            ensure!(request(stage, "/no/route", "none").recorded(1)? == (404, 1), "it does not record");
            ensure!(
                request(stage, "/no/route", "log").recorded(0)? == (404, 0),
                "the trap changed the answer, or there was none"
            );
            ensure!(request(stage, "/ok", "none").recorded(0)? == (200, 0), "healthy traffic suffers");
            let (time, lost) = recovery(stage)?;
            eprintln!("trap {round}: recording again after {} ms and {lost} failures without a record", time.as_millis());
        }
        let reloads = stage.envoy().statistic("wasm.meshwhy.vm_reload_success")?;
        ensure!(reloads >= 3, "{reloads} reloads");
        ensure!(reported_crashes(stage) >= 3, "meshwhy says nothing of the crashes");
        logs_its_panic(stage)?;
        Ok(())
    })
}

/// The trap's place, its path; the status of the request that trips it.
const ANNOTATE: [(&str, &str, u64); 3] = [("request", "/ok", 503), ("none", "/trap-response", 503), ("log", "/ok", 200)];

#[test]
fn annotate_lets_requests_pass_and_envoy_records_instead() -> Result<()> {
    for (trap, path, status) in ANNOTATE {
        stage(Deployment::Annotate)?.check(|stage| {
            ensure!(request(stage, "/no/route", "none").recorded(1)? == (404, 1), "it does not record");
            let records = u64::from(status == 503);
            let tripped = request(stage, path, trap).recorded(records)?;
            ensure!(tripped == (status, records), "{trap} {path}: the request that trips it has status and records {tripped:?}");
            // FAIL_OPEN: the module is left out on this worker, for good. Nothing says any more that it will report.
            for _ in 0..3 {
                ensure!(request(stage, "/ok", "none").recorded(0)? == (200, 0), "{trap}: healthy traffic suffers");
                ensure!(request(stage, "/no/route", "none").recorded(1)? == (404, 1), "{trap}: no record after a trap");
            }
            ensure!(reported_crashes(stage) > 0, "{trap}: meshwhy says nothing of the crash");
            Ok(())
        })?;
    }
    Ok(())
}
