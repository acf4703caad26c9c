//! Every request fails: the records that come of it are bounded as configured, and stand for every failure.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use meshwhy_integration::hostile::load::{self, Planned};
use meshwhy_integration::hostile::{listener, setup};
use meshwhy_integration::tail::wait_for;
use meshwhy_integration::{Deployment, Session, Setup};
use serde_json::{Value, json};

const TIME: Duration = Duration::from_secs(4);
const INTERVAL: Duration = Duration::from_secs(1);
/// Records per kind and interval.
const RECORDS: u64 = 5;
const CLIENTS: usize = 4;

/// Two kinds of failures in turn.
fn planned(number: u64) -> Planned {
    let (path, status) = if number.is_multiple_of(2) { ("/no/route", 404) } else { ("/refused", 503) };
    Planned { path: path.to_owned(), headers: "host: shop.demo\r\nb3: 0\r\n".to_owned(), status }
}

fn records_are_bounded(deployment: Deployment) -> Result<()> {
    let routes = json!([{"name": "refused", "match": {"path": "/refused"}, "route": {"cluster": "{{refused}}"}}]);
    let wishes = json!({"records_per_interval": RECORDS, "interval_ms": 1000});
    Session::start(&listener(routes)?, &Setup { wishes, ..setup(Some(deployment)) })?.check(|stage| {
        let (address, stop, start) = (stage.address("generous")?, AtomicBool::new(false), Instant::now());
        let failed = thread::scope(|scope| {
            let clients = scope.spawn(|| load::run(address, CLIENTS, Duration::from_millis(1), &stop, &planned));
            sleep(TIME);
            stop.store(true, Ordering::Relaxed);
            clients.join().unwrap_or_else(|_| Err(anyhow!("the load panicked")))
        })?
        .failing
        .len() as u64;
        // What is held back in the last interval is told when it is over.
        wait_for(INTERVAL * 5, || Some(()).filter(|()| stage.ledger().recorded() >= failed));
        let intervals = start.elapsed().as_secs() + 2;
        let ledger = stage.ledger();
        ensure!(ledger.recorded() == failed, "{} recorded, {failed} failed", ledger.recorded());
        let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
        for code in ledger.records.iter().filter_map(|record| record.get("meshwhy.code").and_then(Value::as_str)) {
            *kinds.entry(code).or_default() += 1;
        }
        // One more in each interval tells how many were held back.
        let most = (RECORDS + 1) * intervals;
        ensure!(kinds.len() == 2 && kinds.values().all(|records| *records <= most), "{kinds:?} in {intervals} intervals");
        ensure!(failed > 10 * ledger.records.len() as u64, "{failed} failures are no flood: {kinds:?}");
        Ok(())
    })
}

#[test]
fn records_of_observe_are_bounded() -> Result<()> {
    records_are_bounded(Deployment::Observe)
}

#[test]
fn records_of_annotate_are_bounded() -> Result<()> {
    records_are_bounded(Deployment::Annotate)
}
