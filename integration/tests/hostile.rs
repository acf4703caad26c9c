//! The whole hostile corpus through every deployment, beside an Envoy without meshwhy: the same answers, each failure recorded once.

use std::collections::BTreeSet;
use std::thread;

use anyhow::{Context, Result, anyhow, ensure};
use meshwhy_core::{Nature, details};
use meshwhy_diagnose::Analysis;
use meshwhy_integration::hostile::{Exchange, Transcript, corpus, listeners, setup};
use meshwhy_integration::{Deployment, Ledger, LedgerLine, Session, is_record};

/// What one exchange gave on one stage.
struct Played {
    transcript: Transcript,
    ledger: Ledger,
}

/// Plays every exchange on one stage, one after the other.
fn play(deployment: Option<Deployment>, exchanges: &[Exchange]) -> Result<Vec<Played>> {
    Session::start(&listeners()?, &setup(deployment))?.check(|stage| {
        let mut played = Vec::new();
        let mut before = stage.ledger();
        for exchange in exchanges {
            let transcript = exchange.play(stage.address(exchange.listener)?)?;
            let ledger = stage.settled(&before, exchange.lines).with_context(|| exchange.name.to_owned())?;
            before = ledger.clone();
            played.push(Played { transcript, ledger });
        }
        // A record too many may come late.
        ensure!(stage.settled(&before, None)?.records.is_empty(), "records came late");
        unharmed(stage)?;
        Ok(played)
    })
}

/// No trap: no VM was reloaded, none has failed, and where there is a module it still runs.
fn unharmed(stage: &Session) -> Result<()> {
    let reloads = stage.envoy().statistic("vm_reload")?;
    let active = stage.envoy().statistic("wasm.envoy.wasm.runtime.v8.active")?;
    let module = matches!(stage.setup().deployment, Some(Deployment::Observe | Deployment::Annotate));
    ensure!(reloads == 0 && (active > 0) == module, "{}: {reloads} reloads, {active} VMs", stage.setup().name());
    let log = stage.log();
    // Envoy says so of each plugin whose module another one is already fetching.
    let pending = |line: &str| line.contains("failed to load");
    let bad = |line: &&str| (line.contains("\tcritical\t") && !pending(line)) || line.contains("\terror\t");
    let bad: Vec<_> = log.lines().filter(bad).collect();
    ensure!(bad.is_empty(), "{}: {bad:#?}", stage.setup().name());
    if stage.setup().deployment.is_some() {
        let collected = stage.collected();
        let records = collected.lines().filter(|line| is_record(line)).map(|line| format!("{line}\n")).collect::<String>();
        let groups = Analysis::of(records.as_bytes()).groups;
        let found: u64 =
            groups.iter().filter(|group| group.verdict.cause.nature != Nature::Telemetry).map(|group| group.count).sum();
        let failed = stage.ledger().failures();
        ensure!(found == failed, "{}: {failed} failed, {found} found", stage.setup().name());
    }
    Ok(())
}

/// The module does not ask for a status that the details imply.
fn statuses_follow_from_details(played: &[Played]) -> Result<()> {
    let implied = |line: &LedgerLine| details::parse(&line.details).status().filter(|_| !line.is_grpc);
    let lines = played.iter().flat_map(|played| &played.ledger.lines).filter_map(|line| Some((line, implied(line)?)));
    let mut statuses = BTreeSet::new();
    for (line, implied) in lines {
        ensure!(u64::from(implied) == line.status, "{line:?}, not {implied}");
        statuses.insert(implied);
    }
    ensure!(statuses.len() >= 3, "only {statuses:?} were seen");
    Ok(())
}

#[test]
fn meshwhy_changes_nothing_and_misses_nothing() -> Result<()> {
    let exchanges = corpus::all();
    let deployments = [None, Some(Deployment::Observe), Some(Deployment::Native), Some(Deployment::Annotate)];
    let played = thread::scope(|scope| {
        let stages = deployments.map(|deployment| {
            scope.spawn({
                let exchanges = &exchanges;
                move || play(deployment, exchanges)
            })
        });
        stages.map(|stage| stage.join().unwrap_or_else(|_| Err(anyhow!("a stage panicked"))))
    });
    let [without, with @ ..] = played;
    let without = without?;
    let mut complaints = Vec::new();
    for (deployment, played) in Deployment::ALL.iter().zip(with) {
        for ((exchange, without), with) in exchanges.iter().zip(&without).zip(played?) {
            complaints.extend(
                compare(exchange, without, &with, *deployment).map(|what| format!("{deployment}, {}: {what}", exchange.name)),
            );
        }
    }
    ensure!(complaints.is_empty(), "{} complaints\n{}", complaints.len(), complaints.join("\n"));
    statuses_follow_from_details(&without)?;
    let failures: u64 = without.iter().map(|played| played.ledger.failures()).sum();
    let healthy = without.iter().filter(|played| !played.ledger.lines.is_empty() && played.ledger.failures() == 0).count();
    eprintln!("{} exchanges, {failures} failures, {healthy} healthy", exchanges.len());
    ensure!(failures > 60 && healthy > 20, "{failures} failures and {healthy} healthy exchanges are no corpus");
    Ok(())
}

fn compare(exchange: &Exchange, without: &Played, with: &Played, deployment: Deployment) -> Option<String> {
    if let Some(difference) = with.transcript.difference(&without.transcript, exchange.comparison) {
        return Some(difference);
    }
    if exchange.lines.is_some_and(|expected| with.ledger.lines.len() != expected) {
        return Some(format!("{:?} lines expected, got {:?}", exchange.lines, with.ledger.outcomes()));
    }
    if exchange.lines.is_some() && with.ledger.outcomes() != without.ledger.outcomes() {
        return Some(format!("without meshwhy {:?}, with it {:?}", without.ledger.outcomes(), with.ledger.outcomes()));
    }
    let (owed, recorded) = (with.ledger.owed(deployment), with.ledger.recorded());
    (owed != recorded).then(|| format!("{owed} records owed, {recorded} written: {:#?}", with.ledger))
}
