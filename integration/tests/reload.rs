//! Module and configuration swapped under load, as a control plane does it: with the listener.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use meshwhy_integration::artifacts::module;
use meshwhy_integration::hostile::load::{self, Planned, Sent};
use meshwhy_integration::hostile::{listener, setup};
use meshwhy_integration::tail::wait_for;
use meshwhy_integration::{Deployment, Scenario, Session, Setup};
use serde_json::json;

/// What Envoy counts when it took an update through LDS.
const UPDATES: &str = "listener_manager.listener_modified";

const SWAPS: u64 = 3;
/// Load between two swaps.
const PERIOD: Duration = Duration::from_millis(500);
/// How long an update may take: Envoy compiles the module first.
const PATIENCE: Duration = Duration::from_secs(10);
const CLIENTS: usize = 4;

/// One listener: each swap has Envoy compile the module for each of them.
fn plan() -> Result<[Scenario; 1]> {
    listener(json!([
        {"name": "ok", "match": {"path": "/ok"}, "route": {"cluster": "{{cluster}}"}},
        {"name": "refused", "match": {"path": "/refused"}, "route": {"cluster": "{{refused}}"}},
    ]))
}

/// Requests that the proxy passes on, and two kinds that it refuses.
fn planned(number: u64) -> Planned {
    let (path, status) = match number % 3 {
        0 => ("/ok", 200),
        1 => ("/no/route", 404),
        _ => ("/refused", 503),
    };
    Planned { path: path.to_owned(), headers: "host: shop.demo\r\nb3: 0\r\n".to_owned(), status }
}

/// The module with a custom section more: the same code, another module to Envoy.
fn other_module(stage: &Session, number: u64) -> Result<std::path::PathBuf> {
    let mut bytes = fs::read(module()?)?;
    let name = format!("v{number:04}");
    bytes.extend([0, 6, 5]);
    bytes.extend(name.bytes());
    let path = stage.file(&format!("{name}.wasm"));
    fs::write(&path, bytes)?;
    Ok(path)
}

/// What is swapped.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Swapped {
    /// Module and configuration: each plugin has a VM of its own.
    Both,
    /// The configuration alone: the old plugin and the new one share the VM.
    Configuration,
}

/// Swaps under load, each time waiting until Envoy says that it took the update.
fn swap_under_load(stage: &mut Session, swapped: Swapped, records: u64) -> Result<Sent> {
    let address = stage.address("generous")?;
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let clients = scope.spawn(|| load::run(address, CLIENTS, Duration::from_millis(4), &stop, &planned));
        let swaps = (1..=SWAPS).try_for_each(|number| {
            sleep(PERIOD);
            let before = stage.envoy().statistic(UPDATES)?;
            let module = if swapped == Swapped::Both { other_module(stage, number)? } else { module()? };
            stage.swap(&module, &json!({"records_per_interval": records - number}))?;
            let taken = wait_for(PATIENCE, || stage.envoy().statistic(UPDATES).ok().filter(|after| *after > before));
            taken.map(drop).with_context(|| format!("Envoy did not take update {number}"))
        });
        sleep(PERIOD);
        stop.store(true, Ordering::Relaxed);
        let sent = clients.join().unwrap_or_else(|_| Err(anyhow!("the load panicked")))?;
        swaps.map(|()| sent)
    })
}

fn nothing_is_lost(deployment: Deployment, swapped: Swapped) -> Result<()> {
    Session::start(&plan()?, &Setup { dynamic: true, ..setup(Some(deployment)) })?
        .check(|stage| {
            let sent = swap_under_load(stage, swapped, 1000)?;
            let all: u64 = sent.statuses.values().sum();
            let ledger = wait_for(Duration::from_secs(5), || {
                Some(stage.ledger())
                    .filter(|ledger| ledger.lines.len() as u64 >= all && ledger.recorded() >= sent.failing.len() as u64)
            });
            let ledger = ledger.unwrap_or_else(|| stage.ledger());
            let ids = ledger.recorded_ids();
            let lost = sent.failing.iter().filter(|id| !ids.contains_key(id.as_str())).count();
            let doubled = ids.values().filter(|count| **count > 1).count();
            eprintln!(
                "{deployment}, {swapped:?}: {SWAPS} swaps, {:?} answers, {lost} records lost, {doubled} doubled",
                sent.statuses
            );
            ensure!(lost == 0 && doubled == 0, "{lost} records lost, {doubled} doubled");
            ensure!(
                ledger.recorded() == sent.failing.len() as u64,
                "{} recorded, {} failed",
                ledger.recorded(),
                sent.failing.len()
            );
            ensure!(!stage.log().contains("\terror\t"), "Envoy complains");
            let modules = stage.envoy().statistic("wasm.envoy.wasm.runtime.v8.created")?;
            ensure!(swapped == Swapped::Configuration || modules > SWAPS, "only {modules} VMs were ever made");
            Ok(())
        })
        .context("swapped under load")
}

#[test]
fn observe_swaps() -> Result<()> {
    nothing_is_lost(Deployment::Observe, Swapped::Both)
}

#[test]
fn annotate_swaps() -> Result<()> {
    nothing_is_lost(Deployment::Annotate, Swapped::Both)
}

#[test]
fn observe_swaps_its_configuration() -> Result<()> {
    nothing_is_lost(Deployment::Observe, Swapped::Configuration)
}

#[test]
fn annotate_swaps_its_configuration() -> Result<()> {
    nothing_is_lost(Deployment::Annotate, Swapped::Configuration)
}

/// Swaps under load with flood control at work: failures, what the records stand for, what the counters say.
fn totals_under_flood_control(deployment: Deployment) -> Result<[u64; 3]> {
    let wishes = json!({"records_per_interval": 10, "interval_ms": 1000});
    Session::start(&plan()?, &Setup { dynamic: true, wishes, ..setup(Some(deployment)) })?.check(|stage| {
        let sent = swap_under_load(stage, Swapped::Both, 10)?;
        let failed = sent.failing.len() as u64;
        let recorded =
            wait_for(Duration::from_secs(3), || Some(stage.ledger().recorded()).filter(|recorded| *recorded >= failed));
        let counted = stage.envoy().statistic("meshwhy_local_replies_total")?;
        let recorded = recorded.unwrap_or_else(|| stage.ledger().recorded());
        eprintln!("{deployment} under flood control: {failed} failed, {recorded} recorded, {counted} counted");
        Ok([failed, recorded, counted])
    })
}

/// The old listener drains for longer than an interval, and its module tells the rest meanwhile.
fn totals_are_exact(deployment: Deployment) -> Result<()> {
    let [failed, recorded, counted] = totals_under_flood_control(deployment)?;
    ensure!(recorded == failed && counted == failed, "{failed} failed, {recorded} recorded, {counted} counted");
    Ok(())
}

#[test]
fn totals_of_observe_are_exact_across_swaps() -> Result<()> {
    totals_are_exact(Deployment::Observe)
}

#[test]
fn totals_of_annotate_are_exact_across_swaps() -> Result<()> {
    totals_are_exact(Deployment::Annotate)
}
