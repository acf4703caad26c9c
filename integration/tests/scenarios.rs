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
use meshwhy_integration::{
    Artifacts, Cause, Deployment, Observation, Response, Scenario, Session, Setup, groups, load_all, record_json,
};
use serde_json::Value;

/// Requests at a time; each waits most of its life.
const THREADS: usize = 6;

/// Causes that Envoy itself names in a reply's header. Of others it writes the facts, and the reader concludes.
const PROVEN_BY_ENVOY: [&str; 17] = [
    "circuit-breaker-overflow",
    "ext-authz-denied",
    "ext-authz-error",
    "fault-injected",
    "headers-too-large",
    "http10-rejected",
    "jwt-rejected",
    "no-cluster",
    "no-healthy-endpoints",
    "no-route",
    "no-virtual-host",
    "protocol-error-downstream",
    "rate-limited",
    "rbac-denied",
    "request-timeout",
    "too-many-headers",
    "upstream-closed-connection",
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(THREADS));
    let trials =
        trials(&arguments).unwrap_or_else(|error| vec![Trial::test("setup", move || Err(Failed::from(format!("{error:#}"))))]);
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Scenarios that share an Envoy, which boots when the first of them needs it and ends with the last.
struct Shared {
    deployment: Deployment,
    setup: Setup,
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
        let name = |scenario: &Scenario| format!("{}::{deployment}", scenario.id());
        let cases = scenarios.iter().flat_map(Scenario::cases).filter(|scenario| wanted(&name(scenario), arguments));
        for (setup, group) in groups(&Setup::new(deployment), cases.collect()) {
            let shared = Arc::new(Shared { deployment, setup, scenarios: group.clone(), session: Mutex::default() });
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
    /// What the header says.
    named: BTreeSet<String>,
    /// What a reader of the header alone concludes.
    header: BTreeSet<String>,
    record: BTreeSet<String>,
    json: BTreeSet<String>,
    text: BTreeSet<String>,
}

impl Answers {
    fn of(observation: &Observation, artifacts: &Artifacts) -> Result<Self> {
        let statuses = observation.responses.iter().flatten().filter_map(|response| response.header("proxy-status"));
        let statuses: Vec<_> = statuses.map(|status| format!("proxy-status: {status}")).collect();
        let code = |line: &String| record_json(line)?.get("meshwhy.code")?.as_str().map(str::to_owned);
        // Envoy's logger writes the facts alone, and the command line judges them.
        let native: Vec<String> = observation.records.iter().filter(|line| code(line).is_none()).cloned().collect();
        let mut record = if native.is_empty() { BTreeSet::new() } else { artifacts.explain(&native)? };
        record.extend(observation.records.iter().filter_map(code));
        Ok(Self {
            named: statuses.iter().flat_map(|status| parameters(status, "mw-cause")).collect(),
            header: artifacts.explain(&statuses)?,
            record,
            json: artifacts.explain(&observation.json)?,
            text: artifacts.explain(&observation.text)?,
        })
    }

    fn complaints(&self, scenario: &Scenario, shared: &Shared, cause: &Cause, observation: &Observation) -> Vec<String> {
        let deployment = shared.deployment;
        let exact = vec![cause.code.as_str()];
        // A log that lacks some facts, such as the virtual host, leads to the more general cause: that is right as well.
        let general: Vec<_> = exact.iter().copied().chain(cause.refines.iter().map(String::as_str)).collect();
        let due = Due::of(scenario, shared, cause, observation);
        let ways = [
            ("mw-cause", &self.named, if due.named { &exact } else { &general }, due.named),
            ("proxy-status", &self.header, &general, due.header),
            ("record", &self.record, if due.exact_record { &exact } else { &general }, due.record),
            ("JSON line", &self.json, &general, due.lines),
            ("TEXT line", &self.text, &general, due.lines),
        ];
        let wrong = |named: &BTreeSet<String>, right: &Vec<&str>| {
            named.iter().any(|name| !cause.recognisable || !right.contains(&name.as_str()))
        };
        let ways = ways.into_iter().filter(|(_, named, right, due)| wrong(named, right) || (*due && named.is_empty()));
        let mut complaints: Vec<_> = ways.map(|(way, named, ..)| format!("the {way} names {named:?}")).collect();
        let all = [&self.named, &self.header, &self.record, &self.json, &self.text];
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
    /// In the header, and exactly.
    named: bool,
    header: bool,
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
        let failed_call = |response: &Response| response.header("grpc-status").is_some_and(|status| status != "0");
        let failed = |response: &Response| response.status >= 400 || failed_call(response);
        let annotated = expect.local_reply && observation.responses.iter().flatten().any(failed);
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
        let precise = !expect.native_only || shared.deployment == Deployment::Native;
        let by_envoy = scenario.variant.is_none() && PROVEN_BY_ENVOY.contains(&scenario.slug.as_str());
        match shared.deployment {
            Deployment::Observe | Deployment::Native => Self {
                named: annotated && by_envoy,
                header: annotated,
                record: (failure && expect.recorded) || (event && shared.deployment == Deployment::Observe),
                exact_record: precise,
                lines,
                somebody: failure && precise,
            },
            Deployment::Annotate => Self {
                named: filtered && precise && (event || (annotated && expect.reply_filters && cause.stage != "downstream")),
                header: filtered && annotated && expect.reply_filters && cause.stage != "downstream",
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
            "mw-cause {:?}\nproxy-status {:?}\nrecord {:?}\nJSON line {:?}\nTEXT line {:?}",
            self.named, self.header, self.record, self.json, self.text
        )
    }
}

/// The values of a parameter in a `proxy-status` header; no details of these scenarios hold `;`, `,` or `=`.
fn parameters(status: &str, name: &str) -> Vec<String> {
    let pairs = status.split([';', ',']).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.trim_matches('"').to_owned()).collect()
}
