//! What the demo collects from all three deployments, diagnosed: every cause, each with the number of requests that provoked it.

use std::collections::BTreeMap;

use meshwhy_integration::{Artifacts, Deployment, Scenario, collect, load_all};
use serde_json::Value;

#[test]
fn every_cause_is_counted_once_per_failing_request() {
    let scenarios = load_all().unwrap();
    let collected: String = Deployment::ALL.iter().map(|deployment| collect(&scenarios, *deployment).unwrap()).collect();
    let report = Artifacts::find().unwrap().cli_json(&["diagnose", "--format", "json", "-"], &collected).unwrap();

    let mut counted: BTreeMap<String, u64> = BTreeMap::new();
    for finding in report["findings"].as_array().unwrap() {
        let slug = finding["slug"].as_str().unwrap().to_owned();
        *counted.entry(slug).or_default() += finding["count"].as_u64().unwrap();
    }
    let expected: BTreeMap<String, u64> = scenarios.iter().map(|scenario| (scenario.slug.clone(), failures(scenario))).collect();
    assert!(expected.len() >= 20, "only {} scenarios", expected.len());
    assert_eq!(counted, expected);
    assert_eq!(report["lines"]["unreadable"], Value::from(0));
}

/// Requests of a scenario that some log tells of.
fn failures(scenario: &Scenario) -> u64 {
    let told = |deployment: &&Deployment| match deployment {
        Deployment::Observe => true,
        Deployment::Native => scenario.slug != "trace-context-missing",
        // A TLS handshake that failed never reaches an HTTP filter.
        Deployment::Annotate => scenario.expect.access_log,
    };
    let deployments = Deployment::ALL.iter().filter(told).count();
    (deployments * scenario.request.repeat) as u64
}
