//! Every scenario, with its variants, in every deployment: four ways to name the cause agree.
//!
//! The annotation that reached the client, the record, `meshwhy explain` on the access-log lines, and the folder that the scenario lies in.

use std::collections::BTreeSet;
use std::fmt;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, anyhow, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use meshwhy_core::{Cause, Stage};
use meshwhy_diagnose::Analysis;
use meshwhy_integration::scenario::{Direction, Placement, Protocol};
use meshwhy_integration::{Deployment, Response, Scenario, ScenarioObservation, Session, Setup, groups, load_all, record_json};
use serde_json::Value;

/// Requests at a time; each waits most of its life.
const THREADS: usize = 6;

/// Causes that Envoy itself names in a reply's header, and the sides on which it does. Of others it writes the facts, and the reader
/// concludes the same: each listener has room for the expressions of the usual ones only, see decision 11.
const NAMED_BY_ENVOY: [(&str, &[Side]); 19] = [
    ("circuit-breaker-overflow", &Side::ALL),
    ("ext-authz-denied", &Side::ALL),
    ("ext-authz-error", &Side::ALL),
    ("fault-injected", &Side::ALL),
    ("headers-too-large", &Side::ALL),
    ("http10-rejected", &Side::ALL),
    ("jwt-rejected", &Side::ALL),
    ("no-cluster", &Side::ALL),
    ("no-healthy-endpoints", &Side::ALL),
    ("no-route", &Side::ALL),
    // A sidecar's route table ends with a virtual host for every authority.
    ("no-virtual-host", &[Side::Gateway]),
    ("passthrough-blackhole", &Side::ALL),
    ("protocol-error-downstream", &Side::ALL),
    ("rate-limited", &Side::ALL),
    ("rbac-denied", &Side::ALL),
    ("request-timeout", &Side::ALL),
    ("too-many-headers", &Side::ALL),
    ("upstream-closed-connection", &Side::ALL),
    // On the other sides the reader tells by the details.
    ("upstream-connection-refused", &[Side::Inbound]),
];

/// The connection manager that marks a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Outbound,
    Inbound,
    Gateway,
}

impl Side {
    const ALL: [Self; 3] = [Self::Outbound, Self::Inbound, Self::Gateway];

    fn of(scenario: &Scenario) -> Self {
        match (scenario.placement, scenario.direction) {
            (Placement::Gateway, _) => Self::Gateway,
            (Placement::Sidecar, Direction::Outbound) => Self::Outbound,
            (Placement::Sidecar, Direction::Inbound) => Self::Inbound,
        }
    }

    /// The ordinary case of a scenario on this side.
    fn put(self, scenario: &Scenario) -> Scenario {
        let (placement, direction) = match self {
            Self::Outbound => (Placement::Sidecar, Direction::Outbound),
            Self::Inbound => (Placement::Sidecar, Direction::Inbound),
            Self::Gateway => (Placement::Gateway, Direction::Outbound),
        };
        let variant = Some(format!("named-{self:?}").to_lowercase());
        Scenario { variant, variants: Vec::new(), placement, direction, ..scenario.clone() }
    }
}

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
    let scenarios = load_all()?;
    ensure!(!scenarios.is_empty(), "the catalogue has no scenario");
    let (mut trials, mut named) = (Vec::new(), Vec::new());
    let mut add = |deployment: Deployment, cases: &mut dyn Iterator<Item = Scenario>, check: Check| {
        let name = |scenario: &Scenario| format!("{}::{deployment}", scenario.id());
        let cases = cases.filter(|scenario| wanted(&name(scenario), arguments)).collect();
        for (setup, group) in groups(&Setup::new(deployment), cases) {
            let shared = Arc::new(Shared { deployment, setup, scenarios: group.clone(), session: Mutex::default() });
            for scenario in group {
                let (name, shared) = (name(&scenario), Arc::clone(&shared));
                let run = move || check(&scenario, &shared).map_err(|error| format!("{error:#}").into());
                trials.push(Trial::test(name, run));
            }
        }
    };
    for deployment in Deployment::ALL {
        add(deployment, &mut scenarios.iter().flat_map(Scenario::cases), agree);
    }
    for (slug, sides) in NAMED_BY_ENVOY {
        let scenario = scenarios.iter().find(|scenario| scenario.slug == slug).with_context(|| format!("{slug}: no scenario"))?;
        named.extend(sides.iter().map(|side| side.put(scenario)));
    }
    for deployment in [Deployment::Observe, Deployment::Native] {
        add(deployment, &mut named.iter().cloned(), is_named);
    }
    Ok(trials)
}

type Check = fn(&Scenario, &Shared) -> Result<()>;

/// Whether Envoy itself names the cause in its reply: a mapper that is lost leaves the facts alone.
fn is_named(scenario: &Scenario, shared: &Shared) -> Result<()> {
    let observation = shared.session()?.send(&scenario.id(), &scenario.request)?;
    let code = cause(scenario)?.code;
    let named: Vec<_> = observation.statuses().flat_map(|status| parameters(&status, "mw-cause")).collect();
    ensure!(!named.is_empty() && named.iter().all(|name| *name == code), "{named:?} and not {code}: {observation:#?}");
    Ok(())
}

fn cause(scenario: &Scenario) -> Result<&'static Cause> {
    Cause::find(&scenario.slug).with_context(|| format!("no cause {}", scenario.slug))
}

/// The codes that meshwhy names for these lines, each judged on its own; a line without a verdict names none.
fn explained(lines: &[String]) -> BTreeSet<String> {
    let code = |line: &String| Some(Analysis::of(line.as_bytes()).groups.first()?.verdict.cause.code.to_owned());
    lines.iter().filter_map(code).collect()
}

/// Whether the command line selects this trial: Envoys boot with the listeners of those alone.
fn wanted(name: &str, arguments: &Arguments) -> bool {
    let matches = |filter: &String| if arguments.exact { name == filter } else { name.contains(filter) };
    arguments.filter.as_ref().is_none_or(matches) && !arguments.skip.iter().any(matches)
}

fn agree(scenario: &Scenario, shared: &Shared) -> Result<()> {
    let cause = cause(scenario)?;
    let session = shared.session()?;
    let observation = session.send(&scenario.id(), &scenario.request)?;
    let answers = Answers::of(&observation);
    let complaints = answers.complaints(scenario, shared.deployment, cause, &observation);
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
    fn of(observation: &ScenarioObservation) -> Self {
        let statuses: Vec<_> = observation.statuses().map(|status| format!("proxy-status: {status}")).collect();
        let code = |line: &String| record_json(line)?.get("meshwhy.code")?.as_str().map(str::to_owned);
        // Envoy's logger writes the facts alone, and the reader judges them.
        let native: Vec<String> = observation.records.iter().filter(|line| code(line).is_none()).cloned().collect();
        let mut record = explained(&native);
        record.extend(observation.records.iter().filter_map(code));
        Self {
            named: statuses.iter().flat_map(|status| parameters(status, "mw-cause")).collect(),
            header: explained(&statuses),
            record,
            json: explained(&observation.json),
            text: explained(&observation.text),
        }
    }

    fn ways(&self) -> [(&'static str, &BTreeSet<String>); 5] {
        [
            ("mw-cause", &self.named),
            ("proxy-status", &self.header),
            ("record", &self.record),
            ("JSON line", &self.json),
            ("TEXT line", &self.text),
        ]
    }

    fn complaints(
        &self,
        scenario: &Scenario,
        deployment: Deployment,
        cause: &'static Cause,
        observation: &ScenarioObservation,
    ) -> Vec<String> {
        let named_somewhere = |code: &str| self.ways().iter().any(|(_, named)| named.contains(code));
        // A log that lacks some facts, such as the virtual host, leads to the more general cause: that is right as well.
        let right = |name: &String, due| {
            name == cause.code || (due != Due::Exact && Cause::find(name).is_some_and(|general| cause.refines(general)))
        };
        let wrong = |named: &BTreeSet<String>, due| !named.iter().all(|name| is_recognisable(cause) && right(name, due));
        let due = due(scenario, deployment, cause, observation);
        let ways = self.ways().into_iter().zip(due);
        let ways = ways.filter(|((_, named), due)| wrong(named, *due) || (*due != Due::Optional && named.is_empty()));
        let mut complaints: Vec<_> = ways.map(|((way, named), due)| format!("{due:?}: the {way} names {named:?}")).collect();
        if is_failure(cause) && is_precise(scenario, deployment) && !named_somewhere(cause.code) {
            complaints.push("no way names exactly this cause".to_owned());
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

/// What a way must name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// Nothing, or what is right.
    Optional,
    /// The cause, or one that it refines.
    General,
    /// The cause.
    Exact,
}

/// Whether facts can prove it at all: what stands for "nothing failed" has no conditions.
const fn is_recognisable(cause: &Cause) -> bool {
    !cause.conditions.is_empty()
}

/// Whether the request fails and facts can prove why. Of telemetry that lacks something only a module writes.
fn is_failure(cause: &Cause) -> bool {
    is_recognisable(cause) && cause.stage() != Stage::Telemetry
}

/// Some facts only Envoy's own logger has.
fn is_precise(scenario: &Scenario, deployment: Deployment) -> bool {
    !scenario.expect.native_only || deployment == Deployment::Native
}

/// What is due of [`Answers::ways`], by the catalogue, the scenario and what came back: never by what the manifests hold.
fn due(scenario: &Scenario, deployment: Deployment, cause: &Cause, observation: &ScenarioObservation) -> [Due; 5] {
    let expect = &scenario.expect;
    let (failure, precise) = (is_failure(cause), is_precise(scenario, deployment));
    let event = is_recognisable(cause) && !failure;
    let failed_call = |response: &Response| response.header("grpc-status").is_some_and(|status| status != "0");
    let failed = |response: &Response| response.status >= 400 || failed_call(response);
    let replied = expect.local_reply && observation.responses.iter().flatten().any(failed);
    // Whether the request, and the reply, got as far as the module's HTTP filter.
    let filtered = scenario.protocol == Protocol::Http && expect.access_log && expect.http_filters;
    let reply_filtered = filtered && replied && expect.reply_filters && cause.stage() != Stage::Downstream;
    let (named, marked, recorded) = match deployment {
        Deployment::Annotate => (precise && (reply_filtered || (filtered && event)), reply_filtered, filtered),
        Deployment::Observe | Deployment::Native => {
            let sides = NAMED_BY_ENVOY.iter().find(|(slug, _)| *slug == scenario.slug).map_or(&[][..], |(_, sides)| sides);
            let named = scenario.variant.is_none() && sides.contains(&Side::of(scenario));
            (replied && named, replied, deployment == Deployment::Observe)
        }
    };
    // A gRPC call may fail in its trailers, of which Istio's log formats say nothing.
    let shows = |line: &String| {
        let line = record_json(line).unwrap_or_default();
        let flags = line.get("response_flags").and_then(Value::as_str).unwrap_or("-");
        flags != "-" || !line.get("response_code").and_then(Value::as_u64).is_some_and(|status| (1..400).contains(&status))
    };
    let logged = failure && expect.access_log && (observation.json.iter().any(shows) || !expect.recorded);
    let general = |due| if due { Due::General } else { Due::Optional };
    let exact = |due, exact| if due && exact { Due::Exact } else { general(due) };
    let record = (failure && expect.recorded) || (event && recorded);
    [exact(named, true), general(marked), exact(record, precise), general(logged), general(logged)]
}

impl fmt::Display for Answers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ways().iter().try_for_each(|(way, named)| writeln!(formatter, "{way} {named:?}"))
    }
}

/// The values of a parameter in a `proxy-status` header; no details of these scenarios hold `;`, `,` or `=`.
fn parameters(status: &str, name: &str) -> Vec<String> {
    let pairs = status.split([';', ',']).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.trim_matches('"').to_owned()).collect()
}
