//! One Envoy in front of one upstream, with or without meshwhy.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::ledger::Ledger;
use super::plan::{self, Plan};
use crate::artifacts::{module, target};
use crate::certificates::Certificates;
use crate::deployment::{Deployment, Setup, string_value};
use crate::discovery::{LISTENER, ResourceFile};
use crate::envoy::{Envoy, locate};
use crate::merge::{merge, overlay, walk};
use crate::observation::RECORD_PREFIX;
use crate::tail::wait_for;
use crate::upstream::{Fault, Upstream, UpstreamKind};

/// How long what was logged may take to come to rest.
const SETTLING: Duration = Duration::from_secs(3);
/// A log to which nothing was added for so long is at rest; Envoy flushes its files every 50 milliseconds.
const QUIET: Duration = Duration::from_millis(150);

/// How a stage is built.
#[derive(Clone, Debug)]
pub struct StageSetup {
    /// The deployment of meshwhy; none for the Envoy that the others are compared with.
    pub deployment: Option<Deployment>,
    /// The module; the built one unless told otherwise.
    pub module: Option<PathBuf>,
    /// Laid over the module's configuration.
    pub configuration: Value,
    /// Envoy's worker threads.
    pub workers: usize,
    /// Whether listeners are read from a file that may change.
    pub dynamic: bool,
}

/// A running Envoy with its upstream.
#[derive(Debug)]
pub struct Stage {
    setup: StageSetup,
    plan: Plan,
    envoy: Option<Envoy>,
    _upstream: Upstream,
    _refusing: Upstream,
    listener_file: ResourceFile,
    directory: TempDir,
}

impl StageSetup {
    /// One worker, static, every record told.
    pub fn new(deployment: Option<Deployment>) -> Self {
        let configuration = json!({"records_per_interval": 1000, "interval_ms": 1000});
        Self { deployment, module: None, configuration, workers: 1, dynamic: false }
    }

    /// The name of the deployment, or that there is none.
    pub fn name(&self) -> &'static str {
        self.deployment.map_or("without", Deployment::name)
    }
}

impl Stage {
    /// Starts it.
    ///
    /// # Errors
    /// Something is missing, or Envoy refuses the configuration.
    pub fn start(plan: &Plan, setup: &StageSetup) -> Result<Self> {
        let runs = target().join("integration");
        fs::create_dir_all(&runs)?;
        let directory = tempfile::Builder::new().prefix(&format!("hostile-{}-", setup.name())).tempdir_in(&runs)?;
        let certificates = Certificates::make(directory.path())?;
        let upstream = Upstream::start(UpstreamKind::Fault(Fault::ByPath), &certificates)?;
        let refusing = Upstream::start(UpstreamKind::Fault(Fault::Refuse), &certificates)?;
        let mut clusters = plan::clusters(upstream.address(), refusing.address());
        if let Some(deployment) = setup.deployment {
            let setup = Setup::new(deployment);
            clusters.extend(setup.clusters(&setup.documents()?)?);
        }
        let mut stage = Self {
            setup: setup.clone(),
            plan: plan.clone(),
            envoy: None,
            _upstream: upstream,
            _refusing: refusing,
            listener_file: ResourceFile::new(directory.path().join("lds.json"), LISTENER),
            directory,
        };
        let listeners = stage.listeners()?;
        let mut bootstrap = plan::bootstrap(if setup.dynamic { &[] } else { &listeners }, &clusters);
        if setup.dynamic {
            merge(&mut bootstrap, &json!({"dynamic_resources": {"lds_config": stage.listener_file.source()}}));
            stage.listener_file.write(&listeners)?;
        }
        let envoy = Envoy::start_with(&locate()?, &bootstrap, stage.directory.path(), setup.workers);
        stage.envoy = Some(envoy.inspect_err(|_| stage.directory.disable_cleanup(true))?);
        Ok(stage)
    }

    /// Swaps the module and its configuration under way: writes the files anew, as a control plane would send them.
    ///
    /// # Errors
    /// The manifests cannot be rendered or the files not be written.
    pub fn swap(&mut self, module: &Path, configuration: &Value) -> Result<()> {
        self.setup.module = Some(module.to_path_buf());
        overlay(&mut self.setup.configuration, configuration);
        let listeners = self.listeners()?;
        self.listener_file.write(&listeners)
    }

    /// How it was built.
    pub fn setup(&self) -> &StageSetup {
        &self.setup
    }

    /// The running Envoy.
    ///
    /// # Errors
    /// None after [`Stage::start`].
    pub fn envoy(&self) -> Result<&Envoy> {
        self.envoy.as_ref().context("no Envoy")
    }

    /// Where a listener is.
    ///
    /// # Errors
    /// There is no such listener.
    pub fn address(&self, listener: &str) -> Result<SocketAddr> {
        self.envoy()?.listener(listener).with_context(|| format!("no listener {listener}"))
    }

    /// What was logged so far.
    pub fn ledger(&self) -> Ledger {
        self.since(&Ledger::default())
    }

    /// What was logged after an earlier reading.
    pub fn since(&self, earlier: &Ledger) -> Ledger {
        Ledger::read(&self.file("access.log"), &self.file("envoy.log"), &self.file("native.log"), earlier)
    }

    /// What was logged after an earlier reading, once so many lines and the records of their failures have come, or too late to wait for
    /// them; without a number, once nothing more comes.
    ///
    /// # Errors
    /// There is no end of it.
    pub fn settled(&self, earlier: &Ledger, lines: Option<usize>) -> Result<Ledger> {
        let read = || self.since(earlier);
        let told = |ledger: &Ledger| match self.setup.deployment {
            Some(deployment) => ledger.recorded() >= ledger.owed(deployment),
            None => true,
        };
        if let Some(expected) = lines.filter(|expected| *expected > 0) {
            let arrived = wait_for(SETTLING, || Some(read()).filter(|ledger| ledger.lines.len() >= expected && told(ledger)));
            return Ok(arrived.unwrap_or_else(read));
        }
        let mut last = (0, 0);
        wait_for(SETTLING, || {
            std::thread::sleep(QUIET);
            let ledger = read();
            let now = (ledger.lines.len(), ledger.records.len());
            Some(ledger).filter(|_| std::mem::replace(&mut last, now) == now)
        })
        .with_context(|| format!("{}: its log does not come to rest", self.setup.name()))
    }

    /// All that Envoy wrote to its log.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.file("envoy.log")).unwrap_or_default()).into_owned()
    }

    /// All that the access loggers wrote, and Envoy's log: what `kubectl logs` shows of a proxy.
    pub fn collected(&self) -> String {
        let text = |name: &str| String::from_utf8_lossy(&fs::read(self.file(name)).unwrap_or_default()).into_owned();
        [text("envoy.log"), text("access.log")].concat()
    }

    /// All that meshwhy wrote: the native logger's lines and those of the module.
    pub fn records(&self) -> String {
        let native = String::from_utf8_lossy(&fs::read(self.file("native.log")).unwrap_or_default()).into_owned();
        let log = self.log();
        log.lines().filter(|line| line.contains(RECORD_PREFIX)).chain(native.lines()).map(|line| format!("{line}\n")).collect()
    }

    /// The sum of all statistics whose name ends so, and the number of these.
    ///
    /// # Errors
    /// The admin interface does not answer.
    pub fn statistic(&self, suffix: &str) -> Result<(u64, usize)> {
        let stats = self.envoy()?.admin("/stats")?;
        let values: Vec<u64> = stats
            .lines()
            .filter_map(|line| line.split_once(": "))
            .filter(|(name, _)| name.ends_with(suffix))
            .filter_map(|(_, value)| value.parse().ok())
            .collect();
        Ok((values.iter().sum(), values.len()))
    }

    /// Runs a check; a failure keeps the files and carries the end of Envoy's log.
    ///
    /// # Errors
    /// Those of the check.
    pub fn check<T>(&mut self, check: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        check(self).map_err(|error| {
            self.directory.disable_cleanup(true);
            let log = self.log();
            let said: Vec<_> = log.lines().filter(|line| !line.contains("meshwhy1 {")).collect();
            let last = said.get(said.len().saturating_sub(20)..).unwrap_or_default().join("\n");
            anyhow!("{error:#}\n--- last lines of Envoy's log\n{last}\n--- files: {}", self.directory.path().display())
        })
    }

    /// A file of this stage.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn listeners(&mut self) -> Result<Vec<Value>> {
        let names: Vec<_> = self.plan.listeners.iter().map(|(name, ..)| *name).collect();
        let mut listeners = Vec::new();
        for name in names {
            let (direction, mut listener) = self.plan.listener(name, self.directory.path()).context("no such listener")?;
            if let Some(deployment) = self.setup.deployment {
                let setup = Setup::new(deployment);
                let module = match (&self.setup.module, deployment) {
                    (Some(module), _) => module.clone(),
                    (None, Deployment::Native) => PathBuf::new(),
                    (None, _) => module()?,
                };
                setup.apply(&setup.documents()?, direction, &mut listener, &module, &self.file("native.log"))?;
                walk(&mut listener, &mut |value| configure(value, &self.setup.configuration));
            }
            listeners.push(listener);
        }
        Ok(listeners)
    }
}

/// Lays the stage's wishes over a plugin's configuration.
fn configure(plugin: &mut Value, wishes: &Value) {
    let Some(fields) = plugin.as_object_mut().filter(|fields| fields.contains_key("vm_config")) else { return };
    let text = fields.get("configuration").and_then(|configuration| configuration.get("value")).and_then(Value::as_str);
    let mut configuration = text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| json!({}));
    overlay(&mut configuration, wishes);
    fields.insert("configuration".to_owned(), string_value(&configuration.to_string()));
}
