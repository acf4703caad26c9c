//! One Envoy process: quickly ready, certainly gone.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::locate::Launcher;
use crate::children::{Owned, watched};
use crate::client;
use crate::tail::wait_for;

/// How long an Envoy may take to become ready. It takes a third of a second on an idle machine.
const READY: Duration = Duration::from_secs(30);
/// The lines of its log that a failure shows.
const LOG_LINES: usize = 100;

/// Istio's log format, so that everything downstream sees what it would see in a mesh.
const LOG_FORMAT: &str = "%Y-%m-%dT%T.%fZ\t%l\tenvoy %n %g:%#\t%v\tthread=%t";

/// A running Envoy; it ends when dropped, and with the process that started it.
#[derive(Debug)]
pub struct Envoy {
    child: Owned,
    command: String,
    config: PathBuf,
    log: PathBuf,
    admin: SocketAddr,
    listeners: BTreeMap<String, SocketAddr>,
}

impl Envoy {
    /// Starts Envoy in `directory` with the given bootstrap and waits until it is ready. Its files are `envoy.json` and `envoy.log` there.
    ///
    /// # Errors
    /// It cannot be started or refuses the configuration; the message has the end of its log and how to start it by hand.
    pub fn start(launcher: &Launcher, bootstrap: &Value, directory: &Path) -> Result<Self> {
        Self::start_with(launcher, bootstrap, directory, 1)
    }

    /// Starts Envoy with so many worker threads.
    ///
    /// # Errors
    /// As [`Envoy::start`].
    pub fn start_with(launcher: &Launcher, bootstrap: &Value, directory: &Path, workers: usize) -> Result<Self> {
        let (config, log, admin_path) = (directory.join("envoy.json"), directory.join("envoy.log"), directory.join("admin"));
        fs::write(&config, serde_json::to_vec_pretty(bootstrap)?)?;
        let arguments = arguments(launcher, &config, &admin_path, workers);
        let command = reproduction(launcher, &arguments);
        // An access logger opens it a second time as /dev/stdout; appending, neither overwrites the other.
        fs::write(&log, "")?;
        let output = File::options().append(true).open(&log)?;
        let child = watched(&launcher.program)
            .args(&arguments)
            .envs(IDENTITY)
            .envs(launcher.environment.iter().map(|(name, value)| (name, value)))
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .context("starting Envoy")?;
        let child = Owned::new(child);
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut envoy = Self { child, command, config, log, admin: nowhere, listeners: BTreeMap::new() };
        envoy.wait_until_ready(&admin_path)?;
        Ok(envoy)
    }

    /// Where the listener of this name really is.
    pub fn listener(&self, name: &str) -> Option<SocketAddr> {
        self.listeners.get(name).copied()
    }

    /// Where all listeners are, by name.
    pub fn listeners(&self) -> impl Iterator<Item = (&str, SocketAddr)> {
        self.listeners.iter().map(|(name, address)| (name.as_str(), *address))
    }

    /// The id of its process, or of its launcher's where it has one.
    pub fn id(&self) -> u32 {
        self.child.get().id()
    }

    /// Where its log is: what it wrote to standard output and standard error.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Where its admin interface is.
    pub const fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// Asks the admin interface.
    ///
    /// # Errors
    /// It does not answer.
    pub fn admin(&self, path: &str) -> Result<String> {
        client::get(self.admin, path)
    }

    /// The sum of all statistics whose name ends so.
    ///
    /// # Errors
    /// The admin interface does not answer.
    pub fn statistic(&self, suffix: &str) -> Result<u64> {
        let stats = self.admin("/stats")?;
        let values = stats.lines().filter_map(|line| line.split_once(": ")).filter(|(name, _)| name.ends_with(suffix));
        Ok(values.filter_map(|(_, value)| value.parse::<u64>().ok()).sum())
    }

    /// What a person needs who wants to know why a test failed: the end of the log, the configuration, one line to start it again.
    pub fn failure_report(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        let last = lines.get(lines.len().saturating_sub(LOG_LINES)..).unwrap_or_default().join("\n");
        format!(
            "--- last {LOG_LINES} lines of {}\n{last}\n--- configuration: {}\n--- reproduce: {}",
            self.log.display(),
            self.config.display(),
            self.command
        )
    }

    fn wait_until_ready(&mut self, admin_path: &Path) -> Result<()> {
        let ready = wait_for(READY, || {
            if let Some(status) = self.child.get().try_wait().ok().flatten() {
                return Some(Err(status));
            }
            let admin: SocketAddr = fs::read_to_string(admin_path).ok()?.trim().parse().ok()?;
            client::get(admin, "/ready").ok().map(|_| Ok(admin))
        });
        match ready {
            Some(Ok(admin)) => self.admin = admin,
            Some(Err(status)) => bail!("Envoy ended ({status})\n{}", self.failure_report()),
            None => bail!("Envoy did not become ready\n{}", self.failure_report()),
        }
        let listeners: Value = serde_json::from_str(&self.admin("/listeners?format=json")?)?;
        let statuses = listeners.get("listener_statuses").and_then(Value::as_array);
        self.listeners = statuses.into_iter().flatten().filter_map(listener_address).collect();
        Ok(())
    }
}

/// Asks Envoy whether it takes a bootstrap, without starting it. The file is `envoy.json` in `directory`.
///
/// # Errors
/// It refuses; the message is what it said.
pub fn validate(launcher: &Launcher, bootstrap: &Value, directory: &Path) -> Result<()> {
    let config = directory.join("envoy.json");
    fs::write(&config, serde_json::to_vec_pretty(bootstrap)?)?;
    let output = Command::new(&launcher.program)
        .args(&launcher.arguments)
        .args(["--mode", "validate", "--log-level", "error", "-c"])
        .arg(&config)
        .envs(launcher.environment.iter().map(|(name, value)| (name, value)))
        .envs(IDENTITY)
        .stdin(Stdio::null())
        .output()
        .context("starting Envoy")?;
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "Envoy refuses the configuration ({}): {}", output.status, said.trim());
    Ok(())
}

/// The variables that Istio gives its proxy.
const IDENTITY: [(&str, &str); 2] = [("POD_NAME", "shop-0"), ("POD_NAMESPACE", "demo")];

fn arguments(launcher: &Launcher, config: &Path, admin_path: &Path, workers: usize) -> Vec<String> {
    let mut arguments = launcher.arguments.clone();
    arguments.extend(["-c".to_owned(), config.display().to_string()]);
    arguments.extend(["--admin-address-path".to_owned(), admin_path.display().to_string()]);
    arguments.extend(["--log-format".to_owned(), LOG_FORMAT.to_owned()]);
    arguments.extend(
        [
            "--concurrency",
            &workers.to_string(),
            "--disable-hot-restart",
            "--file-flush-interval-msec",
            "50",
            "--log-level",
            "warning",
        ]
        .map(str::to_owned),
    );
    arguments.extend(["--component-log-level", "wasm:info"].map(str::to_owned));
    arguments
}

fn reproduction(launcher: &Launcher, arguments: &[String]) -> String {
    let mut words: Vec<String> = IDENTITY.iter().map(|(name, value)| format!("{name}={value}")).collect();
    words.extend(launcher.environment.iter().map(|(name, value)| format!("{name}={}", value.display())));
    words.push(launcher.program.display().to_string());
    words.extend(
        arguments.iter().map(|argument| if argument.contains(['\t', ' ']) { format!("'{argument}'") } else { argument.clone() }),
    );
    words.join(" ")
}

fn listener_address(status: &Value) -> Option<(String, SocketAddr)> {
    let name = status.get("name")?.as_str()?.to_owned();
    let socket = status.get("local_address")?.get("socket_address")?;
    let address = socket.get("address")?.as_str()?.parse().ok()?;
    let port = u16::try_from(socket.get("port_value")?.as_u64()?).ok()?;
    Some((name, SocketAddr::new(address, port)))
}
