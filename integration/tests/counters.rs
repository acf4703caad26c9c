//! Native's counters: their sum is the number of failed requests, over every scenario.

use anyhow::{Context, Result, ensure};
use meshwhy_integration::scenario::Protocol;
use meshwhy_integration::{AnnotationVisibility, Deployment, Scenario, Session, Setup, groups, load_all};

const STATISTICS: &str = "/stats?filter=istio_meshwhy.*failed_requests";

/// Failed requests that Envoy has an access-log line of: not connections, not what succeeded but lacks something.
fn failures(scenario: &Scenario) -> usize {
    let counted = scenario.protocol == Protocol::Http && scenario.expect.access_log && scenario.expect.recorded;
    if counted && !NO_FAILURES.contains(&scenario.slug.as_str()) { scenario.failures() } else { 0 }
}

/// Scenarios whose requests are answered well.
const NO_FAILURES: [&str; 1] = ["trace-context-missing"];

fn counted(session: &Session) -> Result<usize> {
    let statistics = session.envoy().admin(STATISTICS)?;
    let values = statistics.lines().map(|line| {
        let (_, value) = line.rsplit_once(": ").with_context(|| line.to_owned())?;
        value.parse::<usize>().with_context(|| line.to_owned())
    });
    values.sum()
}

#[test]
fn the_counters_are_the_failed_requests() -> Result<()> {
    let (mut expected, mut scenarios) = (0, 0);
    let mut wrong = Vec::new();
    let setup = Setup::new(Deployment::Native).visible(AnnotationVisibility::Mesh);
    for (setup, group) in groups(&setup, load_all()?.iter().flat_map(Scenario::cases).collect()) {
        Session::start(&group, &setup)?.check(|session| {
            for scenario in &group {
                let before = counted(session)?;
                session.send(&scenario.id(), &scenario.request)?;
                let now = counted(session)?.saturating_sub(before);
                if now != failures(scenario) {
                    wrong.push(format!("{}: {now} counted, {} failed", scenario.id(), failures(scenario)));
                }
                expected += failures(scenario);
                scenarios += 1;
            }
            Ok(())
        })?;
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    ensure!(expected > 80 && scenarios > 80, "{expected} failures in {scenarios} scenarios are not many");
    Ok(())
}
