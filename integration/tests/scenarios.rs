//! Every scenario, with its variants, in every deployment: four ways to name the cause agree.
//!
//! The annotation that reached the client, the record, `meshwhy explain` on the access-log lines, and the folder that the scenario lies in.

use std::collections::BTreeSet;
use std::fmt;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, anyhow, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use meshwhy_integration::scenario::Protocol;
use meshwhy_integration::{Artifacts, Cause, Deployment, Observation, Scenario, Session, Setup, groups, load_all, record_json};
use serde_json::Value;

/// Requests at a time; each waits most of its life.
const THREADS: usize = 6;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(THREADS));
    let trials =
        trials(&arguments).unwrap_or_else(|error| vec![Trial::test("setup", move || Err(Failed::from(format!("{error:#}"))))]);
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Scenarios that share an Envoy, which boots when the first of them needs it and ends with the last.
struct Shared {
    setup: Setup,
    native: BTreeSet<String>,
    scenarios: Vec<Scenario>,
    session: Mutex<Option<Result<Arc<Session>, String>>>,
}

impl Shared {
    fn session(&self) -> Result<Arc<Session>> {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let start = || Session::start(&self.scenarios, &self.setup).map(Arc::new).map_err(|error| format!("{error:#}"));
        session.get_or_insert_with(start).clone().map_err(|error| anyhow!(error))
    }
}

fn trials(arguments: &Arguments) -> Result<Vec<Trial>> {
    let artifacts = Arc::new(Artifacts::find()?);
    let scenarios = load_all()?;
    ensure!(!scenarios.is_empty(), "the catalogue has no scenario");
    let mut trials = Vec::new();
    for deployment in Deployment::ALL {
        let setup = Setup::new(deployment);
        let native = annotated_by_envoy(&setup)?;
        let name = |scenario: &Scenario| format!("{}::{deployment}", scenario.id());
        let cases = scenarios.iter().flat_map(Scenario::cases).filter(|scenario| wanted(&name(scenario), arguments));
        for group in groups(cases.collect()) {
            let shared = Arc::new(Shared {
                setup: setup.clone(),
                native: native.clone(),
                scenarios: group.clone(),
                session: Mutex::default(),
            });
            for scenario in group {
                let (name, shared, artifacts) = (name(&scenario), Arc::clone(&shared), Arc::clone(&artifacts));
                let run = move || agree(&scenario, &shared, &artifacts).map_err(|error| format!("{error:#}").into());
                trials.push(Trial::test(name, run));
            }
        }
    }
    Ok(trials)
}

/// Whether the command line selects this trial: Envoys boot with the listeners of those alone.
fn wanted(name: &str, arguments: &Arguments) -> bool {
    let matches = |filter: &String| if arguments.exact { name == filter } else { name.contains(filter) };
    arguments.filter.as_ref().is_none_or(matches) && !arguments.skip.iter().any(matches)
}

/// The codes that Envoy itself writes into responses: those in the manifest.
fn annotated_by_envoy(setup: &Setup) -> Result<BTreeSet<String>> {
    let manifest: String = setup.documents()?.iter().map(ToString::to_string).collect();
    let codes = manifest.split("mw-cause=").skip(1).map(|rest| rest.split(|end: char| !end.is_ascii_alphanumeric()));
    Ok(codes.filter_map(|mut words| words.next()).map(str::to_owned).collect())
}

fn agree(scenario: &Scenario, shared: &Shared, artifacts: &Artifacts) -> Result<()> {
    let cause = artifacts.cause(&scenario.slug)?;
    let session = shared.session()?;
    let observation = session.send(&scenario.id(), &scenario.request)?;
    let answers = Answers::of(&observation, artifacts)?;
    let complaints = answers.complaints(scenario, shared, &cause, &observation);
    ensure!(
        complaints.is_empty(),
        "{}\nexpected {} ({})\n{answers}\n{observation:#?}",
        complaints.join("\n"),
        cause.code,
        scenario.slug
    );
    Ok(())
}

/// The codes that each way names.
struct Answers {
    header: BTreeSet<String>,
    record: BTreeSet<String>,
    json: BTreeSet<String>,
    text: BTreeSet<String>,
}

impl Answers {
    fn of(observation: &Observation, artifacts: &Artifacts) -> Result<Self> {
        let statuses = observation.responses.iter().flatten().filter_map(|response| response.header("proxy-status"));
        let code = |line: &String| record_json(line)?.get("meshwhy.code")?.as_str().map(str::to_owned);
        // Envoy's logger writes the facts alone, and the command line judges them.
        let native: Vec<String> = observation.records.iter().filter(|line| code(line).is_none()).cloned().collect();
        let mut record = if native.is_empty() { BTreeSet::new() } else { artifacts.explain(&native)? };
        record.extend(observation.records.iter().filter_map(code));
        Ok(Self {
            header: statuses.flat_map(|status| parameters(&status, "mw-cause")).collect(),
            record,
            json: artifacts.explain(&observation.json)?,
            text: artifacts.explain(&observation.text)?,
        })
    }

    fn complaints(&self, scenario: &Scenario, shared: &Shared, cause: &Cause, observation: &Observation) -> Vec<String> {
        let deployment = shared.setup.deployment;
        let exact = vec![cause.code.as_str()];
        // A log that lacks some facts, such as the virtual host, leads to the more general cause: that is right as well.
        let general: Vec<_> = exact.iter().copied().chain(cause.refines.iter().map(String::as_str)).collect();
        let due = Due::of(scenario, shared, cause, observation);
        let ways = [
            // What Envoy cannot recognise at reply time it annotates with the more general cause.
            ("proxy-status", &self.header, if due.exact_header { &exact } else { &general }, due.header),
            ("record", &self.record, if due.exact_record { &exact } else { &general }, due.record),
            ("JSON line", &self.json, &general, due.lines),
            ("TEXT line", &self.text, &general, due.lines),
        ];
        let wrong = |named: &BTreeSet<String>, right: &Vec<&str>| {
            named.iter().any(|name| !cause.recognisable || !right.contains(&name.as_str()))
        };
        let ways = ways.into_iter().filter(|(_, named, right, due)| wrong(named, right) || (*due && named.is_empty()));
        let mut complaints: Vec<_> = ways.map(|(way, named, ..)| format!("the {way} names {named:?}")).collect();
        let all = [&self.header, &self.record, &self.json, &self.text];
        if due.somebody && !all.iter().any(|named| named.contains(&cause.code)) {
            complaints.push("nobody names exactly this cause".to_owned());
        }
        let statuses: Vec<_> =
            observation.responses.iter().map(|response| response.as_ref().map_or(0, |response| response.status)).collect();
        if let Some(status) = scenario.expect.status
            && !statuses.contains(&status)
        {
            complaints.push(format!("the client got the statuses {statuses:?}"));
        }
        for details in observation.proxy_status().iter().flat_map(|status| parameters(status, "details")) {
            let agrees = |line: &String| {
                record_json(line)
                    .is_some_and(|line| line.get("response_code_details").and_then(|text| text.as_str()) == Some(&details))
            };
            if deployment != Deployment::Annotate && !observation.json.iter().any(agrees) {
                complaints.push(format!("the annotation has details {details:?}, which the access log has not"));
            }
        }
        complaints
    }
}

/// Which ways must name the cause at all, and which of them exactly.
struct Due {
    header: bool,
    exact_header: bool,
    record: bool,
    exact_record: bool,
    lines: bool,
    somebody: bool,
}

impl Due {
    fn of(scenario: &Scenario, shared: &Shared, cause: &Cause, observation: &Observation) -> Self {
        let expect = &scenario.expect;
        // Nothing but a module counts events: the request itself succeeds.
        let event = cause.stage == "telemetry";
        let failure = cause.recognisable && !event;
        let answered = observation.responses.iter().flatten().any(|response| response.status >= 400);
        let annotated = expect.local_reply && answered && cause.has_error_type;
        // Whether the request got as far as the module's HTTP filter before somebody answered.
        let filtered = scenario.protocol == Protocol::Http && expect.access_log && expect.http_filters;
        // A gRPC call may fail in its trailers, of which Istio's log formats say nothing, and for which annotate does not look.
        let shows = |line: &String| {
            let line = record_json(line).unwrap_or_default();
            let flags = line.get("response_flags").and_then(Value::as_str).unwrap_or("-");
            flags != "-" || !line.get("response_code").and_then(Value::as_u64).is_some_and(|status| (1..400).contains(&status))
        };
        let told = observation.json.iter().any(shows);
        let lines = failure && expect.access_log && (told || !expect.recorded);
        // Some facts only Envoy's own logger has.
        let precise = !expect.native_only || shared.setup.deployment == Deployment::Native;
        let by_envoy = shared.native.contains(&cause.code);
        match shared.setup.deployment {
            Deployment::Observe | Deployment::Native => Self {
                header: annotated && (by_envoy || !cause.refines.is_empty()),
                exact_header: by_envoy,
                record: (failure && expect.recorded) || (event && shared.setup.deployment == Deployment::Observe),
                exact_record: precise,
                lines,
                somebody: failure && precise,
            },
            Deployment::Annotate => Self {
                header: filtered && (event || (annotated && expect.reply_filters && cause.stage != "downstream")),
                exact_header: precise,
                record: (failure && expect.recorded) || (filtered && event),
                exact_record: precise,
                lines,
                somebody: false,
            },
        }
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
