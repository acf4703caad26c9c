//! Facts that a real Envoy gave, written into the cases.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, bail};
use meshwhy_core::cluster_name::ClusterName;
use meshwhy_core::record;
use meshwhy_core::redact::redact;
use meshwhy_core::{Facts, Side, Verdict, judge};
use meshwhy_integration::{Deployment, Scenario, ScenarioObservation, Session, Setup, groups, load_all, record_json};

use crate::build;
use crate::catalogue::folder;

const RECORDED_BEGIN: &str = "<!-- recorded: written by `cargo xtask record`, from a real Envoy -->\n";
const RECORDED_END: &str = "<!-- end recorded -->\n";

/// Runs scenarios and their variants, in the observe deployment unless only native has the facts, and writes the records' facts into
/// their `cases.md`.
///
/// # Errors
/// Envoy gave no record, or one whose verdict is not the scenario's cause.
pub fn run(slug: Option<&str>) -> Result<()> {
    build::module()?;
    let scenarios = match slug {
        Some(slug) => vec![Scenario::load(slug)?],
        None => load_all()?,
    };
    let leaves_record = |scenario: &Scenario| scenario.failures() > 0 && scenario.expect.recorded;
    let cases: Vec<Scenario> = scenarios.iter().flat_map(Scenario::cases).filter(leaves_record).collect();
    let (native, observed): (Vec<_>, Vec<_>) = cases.into_iter().partition(|scenario| scenario.expect.native_only);
    let mut blocks: BTreeMap<String, String> = BTreeMap::new();
    for (deployment, cases) in [(Deployment::Observe, observed), (Deployment::Native, native)] {
        for (setup, group) in groups(&Setup::new(deployment), cases) {
            Session::start(&group, &setup)?.check(|session| {
                for scenario in &group {
                    let observation = session.send(&scenario.id(), &scenario.request)?;
                    let block = block(scenario, &observation).with_context(|| format!("{}: {observation:#?}", scenario.id()))?;
                    blocks.entry(scenario.slug.clone()).or_default().push_str(&block);
                }
                Ok(())
            })?;
        }
    }
    blocks.iter().try_for_each(|(slug, blocks)| write_cases(slug, blocks))
}

/// The first of the records that names the cause, as a case.
fn block(scenario: &Scenario, observation: &ScenarioObservation) -> Result<String> {
    let records = observation.records.iter().filter_map(|line| record::decode(&record_json(line)?.to_string()));
    let cases: Vec<_> = records.map(|record| case(record.facts)).collect();
    let title = scenario.variant.as_ref().map_or_else(String::new, |_| format!(": {}", scenario.summary.trim_end_matches('.')));
    let heading = format!("## Envoy {}, this cause's scenario{title}", meshwhy_integration::envoy::VERSION);
    let judged = |(verdict, _): &&(Option<Verdict>, String)| verdict.is_some_and(|verdict| verdict.cause.slug == scenario.slug);
    let Some((Some(verdict), line)) = cases.iter().find(judged) else {
        let others: Vec<_> = cases.iter().map(|(verdict, _)| verdict.map_or("none", |verdict| verdict.cause.slug)).collect();
        bail!("what Envoy recorded is judged {others:?}");
    };
    Ok(format!("{heading}\n\n```json verdict={} confidence={}\n{line}\n```\n\n", scenario.slug, verdict.confidence.as_str()))
}

/// A record's verdict and its line, without what differs from run to run and decides nothing.
fn case(mut facts: Facts<'_>) -> (Option<Verdict>, String) {
    redact(&mut facts);
    facts.context.request_id = None;
    facts.context.start_time = None;
    facts.context.upstream_local_address = None;
    facts.context.downstream_local_address = None;
    facts.context.downstream_remote_address = None;
    facts.upstream_host = facts.upstream_host.take().map(|_| "127.0.0.1:8080".into());
    // The port tells scenarios apart that share an Envoy.
    let inbound = |cluster: &str| matches!(ClusterName::parse(cluster), ClusterName::Service { direction: Side::Inbound, .. });
    facts.cluster = facts.cluster.take().map(|cluster| if inbound(&cluster) { "inbound|8080||".into() } else { cluster });
    facts.annotated_code = None;
    facts.duration_ms = None;
    facts.upstream_reused = facts.upstream_connection_age_us.take().map(|_| true);
    (judge(&facts), record::encode(&facts, None, 1, 0))
}

fn write_cases(slug: &str, blocks: &str) -> Result<()> {
    let block = format!("{RECORDED_BEGIN}\n{blocks}{RECORDED_END}");
    let path = folder(slug).join("cases.md");
    let text = fs::read_to_string(&path)?;
    let kept = match (text.split_once(RECORDED_BEGIN), text.split_once(RECORDED_END)) {
        (Some((before, _)), Some((_, after))) => format!("{before}{block}{after}"),
        _ => format!("{}\n\n{block}", text.trim_end()),
    };
    fs::write(&path, kept).with_context(|| format!("writing {}", path.display()))
}
