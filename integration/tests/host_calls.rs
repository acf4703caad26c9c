//! How often the module calls Envoy, counted by the module itself in a real Envoy. `docs/performance.md` has the budget.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use meshwhy_integration::artifacts::testing_module;
use meshwhy_integration::hostile::{corpus, listeners, setup};
use meshwhy_integration::tail::wait_for;
use meshwhy_integration::{Deployment, Session, Setup};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(10);

const REQUESTS: usize = 20;
/// Of the failing requests, so many get a record.
const RECORDS: usize = 5;

/// With trace context, so that observe's optional check of it stays silent.
const HEADERS: &str = "host: shop.demo\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
const HEALTHY: &str = "/ok";
const FAILING: &str = "/no-endpoint";

/// The page with the budget, which the module's own tests hold its constants to.
const PAGE: &str = include_str!("../../docs/performance.md");

/// The number behind `words` on the page's line that holds `line`.
fn budget(line: &str, words: &str) -> Result<u64> {
    let line = PAGE.lines().find(|text| text.contains(line)).with_context(|| format!("the page has no {line:?}"))?;
    let (_, rest) = line.split_once(words).with_context(|| format!("no {words:?} in {line:?}"))?;
    let end = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().with_context(|| rest.to_owned())
}

fn suppressed() -> Result<u64> {
    budget("| failing, held back by flood control |", "at most ")
}

fn with_record() -> Result<u64> {
    budget("| failing, with a record |", "at most ")
}

/// Per callback: the calls that each entry made, least first.
type Calls = BTreeMap<String, Vec<u64>>;

/// Sends the requests and gives the calls of the callbacks that they entered, once `entered` of them have been counted.
fn calls(deployment: Deployment, path: &str, status: &str, entered: &[&str]) -> Result<Calls> {
    calls_of(&json!({"visibility": "always"}), deployment, path, status, entered)
}

fn calls_of(wishes: &Value, deployment: Deployment, path: &str, status: &str, entered: &[&str]) -> Result<Calls> {
    let mut configuration = json!({"records_per_interval": RECORDS, "interval_ms": 60_000, "trace_check": {"sample_per_10k": 0}});
    configuration.as_object_mut().context("no object")?.extend(wishes.as_object().cloned().unwrap_or_default());
    let setup = Setup { module: Some(testing_module()?), wishes: configuration, ..setup(Some(deployment)) };
    Session::start(&listeners()?, &setup)?.check(|stage| {
        let exchange = corpus::get("a request", path, HEADERS);
        for _ in 0..REQUESTS {
            let transcript = exchange.play(stage.address(exchange.listener)?)?;
            let head = transcript.seen.first().context("no response")?;
            ensure!(head.split(' ').nth(1) == Some(status), "{head:?}");
        }
        let logged = wait_for(PATIENCE, || Some(stage.ledger().lines.len()).filter(|lines| *lines == REQUESTS));
        ensure!(logged.is_some(), "{} access-log lines", stage.ledger().lines.len());
        let complete = |calls: &Calls| entered.iter().all(|callback| calls.get(*callback).map_or(0, Vec::len) == REQUESTS);
        let calls = wait_for(PATIENCE, || counted(stage).ok().filter(complete));
        calls.with_context(|| format!("entered: {:?}", counted(stage)))
    })
}

fn counted(stage: &Session) -> Result<Calls> {
    let statistics = stage.envoy().admin("/stats?filter=meshwhy_testing")?;
    let mut calls = Calls::new();
    for line in statistics.lines() {
        let counter = line.split_once("meshwhy_testing.").and_then(|(_, counter)| counter.split_once(": "));
        let (name, entries) = counter.with_context(|| line.to_owned())?;
        let (callback, made) = name.split_once('.').with_context(|| line.to_owned())?;
        calls.entry(callback.to_owned()).or_default().extend(vec![made.parse::<u64>()?; entries.parse()?]);
    }
    calls.values_mut().for_each(|made| made.sort_unstable());
    Ok(calls)
}

fn ensure_within(made: &[u64], ordinary: u64, with_record: u64) -> Result<()> {
    let first = budget("The first failures cost up to", "up to ")?;
    let (ordinary_entries, others) = made.split_at(REQUESTS - RECORDS);
    ensure!(ordinary_entries.iter().all(|calls| *calls <= ordinary), "{made:?}, not {ordinary}");
    ensure!(others.iter().rev().skip(1).all(|calls| *calls <= with_record), "{made:?}, not {with_record}");
    ensure!(others.last().is_some_and(|calls| *calls <= with_record + first), "{made:?}, not {with_record} + {first}");
    Ok(())
}

#[test]
fn a_healthy_request_does_not_enter_observe() -> Result<()> {
    let calls = calls(Deployment::Observe, HEALTHY, "200", &[])?;
    ensure!(calls.is_empty(), "{calls:?}");
    Ok(())
}

#[test]
fn a_healthy_request_costs_annotate_one_call() -> Result<()> {
    let calls = calls(Deployment::Annotate, HEALTHY, "200", &["request", "response"])?;
    ensure!(calls.values().map(|made| made.iter().sum::<u64>()).sum::<u64>() <= REQUESTS as u64, "{calls:?}");
    Ok(())
}

#[test]
fn a_healthy_request_costs_annotate_two_calls_at_a_gateway() -> Result<()> {
    let gateway = json!({"visibility": "mesh", "side": "gateway"});
    let calls = calls_of(&gateway, Deployment::Annotate, HEALTHY, "200", &["request", "response"])?;
    ensure!(calls.values().map(|made| made.iter().sum::<u64>()).sum::<u64>() <= 2 * REQUESTS as u64, "{calls:?}");
    Ok(())
}

#[test]
fn a_failure_stays_within_the_budget_in_observe() -> Result<()> {
    let calls = calls(Deployment::Observe, FAILING, "503", &["log"])?;
    ensure!(calls.len() == 1, "{calls:?}");
    ensure_within(&calls["log"], suppressed()?, with_record()?)
}

#[test]
fn a_usual_failure_costs_observe_one_call_or_two() -> Result<()> {
    for (path, status, most) in [("/no/route", "404", 1), ("/no-endpoint", "503", 2), ("/refused", "503", 2)] {
        let calls = calls_of(&json!({"side": "outbound"}), Deployment::Observe, path, status, &["log"])?;
        ensure_within(&calls["log"], most, with_record()?).with_context(|| path.to_owned())?;
    }
    Ok(())
}

#[test]
fn a_failure_stays_within_the_budget_in_annotate() -> Result<()> {
    let calls = calls(Deployment::Annotate, FAILING, "503", &["request", "response", "log"])?;
    let annotation = budget("| failing, with a record |", "and ")?;
    ensure!(calls["request"].iter().all(|made| *made == 0), "{calls:?}");
    ensure_within(&calls["response"], annotation, annotation)?;
    ensure_within(&calls["log"], suppressed()?, with_record()?)
}
