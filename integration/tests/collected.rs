//! What the demo collects from all three deployments, diagnosed: every cause, each with the number of requests that provoked it.

#![allow(clippy::unwrap_used, reason = "a broken run must fail loudly")]

use std::collections::BTreeMap;

use meshwhy_integration::{Artifacts, Deployment, Scenario, collect, load_all};
use serde_json::Value;

#[test]
fn every_cause_is_counted_once_per_failing_request() {
    let scenarios = load_all().unwrap();
    let collected: String = Deployment::ALL.iter().map(|deployment| collect(&scenarios, *deployment).unwrap()).collect();
    let artifacts = Artifacts::find().unwrap();
    let report = artifacts.cli_json(&["diagnose", "--format", "json", "-"], &collected).unwrap();

    let mut counted: BTreeMap<String, u64> = BTreeMap::new();
    for finding in report["findings"].as_array().unwrap() {
        let code = finding["code"].as_str().unwrap().to_owned();
        *counted.entry(code).or_default() += finding["count"].as_u64().unwrap();
    }
    assert!(scenarios.len() >= 20, "only {} scenarios", scenarios.len());
    assert_eq!(counted, expected(&scenarios, &artifacts));
    assert_eq!(report["lines"]["unreadable"], Value::from(0));
}

/// Failures by the code that the deployments' logs prove.
fn expected(scenarios: &[Scenario], artifacts: &Artifacts) -> BTreeMap<String, u64> {
    let mut expected = BTreeMap::new();
    for scenario in scenarios.iter().filter(|scenario| scenario.failures() > 0) {
        let cause = artifacts.cause(&scenario.slug).unwrap();
        for deployment in Deployment::ALL.into_iter().filter(|deployment| is_recorded(*deployment, scenario)) {
            let general = scenario.expect.native_only && deployment != Deployment::Native;
            let code = if general { cause.refines.first().unwrap() } else { &cause.code };
            *expected.entry(code.clone()).or_default() += scenario.failures() as u64;
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
