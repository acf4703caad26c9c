//! Every scenario in every deployment: four ways to name the cause agree.
//!
//! The annotation that reached the client, the record, `meshwhy explain` on the access-log lines, and the folder that the scenario lies in.

use std::collections::BTreeSet;
use std::fmt;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use meshwhy_integration::scenario::Protocol;
use meshwhy_integration::{Artifacts, Cause, Deployment, Observation, Scenario, Session, Setup, load_all, record_json};

/// Envoys at a time; each is idle most of its life.
const THREADS: usize = 4;
/// The one cause that is no failure: its request succeeds, and only annotate tells the client.
const EVENT: &str = "trace-context-missing";

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(THREADS));
    let trials = trials().unwrap_or_else(|error| vec![Trial::test("setup", move || Err(Failed::from(format!("{error:#}"))))]);
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trials() -> Result<Vec<Trial>> {
    let scenarios = load_all()?;
    ensure!(!scenarios.is_empty(), "the catalogue has no scenario");
    let artifacts = Artifacts::find()?;
    let artifacts = Arc::new(artifacts);
    let mut trials = Vec::new();
    for scenario in scenarios {
        let cause = artifacts.cause(&scenario.slug)?;
        for deployment in Deployment::ALL {
            let (scenario, cause, artifacts) = (scenario.clone(), cause.clone(), Arc::clone(&artifacts));
            let name = format!("{}::{deployment}", scenario.slug);
            trials.push(Trial::test(name, move || {
                agree(&scenario, deployment, &cause, &artifacts).map_err(|error| format!("{error:#}").into())
            }));
        }
    }
    Ok(trials)
}

fn agree(scenario: &Scenario, deployment: Deployment, cause: &Cause, artifacts: &Artifacts) -> Result<()> {
    let session = Session::start(std::slice::from_ref(scenario), &Setup::new(deployment))?;
    session.check(|session| {
        let observation = session.send(&scenario.slug, &scenario.request)?;
        let answers = Answers::of(&observation, deployment, artifacts)?;
        let complaints = answers.complaints(scenario, deployment, cause, &observation);
        ensure!(
            complaints.is_empty(),
            "{}\nexpected {} ({})\n{answers}\n{observation:#?}",
            complaints.join("\n"),
            cause.code,
            scenario.slug
        );
        Ok(())
    })
}

/// The codes that each way names.
struct Answers {
    header: BTreeSet<String>,
    record: BTreeSet<String>,
    json: BTreeSet<String>,
    text: BTreeSet<String>,
}

impl Answers {
    fn of(observation: &Observation, deployment: Deployment, artifacts: &Artifacts) -> Result<Self> {
        let statuses = observation.responses.iter().flatten().filter_map(|response| response.header("proxy-status"));
        let mut record = match deployment {
            // Envoy writes the facts; only the command line judges them.
            Deployment::Native => artifacts.explain(&observation.records)?,
            Deployment::Observe | Deployment::Annotate => BTreeSet::new(),
        };
        record.extend(
            observation.records.iter().filter_map(|line| record_json(line)?.get("meshwhy.code")?.as_str().map(str::to_owned)),
        );
        Ok(Self {
            header: statuses.flat_map(|status| parameters(&status, "mw-cause")).collect(),
            record,
            json: artifacts.explain(&observation.json)?,
            text: artifacts.explain(&observation.text)?,
        })
    }

    fn complaints(&self, scenario: &Scenario, deployment: Deployment, cause: &Cause, observation: &Observation) -> Vec<String> {
        let event = scenario.slug == EVENT;
        let failure = !event;
        let logged = scenario.expect.access_log;
        let header = match deployment {
            Deployment::Observe | Deployment::Native => scenario.expect.local_reply,
            // What the codec refuses never reaches an HTTP filter.
            Deployment::Annotate => event || (scenario.expect.local_reply && !cause.code.starts_with("MW1")),
        };
        // TCP and failed TLS handshakes never reach an HTTP filter, and without a module nothing counts events.
        let record = match deployment {
            Deployment::Observe => true,
            Deployment::Native => failure,
            Deployment::Annotate => logged && scenario.protocol == Protocol::Http,
        };
        let exact = vec![cause.code.as_str()];
        // Istio's log formats lack some facts, such as the virtual host: there the more general cause is right as well.
        let general: Vec<_> = exact.iter().copied().chain(cause.refines.as_deref()).collect();
        let mut complaints: Vec<_> = [
            ("proxy-status", &self.header, &exact, header),
            ("record", &self.record, &exact, record),
            ("JSON line", &self.json, &general, failure && logged),
            ("TEXT line", &self.text, &general, failure && logged),
        ]
        .into_iter()
        .filter(|(_, named, right, required)| {
            named.iter().any(|name| !right.contains(&name.as_str())) || (*required && named.is_empty())
        })
        .map(|(way, named, ..)| format!("the {way} names {named:?}"))
        .collect();
        if let Some(status) = scenario.expect.status
            && !observation.responses.iter().any(|response| response.as_ref().map_or(0, |response| response.status) == status)
        {
            complaints.push(format!("no response has status {status}"));
        }
        for details in observation.proxy_status().iter().flat_map(|status| parameters(status, "details")) {
            let agrees = |line: &String| {
                record_json(line)
                    .is_some_and(|line| line.get("response_code_details").and_then(|text| text.as_str()) == Some(&details))
            };
            if !observation.json.iter().any(agrees) {
                complaints.push(format!("the annotation has details {details:?}, which the access log has not"));
            }
        }
        complaints
    }
}

impl fmt::Display for Answers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "proxy-status {:?}\nrecord {:?}\nJSON line {:?}\nTEXT line {:?}",
            self.header, self.record, self.json, self.text
        )
    }
}

/// The values of a parameter in a `proxy-status` header; ours hold neither `;` nor escapes.
fn parameters(status: &str, name: &str) -> Vec<String> {
    let pairs = status.split([';', ',']).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.trim_matches('"').to_owned()).collect()
}
