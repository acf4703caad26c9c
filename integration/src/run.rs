//! Boots one Envoy for some scenarios, sends their requests, collects what a user would have.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use serde_json::Value;
use tempfile::TempDir;

use crate::artifacts::{self, target};
use crate::bootstrap::{LogFiles, bootstrap, part};
use crate::certificates::Certificates;
use crate::client::{self, Response};
use crate::deployment::{Deployment, Setup};
use crate::envoy::{Envoy, Launcher, locate};
use crate::scenario::{Request, Scenario};
use crate::tail::{Tail, wait_for};
use crate::upstream::Upstream;

/// How long an access-log line may take after the response; Envoy flushes its files every 50 milliseconds.
const LOG_PATIENCE: Duration = Duration::from_secs(5);
/// How long the record of a failure may take after the access-log line.
const RECORD_PATIENCE: Duration = Duration::from_secs(2);
/// How long to wait for a record that should not come: a healthy request always waits that long.
const HEALTHY_PATIENCE: Duration = Duration::from_millis(200);
/// What precedes a record in a log line.
const RECORD_PREFIX: &str = "meshwhy1 {";

/// A running Envoy in front of its upstreams, with meshwhy deployed.
#[derive(Debug)]
pub struct Session {
    setup: Setup,
    scenarios: Vec<Scenario>,
    certificates: Certificates,
    envoy: Envoy,
    _upstreams: Vec<Upstream>,
    directory: TempDir,
}

/// What one scenario gave.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The scenario's slug.
    pub slug: String,
    /// What the client got, one per request; absent if the connection ended without a response.
    pub responses: Vec<Option<Response>>,
    /// Istio's JSON access-log lines.
    pub json: Vec<String>,
    /// Istio's TEXT access-log lines.
    pub text: Vec<String>,
    /// The lines with a record: of Envoy's log, or of the native logger.
    pub records: Vec<String>,
}

/// What a run gave.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What each scenario gave, in their order.
    pub observations: Vec<Observation>,
    /// All of Envoy's log.
    pub log: String,
    /// Envoy's statistics as text.
    pub stats: String,
}

impl Observation {
    /// The first response.
    pub fn response(&self) -> Option<&Response> {
        self.responses.first().and_then(Option::as_ref)
    }

    /// What a log collector would have of it: the JSON access-log lines and the records.
    pub fn lines(&self) -> impl Iterator<Item = &String> {
        self.json.iter().chain(&self.records)
    }

    /// The `proxy-status` of the first response.
    pub fn proxy_status(&self) -> Option<String> {
        self.response()?.header("proxy-status")
    }
}

/// Runs the scenarios in one Envoy, one after the other.
///
/// # Errors
/// Envoy does not start or a request cannot be sent; the message says how to reproduce it.
pub fn run(scenarios: &[Scenario], setup: &Setup) -> Result<Outcome> {
    let session = Session::start(scenarios, setup)?;
    let observations = scenarios.iter().map(|scenario| session.send(&scenario.slug, &scenario.request)).collect::<Result<_>>()?;
    session.finish(observations)
}

/// Runs the scenarios in one Envoy and returns what `kubectl logs --prefix` of that proxy would print.
///
/// # Errors
/// As [`run`].
pub fn collect(scenarios: &[Scenario], deployment: Deployment) -> Result<String> {
    let outcome = run(scenarios, &Setup::new(deployment))?;
    let lines = outcome.observations.iter().flat_map(Observation::lines);
    Ok(lines.map(|line| format!("[pod/shop-0.{deployment}/istio-proxy] {line}\n")).collect())
}

/// The record in a log line.
pub fn record_json(line: &str) -> Option<Value> {
    let start = line.find(RECORD_PREFIX).map(|start| start + RECORD_PREFIX.len() - 1).or_else(|| line.find('{'))?;
    serde_json::Deserializer::from_str(line.get(start..)?).into_iter().next()?.ok()
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
        let module = match setup.deployment {
            Deployment::Native => PathBuf::new(),
            Deployment::Observe | Deployment::Annotate => artifacts::module()?,
        };
        let documents = setup.documents()?;
        let runs = target().join("integration");
        fs::create_dir_all(&runs)?;
        let mut directory = tempfile::Builder::new().prefix(&format!("{}-", setup.deployment)).tempdir_in(&runs)?;
        let certificates = Certificates::make(directory.path())?;
        let mut upstreams = Vec::new();
        let mut parts = Vec::new();
        for (index, scenario) in scenarios.iter().enumerate() {
            let upstream = scenario.upstream.map(|kind| Upstream::start(kind, &certificates)).transpose()?;
            let [json, text, native] = log_files(directory.path(), &scenario.slug);
            let logs = LogFiles { json: &json, text: &text };
            let mut part = part(scenario, index, upstream.as_ref().map(Upstream::address), &logs, &certificates.placeholders())?;
            setup.apply(&documents, scenario.direction, &mut part.listener, &module, &native)?;
            parts.push(part);
            upstreams.extend(upstream);
        }
        let envoy =
            Envoy::start(launcher, &bootstrap(&parts), directory.path()).inspect_err(|_| directory.disable_cleanup(true))?;
        Ok(Self { setup: setup.clone(), scenarios: scenarios.to_vec(), certificates, envoy, _upstreams: upstreams, directory })
    }

    /// Sends a request to the listener of one scenario and waits for what it leaves in the logs.
    ///
    /// # Errors
    /// There is no such scenario, the connection fails, or no access-log line comes where one must come.
    pub fn send(&self, slug: &str, request: &Request) -> Result<Observation> {
        let scenario =
            self.scenarios.iter().find(|scenario| scenario.slug == slug).with_context(|| format!("no scenario {slug}"))?;
        let address = self.envoy.listener(slug).with_context(|| format!("no listener {slug}"))?;
        let tls = self.certificates.client(request.tls)?;
        let [json, text, native] = log_files(self.directory.path(), slug).map(|path| Tail::at_end(&path));
        let envoy_log = Tail::at_end(self.envoy.log());
        let bytes = request.bytes();

        let mut responses = Vec::new();
        while responses.len() < request.repeat {
            let parallel = request.parallel.clamp(1, request.repeat - responses.len());
            let batch: Vec<Result<Option<Response>>> = thread::scope(|scope| {
                let threads: Vec<_> =
                    (0..parallel).map(|_| scope.spawn(|| client::send(address, &bytes, tls.as_ref()))).collect();
                threads
                    .into_iter()
                    .map(|thread| thread.join().unwrap_or_else(|_| Err(anyhow!("the client's thread panicked"))))
                    .collect()
            });
            for response in batch {
                responses.push(response?);
            }
        }

        let expected = if scenario.expect.access_log { request.repeat } else { 0 };
        wait_for(LOG_PATIENCE, || (json.lines().len() >= expected && text.lines().len() >= expected).then_some(()))
            .with_context(|| format!("{slug}: no access-log line"))?;
        let records = || match self.setup.deployment {
            Deployment::Native => native.lines(),
            Deployment::Observe | Deployment::Annotate => {
                envoy_log.lines().into_iter().filter(|line| line.contains(RECORD_PREFIX)).collect()
            }
        };
        let wanted = if self.setup.deployment == Deployment::Native { expected.max(1) } else { 1 };
        let healthy = responses.iter().all(|response| response.as_ref().is_some_and(|response| response.status < 400));
        let patience = if healthy { HEALTHY_PATIENCE } else { RECORD_PATIENCE };
        wait_for(patience, || (records().len() >= wanted).then_some(()));
        Ok(Observation { slug: slug.to_owned(), responses, json: json.lines(), text: text.lines(), records: records() })
    }

    /// The running Envoy.
    pub fn envoy(&self) -> &Envoy {
        &self.envoy
    }

    /// All that Envoy has logged so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.envoy.log()).unwrap_or_default()).into_owned()
    }

    /// Ends Envoy and returns what was collected.
    ///
    /// # Errors
    /// The admin interface does not answer.
    pub fn finish(self, observations: Vec<Observation>) -> Result<Outcome> {
        let stats = self.envoy.admin("/stats")?;
        let log = self.log();
        Ok(Outcome { observations, log, stats })
    }

    /// Keeps the run's files and says how to look at them: for a failing test.
    pub fn failure_report(&mut self) -> String {
        self.directory.disable_cleanup(true);
        self.envoy.failure_report()
    }

    /// Runs a check on this session; a failure keeps the run's files and carries the report.
    ///
    /// # Errors
    /// Those of the check.
    pub fn check<T>(mut self, check: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        check(&self).map_err(|error| anyhow!("{error:#}\n{}", self.failure_report()))
    }
}

/// The files of one scenario: Istio's JSON log, Istio's TEXT log, the native logger's.
fn log_files(directory: &Path, slug: &str) -> [PathBuf; 3] {
    ["json", "text", "native"].map(|kind| directory.join(format!("{slug}.{kind}.log")))
}
