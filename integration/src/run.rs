//! Boots one Envoy for some scenarios, sends their requests, collects what a user would have.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};

use crate::bootstrap::{Addresses, BootstrapPart, LogFiles, bootstrap, part};
use crate::certificates::Certificates;
use crate::client::request::ClientRequest;
use crate::client::{self, Response};
use crate::deployment::{Deployment, Setup};
use crate::discovery::{LISTENER, ResourceFile};
use crate::envoy::{Envoy, Launcher, locate};
use crate::ledger::Ledger;
use crate::merge::overlay;
use crate::observation::{Logs, RECORD_PREFIX, log_files, looks_healthy};
pub use crate::observation::{ScenarioObservation, record_json};
use crate::run_directory::RunDirectory;
use crate::scenario::{Placement, Protocol, Scenario};
use crate::tail::{Tail, wait_for};
use crate::upstream::{Upstream, UpstreamKind};

/// How long an access-log line may take after the response; Envoy flushes its files every 50 milliseconds.
const LOG_PATIENCE: Duration = Duration::from_secs(5);
/// How long the record of a failure may take after the access-log line.
const RECORD_PATIENCE: Duration = Duration::from_secs(2);
/// How long to wait for a record that should not come: a healthy request always waits that long.
const HEALTHY_PATIENCE: Duration = Duration::from_millis(200);
/// How long Envoy may take until it shows the statistic that a scenario waits for.
const READY_PATIENCE: Duration = Duration::from_secs(5);

/// How long what was logged may take to come to rest.
const SETTLING: Duration = Duration::from_secs(3);
/// A log to which nothing was added for so long is at rest.
const QUIET: Duration = Duration::from_millis(150);

/// A running Envoy in front of its upstreams, with meshwhy deployed or without.
#[derive(Debug)]
pub struct Session {
    setup: Setup,
    cases: Vec<SessionCase>,
    certificates: Arc<Certificates>,
    envoy: Envoy,
    listener_file: ResourceFile,
    _upstreams: Vec<Upstream>,
    directory: RunDirectory,
}

/// A scenario, and what it adds to the bootstrap.
#[derive(Debug)]
struct SessionCase {
    scenario: Scenario,
    part: BootstrapPart,
}

/// The scenarios of each Envoy, and how it is set up: gateways are none of the sidecar's, and those that change the bootstrap have one of
/// their own.
pub fn groups(setup: &Setup, scenarios: Vec<Scenario>) -> Vec<(Setup, Vec<Scenario>)> {
    let (own, shared): (Vec<_>, Vec<_>) = scenarios.into_iter().partition(|scenario| scenario.bootstrap.is_some());
    let (gateways, sidecars): (Vec<_>, Vec<_>) =
        shared.into_iter().partition(|scenario| scenario.placement == Placement::Gateway);
    let groups = [sidecars, gateways].into_iter().chain(own.into_iter().map(|scenario| vec![scenario]));
    let placed = |group: Vec<Scenario>| Some((setup.clone().placed(group.first()?.placement), group));
    groups.filter_map(placed).collect()
}

/// Runs the ordinary case of the scenarios, one after the other, and returns what `kubectl logs --prefix` of that proxy would print.
///
/// # Errors
/// Envoy does not start or a request cannot be sent; the message says how to reproduce it.
pub fn collect(scenarios: &[Scenario], deployment: Deployment) -> Result<String> {
    let mut collected = String::new();
    for (setup, group) in groups(&Setup::new(deployment), scenarios.to_vec()) {
        Session::start(&group, &setup)?.check(|session| {
            for scenario in &group {
                let observation = session.send(&scenario.id(), &scenario.request)?;
                observation
                    .lines()
                    .for_each(|line| collected.push_str(&format!("[pod/shop-0.{deployment}/istio-proxy] {line}\n")));
            }
            Ok(())
        })?;
    }
    Ok(collected)
}

impl Session {
    /// Boots the Envoy that [`locate`] finds.
    ///
    /// # Errors
    /// Something is missing, or Envoy refuses the configuration.
    pub fn start(scenarios: &[Scenario], setup: &Setup) -> Result<Self> {
        Self::start_with(&locate()?, scenarios, setup)
    }

    /// Boots a certain Envoy.
    ///
    /// # Errors
    /// As [`Session::start`].
    pub fn start_with(launcher: &Launcher, scenarios: &[Scenario], setup: &Setup) -> Result<Self> {
        Self::boot(launcher, scenarios, setup, None)
    }

    /// Boots another Envoy whose certificates are of the same authorities.
    ///
    /// # Errors
    /// As [`Session::start`].
    pub fn beside(&self, scenarios: &[Scenario], setup: &Setup) -> Result<Self> {
        Self::boot(&locate()?, scenarios, setup, Some(Arc::clone(&self.certificates)))
    }

    fn boot(launcher: &Launcher, scenarios: &[Scenario], setup: &Setup, certificates: Option<Arc<Certificates>>) -> Result<Self> {
        let documents = setup.documents()?;
        let mut directory = RunDirectory::new(setup.name())?;
        let certificates = certificates.map_or_else(|| Certificates::make(directory.path()).map(Arc::new), Ok)?;
        let placeholders = certificates.placeholders();
        let (mut upstreams, mut parts) = (Vec::new(), Vec::new());
        for (index, scenario) in scenarios.iter().enumerate() {
            let [json, text, _] = log_files(directory.path(), &scenario.id());
            let addresses = serve(scenario, &certificates, &mut upstreams)?;
            parts.push(part(scenario, index, &addresses, &LogFiles { json: &json, text: &text }, &placeholders)?);
        }
        let listeners = listeners(setup, scenarios.iter().zip(&parts), directory.path())?;
        let mut bootstrap = bootstrap(&parts, if setup.dynamic { &[] } else { &listeners }, &setup.clusters(&documents)?);
        if setup.placement == Placement::Gateway {
            overlay(&mut bootstrap, &json!({"node": {"id": "router~10.0.0.1~shop-0.demo~demo.svc.cluster.local"}}));
        }
        let mut listener_file = ResourceFile::new(directory.path().join("lds.json"), LISTENER);
        if setup.dynamic {
            overlay(&mut bootstrap, &json!({"dynamic_resources": {"lds_config": listener_file.source()}}));
            listener_file.write(&listeners)?;
        }
        let envoy = Envoy::start_with(launcher, &bootstrap, directory.path(), setup.workers);
        let envoy = envoy.inspect_err(|_| directory.keep())?;
        for wanted in scenarios.iter().filter_map(|scenario| scenario.ready.as_deref()) {
            let reached = || envoy.admin("/stats").is_ok_and(|stats| stats.lines().any(|line| line == wanted)).then_some(());
            wait_for(READY_PATIENCE, reached).with_context(|| format!("Envoy did not get to {wanted}"))?;
        }
        let cases = scenarios.iter().cloned().zip(parts).map(|(scenario, part)| SessionCase { scenario, part }).collect();
        Ok(Self { setup: setup.clone(), cases, certificates, envoy, listener_file, _upstreams: upstreams, directory })
    }

    /// Swaps the module and its configuration under way, as a control plane would: needs [`Setup::dynamic`].
    ///
    /// # Errors
    /// The manifests cannot be rendered or the file not be written.
    pub fn swap(&mut self, module: &Path, wishes: &Value) -> Result<()> {
        self.setup.module = Some(module.to_path_buf());
        overlay(&mut self.setup.wishes, wishes);
        let cases = self.cases.iter().map(|case| (&case.scenario, &case.part));
        self.listener_file.write(&listeners(&self.setup, cases, self.directory.path())?)
    }

    fn case(&self, id: &str) -> Result<&SessionCase> {
        self.cases.iter().find(|case| case.scenario.id() == id).with_context(|| format!("no scenario {id}"))
    }

    /// Sends a request to the listener of one scenario and waits for what it leaves in the logs.
    ///
    /// # Errors
    /// There is no such scenario, the connection fails, or no access-log line comes where one must come.
    pub fn send(&self, id: &str, request: &ClientRequest) -> Result<ScenarioObservation> {
        let case = self.case(id)?;
        let logs = self.logs(id);
        let responses = self.responses(case, request)?;
        let expected = if case.scenario.expect.access_log { request.repeat } else { 0 };
        wait_for(LOG_PATIENCE, || (logs.json.lines().len() >= expected && logs.text.lines().len() >= expected).then_some(()))
            .with_context(|| format!("{id}: no access-log line, responses {responses:?}"))?;
        if request.resets > 0 {
            // Each stream has a line of its own, and the telling one may come last.
            thread::sleep(HEALTHY_PATIENCE);
        }
        let native = self.setup.deployment == Some(Deployment::Native);
        let wanted = if native { case.scenario.failures().min(request.repeat).max(1) } else { 1 };
        let healthy = responses.iter().all(|response| response.as_ref().is_some_and(|response| response.status < 400))
            && logs.json.lines().iter().all(|line| looks_healthy(line));
        let patience = if healthy { HEALTHY_PATIENCE } else { RECORD_PATIENCE };
        wait_for(patience, || (self.records(case, &logs).len() >= wanted).then_some(()));
        Ok(self.observation(case, &logs, responses))
    }

    /// Watches what something else, such as another proxy, leaves in the logs of one scenario.
    ///
    /// # Errors
    /// There is no such scenario, or what was to be watched fails.
    pub fn watch<T>(&self, id: &str, act: impl FnOnce() -> Result<T>) -> Result<(T, ScenarioObservation)> {
        let case = self.case(id)?;
        let logs = self.logs(id);
        let done = act()?;
        wait_for(RECORD_PATIENCE, || (!self.records(case, &logs).is_empty()).then_some(()));
        Ok((done, self.observation(case, &logs, Vec::new())))
    }

    fn logs(&self, id: &str) -> Logs {
        Logs::from_now(self.directory.path(), id, self.envoy.log())
    }

    fn records(&self, case: &SessionCase, logs: &Logs) -> Vec<String> {
        let own = logs.envoy.lines().into_iter().filter(|line| self.is_record_of(line, case));
        logs.native.lines().into_iter().chain(own).collect()
    }

    fn observation(&self, case: &SessionCase, logs: &Logs, responses: Vec<Option<Response>>) -> ScenarioObservation {
        let (json, text) = (logs.json.lines(), logs.text.lines());
        ScenarioObservation { id: case.scenario.id(), responses, json, text, records: self.records(case, logs) }
    }

    /// What the client gets, one per request.
    fn responses(&self, case: &SessionCase, request: &ClientRequest) -> Result<Vec<Option<Response>>> {
        let address = self.address(&case.scenario.id())?;
        let tls = self.certificates.client(request)?;
        let send = || match case.scenario.protocol {
            Protocol::Http => client::send(address, request, tls.as_ref()),
            Protocol::Tcp => client::send_bytes(address, request).map(|()| None),
        };
        let mut responses = Vec::new();
        while responses.len() < request.repeat {
            let parallel = request.parallel.clamp(1, request.repeat - responses.len());
            let batch: Vec<Result<Option<Response>>> = thread::scope(|scope| {
                let threads: Vec<_> = (0..parallel).map(|_| scope.spawn(send)).collect();
                let join = |thread: thread::ScopedJoinHandle<'_, _>| thread.join();
                threads
                    .into_iter()
                    .map(|thread| join(thread).unwrap_or_else(|_| Err(anyhow!("the client's thread panicked"))))
                    .collect()
            });
            for response in batch {
                responses.push(response?);
            }
        }
        Ok(responses)
    }

    /// Whether a line of Envoy's log is a record of this case: by the listener's address, or where there is none by the cluster.
    fn is_record_of(&self, line: &str, case: &SessionCase) -> bool {
        let Some(record) = line.contains(RECORD_PREFIX).then(|| record_json(line)).flatten() else { return false };
        let text = |name: &str| record.get(name).and_then(Value::as_str);
        let own = self.envoy.listener(&case.scenario.id()).map(|address| address.to_string());
        match (text("envoy.downstream_local_address"), text("envoy.upstream_cluster")) {
            (Some(address), _) => Some(address) == own.as_deref(),
            (None, Some(cluster)) => cluster == case.part.cluster,
            (None, None) => self.cases.len() == 1,
        }
    }

    /// What was logged so far.
    pub fn ledger(&self) -> Ledger {
        let logs = self.cases.iter().map(|case| log_files(self.directory.path(), &case.scenario.id()));
        let (access, mut own): (Vec<_>, Vec<_>) =
            logs.map(|[json, _, native]| (Tail::at_start(&json), Tail::at_start(&native))).unzip();
        own.push(Tail::at_start(self.envoy.log()));
        Ledger::read([access, own])
    }

    /// What was logged after an earlier reading, once so many lines and the records of their failures have come, or too late to wait for
    /// them; without a number, once nothing more comes.
    ///
    /// # Errors
    /// There is no end of it.
    pub fn settled(&self, earlier: &Ledger, lines: Option<usize>) -> Result<Ledger> {
        let complete =
            |ledger: &Ledger| self.setup.deployment.is_none_or(|deployment| ledger.recorded() >= ledger.owed(deployment));
        if let Some(expected) = lines.filter(|expected| *expected > 0) {
            let enough = |ledger: &Ledger| ledger.lines.len() >= expected && complete(ledger);
            return Ok(wait_for(SETTLING, || Some(earlier.next()).filter(enough)).unwrap_or_else(|| earlier.next()));
        }
        let mut last = (0, 0);
        wait_for(SETTLING, || {
            thread::sleep(QUIET);
            let ledger = earlier.next();
            let now = (ledger.lines.len(), ledger.records.len());
            Some(ledger).filter(|_| std::mem::replace(&mut last, now) == now)
        })
        .with_context(|| format!("{}: its log does not come to rest", self.setup.name()))
    }

    /// All that `kubectl logs` shows of a proxy: Envoy's own log, and what the access loggers wrote.
    pub fn collected(&self) -> String {
        let logs = self.cases.iter().flat_map(|case| {
            let [json, _, native] = log_files(self.directory.path(), &case.scenario.id());
            [json, native]
        });
        logs.fold(self.log(), |log, path| log + &String::from_utf8_lossy(&fs::read(path).unwrap_or_default()))
    }

    /// How it was set up.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// A file of this session.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Where the listener of a scenario is.
    ///
    /// # Errors
    /// There is no such scenario.
    pub fn address(&self, id: &str) -> Result<SocketAddr> {
        self.envoy.listener(id).with_context(|| format!("no listener {id}"))
    }

    /// The running Envoy.
    pub fn envoy(&self) -> &Envoy {
        &self.envoy
    }

    /// All that Envoy has logged so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.envoy.log()).unwrap_or_default()).into_owned()
    }

    /// Keeps the run's files and says how to look at them: for a failing test.
    pub fn failure_report(&mut self) -> String {
        self.directory.keep();
        self.envoy.failure_report()
    }

    /// Runs a check on this session; a failure keeps the run's files and carries the report.
    ///
    /// # Errors
    /// Those of the check.
    pub fn check<T>(mut self, check: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        check(&mut self).map_err(|error| anyhow!("{error:#}\n{}", self.failure_report()))
    }
}

/// The listeners of some scenarios, with meshwhy in them.
fn listeners<'s>(
    setup: &Setup,
    cases: impl Iterator<Item = (&'s Scenario, &'s BootstrapPart)>,
    directory: &Path,
) -> Result<Vec<Value>> {
    let documents = setup.documents()?;
    let deployed = cases.map(|(scenario, part)| {
        let ([_, _, native], mut listener) = (log_files(directory, &scenario.id()), part.listener.clone());
        setup.apply(&documents, &mut listener, &native)?;
        Ok(listener)
    });
    deployed.collect()
}

/// Starts the servers of a scenario.
fn serve(scenario: &Scenario, certificates: &Certificates, upstreams: &mut Vec<Upstream>) -> Result<Addresses> {
    let mut start = |kind: UpstreamKind| {
        let upstream = Upstream::start(kind, certificates)?;
        let address = upstream.address();
        upstreams.push(upstream);
        Ok::<_, anyhow::Error>(address)
    };
    let upstream = scenario.upstream.map(&mut start).transpose()?;
    let servers = scenario.servers.iter().map(|(name, kind)| Ok((name.clone(), start(*kind)?))).collect::<Result<_>>()?;
    Ok(Addresses { upstream, servers })
}
