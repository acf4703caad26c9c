//! The module cannot be had, in every way in which it may fail: requests, later changes and new proxies are as without meshwhy, and whoever
//! looks can see it.
//!
//! One exception is Envoy's: bytes that are no module, whose hash the manifest has all the same.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use meshwhy_diagnose::Analysis;
use meshwhy_integration::module_supply::{Answered, FAILING, Sent, SuppliedProxy, Supply, Way};
use meshwhy_integration::tail::wait_for;

const BARE: Sent = Sent { meshwhy: false, change: false };
const DEPLOYED: Sent = Sent { meshwhy: true, change: false };
const CHANGED: Sent = Sent { meshwhy: true, change: true };
const TAKEN_AWAY: Sent = Sent { meshwhy: false, change: true };

/// How long a record, or a change that Envoy has taken, may need.
const PATIENCE: Duration = Duration::from_secs(5);

/// What Envoy says when it has no module for a plugin. It says it for a while of a good one, too: each plugin fetches for itself.
const LOG_LINE: &str = "Plugin configured to fail closed failed to load";

/// What Envoy says of a fetch that failed, and only then.
const FAILED_FETCH: &str = "Retry limit exceeded for fetching data from remote data source";

/// What becomes of a later change of the user.
#[derive(Clone, Copy, PartialEq)]
enum Later {
    Arrives,
    IsRefused,
}

/// Runs both kinds of proxy in every way, and gives each to the check at its end.
fn everywhere(supply: Supply, later: Later, check: impl Fn(&mut SuppliedProxy) -> Result<()>) -> Result<()> {
    Way::ALL.into_iter().try_for_each(|way| both_proxies(way, supply, later, &check))
}

fn both_proxies(way: Way, supply: Supply, later: Later, check: &impl Fn(&mut SuppliedProxy) -> Result<()>) -> Result<()> {
    let mut without = Vec::new();
    SuppliedProxy::start(way, supply, BARE)?.check(|proxy| {
        without = proxy.answers()?;
        proxy.send(DEPLOYED)?;
        as_without(proxy, &without).context("a running proxy that gets meshwhy")?;
        change(proxy, &without, later).context("a running proxy")?;
        check(proxy).context("a running proxy")
    })?;
    SuppliedProxy::start(way, supply, DEPLOYED)?.check(|proxy| {
        as_without(proxy, &without).context("a new proxy")?;
        change(proxy, &without, later).context("a new proxy")?;
        eprintln!("{way:?}, {supply:?}: a new proxy was ready after {:.1} s", proxy.ready_after().as_secs_f64());
        check(proxy).context("a new proxy")
    })?;
    Ok(())
}

/// Waits until the change is there; a worker takes its new listeners a little later than Envoy says.
fn arrives(proxy: &SuppliedProxy) -> bool {
    wait_for(PATIENCE, || proxy.changed().is_ok_and(|changed| changed).then_some(())).is_some()
}

fn as_without(proxy: &SuppliedProxy, without: &[Answered]) -> Result<()> {
    let answers = proxy.answers()?;
    ensure!(answers == without, "with meshwhy {answers:#?}\nwithout {without:#?}");
    ensure!(without.iter().any(|answer| answer.status == 200) && without.iter().any(|answer| answer.status == 404));
    Ok(())
}

fn change(proxy: &mut SuppliedProxy, without: &[Answered], later: Later) -> Result<()> {
    ensure!(!proxy.changed()?, "the change is there before it was sent");
    let began = Instant::now();
    proxy.send(CHANGED)?;
    eprintln!("Envoy answered a later change after {:.1} s", began.elapsed().as_secs_f64());
    let refused = proxy.refused()?;
    let arrived = if later == Later::Arrives { arrives(proxy) } else { proxy.changed()? };
    match later {
        Later::Arrives => ensure!(arrived && refused == 0, "the later change has not arrived, {refused} updates refused"),
        Later::IsRefused => ensure!(!arrived && refused == 1, "Envoy has changed: arrived {arrived}, {refused} updates refused"),
    }
    as_without(proxy, without).context("after the change")
}

/// What an operator can see: the counter, the line in the log, the cause that the command line names.
fn is_visible(proxy: &SuppliedProxy, counter: &str) -> Result<()> {
    let failures = proxy.envoy().statistic(counter)?;
    ensure!(failures > 0, "{counter} is 0");
    let log = proxy.log();
    ensure!(log.lines().any(|line| line.contains("\tcritical\t") && line.contains(LOG_LINE)), "no critical line");
    let named = causes(&log);
    ensure!(named.contains(&"wasm-load-failed"), "diagnose names {named:?}");
    Ok(())
}

fn causes(log: &str) -> Vec<&'static str> {
    Analysis::of(log.as_bytes()).groups.iter().map(|group| group.verdict.cause.slug).collect()
}

/// Requests, later changes and new proxies are as without meshwhy, nothing is recorded by the module, and the failed fetches are counted.
fn cannot_be_had(supply: Supply) -> Result<()> {
    everywhere(supply, Later::Arrives, |proxy| failed_fetches_alone(proxy))
}

fn failed_fetches_alone(proxy: &SuppliedProxy) -> Result<()> {
    ensure!(!proxy.log().contains("meshwhy1 {"), "a record without a module");
    ensure!(proxy.log().contains(FAILED_FETCH), "no line of a failed fetch");
    is_visible(proxy, "wasm.remote_load_fetch_failures")
}

/// The exception. Once the bytes are in Envoy's cache, a plugin with their hash fails at once and not after a fetch, and for that Envoy has
/// no other answer than to refuse the listener: neither `failure_policy` nor `fail_open` counts there, and with `nack_on_code_cache_miss`
/// a new proxy never listens at all. It takes somebody who publishes bad bytes together with their right hash; taking meshwhy away, or the
/// right hash, helps at once.
fn is_no_module(supply: Supply) -> Result<()> {
    everywhere(supply, Later::IsRefused, |proxy| {
        is_visible(proxy, "wasm.remote_load_fetch_successes")?;
        ensure!(proxy.log().contains("config rejected: Unable to create Wasm plugin meshwhy"), "Envoy gives another reason");
        proxy.send(TAKEN_AWAY)?;
        ensure!(arrives(proxy), "the change does not arrive without meshwhy");
        proxy.send(DEPLOYED)?;
        proxy.supplied_with(Supply::Good);
        proxy.send(CHANGED)?;
        ensure!(arrives(proxy), "the change does not arrive with the right hash");
        records_everything(proxy)
    })
}

fn records_everything(proxy: &SuppliedProxy) -> Result<()> {
    for listener in FAILING {
        let recorded = wait_for(PATIENCE, || proxy.answers().is_ok_and(|_| proxy.recorded(listener)).then_some(()));
        recorded.with_context(|| format!("no record of {listener}"))?;
    }
    ensure!(proxy.log().contains("meshwhy1 {"), "no record of the module");
    Ok(())
}

#[test]
fn the_module_can_be_had() -> Result<()> {
    everywhere(Supply::Good, Later::Arrives, |proxy| {
        ensure!(proxy.envoy().statistic("wasm.remote_load_fetch_failures")? == 0, "a fetch failed");
        ensure!(!proxy.log().contains(FAILED_FETCH), "a line of a failed fetch");
        ensure!(!causes(&proxy.log()).contains(&"wasm-load-failed"), "a false alarm");
        records_everything(proxy)
    })
}

#[test]
fn every_logger_has_the_module_before_anything_else_changes() -> Result<()> {
    for way in Way::ALL {
        SuppliedProxy::start(way, Supply::Good, DEPLOYED)?.check(|proxy| records_everything(proxy))?;
        SuppliedProxy::start(way, Supply::Good, BARE)?.check(|proxy| {
            proxy.send(DEPLOYED)?;
            records_everything(proxy)
        })?;
    }
    Ok(())
}

#[test]
fn the_server_has_no_such_file_until_the_next_change() -> Result<()> {
    everywhere(Supply::Absent, Later::Arrives, |proxy| {
        is_visible(proxy, "wasm.remote_load_fetch_failures")?;
        proxy.supplied_with(Supply::Good);
        proxy.send(DEPLOYED)?;
        records_everything(proxy)
    })
}

#[test]
fn the_server_sends_nothing() -> Result<()> {
    cannot_be_had(Supply::Empty)
}

#[test]
fn the_bytes_are_others() -> Result<()> {
    cannot_be_had(Supply::OtherHash)
}

#[test]
fn the_server_is_down() -> Result<()> {
    cannot_be_had(Supply::Down)
}

#[test]
fn the_server_is_slow() -> Result<()> {
    cannot_be_had(Supply::Slow)
}

#[test]
fn the_server_hangs() -> Result<()> {
    cannot_be_had(Supply::Hanging(Duration::from_secs(60)))
}

#[test]
fn the_cluster_is_unknown() -> Result<()> {
    cannot_be_had(Supply::NoCluster)
}

#[test]
fn the_bytes_are_no_module() -> Result<()> {
    is_no_module(Supply::NotWasm)
}

#[test]
fn the_module_is_for_another_host() -> Result<()> {
    is_no_module(Supply::OtherAbi)
}

#[test]
fn fetched_once_it_serves_all_listeners() -> Result<()> {
    both_proxies(Way::FetchedOnce, Supply::Good, Later::Arrives, &|proxy| {
        let fetches = proxy.envoy().statistic("wasm.remote_load_fetch_successes")?;
        ensure!(fetches == 1 && proxy.envoy().statistic("wasm.remote_load_fetch_failures")? == 0, "fetched {fetches} times");
        ensure!(!causes(&proxy.log()).contains(&"wasm-load-failed"), "a false alarm");
        records_everything(proxy)
    })
}

#[test]
fn fetched_once_it_may_be_missing_as_well() -> Result<()> {
    for supply in [Supply::Absent, Supply::Down, Supply::Hanging(Duration::from_secs(60)), Supply::NoCluster] {
        both_proxies(Way::FetchedOnce, supply, Later::Arrives, &|proxy| failed_fetches_alone(proxy))?;
    }
    Ok(())
}

/// What the manifest warns of: the bytes are in the cache before the listeners come.
#[test]
fn fetched_once_bytes_that_are_no_module_keep_a_new_proxy_from_listening() -> Result<()> {
    for supply in [Supply::NotWasm, Supply::OtherAbi] {
        SuppliedProxy::start(Way::FetchedOnce, supply, DEPLOYED)?.check(|proxy| {
            ensure!(!proxy.listens() && proxy.refused()? == 1, "Envoy has changed: the new proxy listens");
            is_visible(proxy, "wasm.remote_load_fetch_successes")
        })?;
        SuppliedProxy::start(Way::FetchedOnce, supply, BARE)?.check(|proxy| {
            let without = proxy.answers()?;
            proxy.send(DEPLOYED)?;
            ensure!(proxy.refused()? == 1, "Envoy has changed: a running proxy takes the listeners");
            as_without(proxy, &without)
        })?;
    }
    Ok(())
}
