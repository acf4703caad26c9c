//! What the demo collects from all three deployments, diagnosed: every cause, each with the number of requests that provoked it.

#![allow(clippy::unwrap_used, reason = "a broken run must fail loudly")]

use std::collections::BTreeMap;

use meshwhy_core::Cause;
use meshwhy_diagnose::Analysis;
use meshwhy_integration::{Deployment, Scenario, collect, load_all};

#[test]
fn every_cause_is_counted_once_per_failing_request() {
    let scenarios = load_all().unwrap();
    let collected: String = Deployment::ALL.iter().map(|deployment| collect(&scenarios, *deployment).unwrap()).collect();
    let analysis = Analysis::of(collected.as_bytes());

    let mut counted: BTreeMap<&str, u64> = BTreeMap::new();
    for group in &analysis.groups {
        *counted.entry(group.verdict.cause.slug).or_default() += group.count;
    }
    assert!(scenarios.len() >= 20, "only {} scenarios", scenarios.len());
    assert_eq!(counted, expected(&scenarios));
    assert_eq!(analysis.tally.unreadable, 0);
}

/// Failures by the cause that the deployments' logs prove.
fn expected(scenarios: &[Scenario]) -> BTreeMap<&'static str, u64> {
    let mut expected = BTreeMap::new();
    for scenario in scenarios.iter().filter(|scenario| scenario.failures() > 0) {
        let cause = Cause::find(&scenario.slug).unwrap();
        for deployment in Deployment::ALL.into_iter().filter(|deployment| is_recorded(*deployment, scenario)) {
            let general = scenario.expect.native_only && deployment != Deployment::Native;
            let cause = if general { cause.refines.unwrap() } else { cause };
            *expected.entry(cause.slug).or_default() += scenario.failures() as u64;
        }
    }
    expected
}

/// Whether some log of the deployment tells of the scenario.
fn is_recorded(deployment: Deployment, scenario: &Scenario) -> bool {
    match deployment {
        Deployment::Observe | Deployment::Annotate => true,
        Deployment::Native => scenario.slug != "trace-context-missing",
    }
}
