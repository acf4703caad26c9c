//! A real Prometheus, of Debian's package, that scrapes the Envoys of a test, and `promtool`.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::children::{Owned, watched};
use crate::client;
use crate::debian::program;
use crate::run_directory::RunDirectory;
use crate::tail::wait_for;

/// How long it may take to become ready; it takes half a second on an idle machine.
const READY: Duration = Duration::from_secs(30);

/// The programs, or why they cannot be had.
///
/// # Errors
/// There is no Prometheus on the path, and none could be fetched.
pub fn programs() -> Result<Programs, String> {
    let found = |name| program(name, "prometheus").map_err(|error| format!("{name} cannot be had ({error:#})"));
    Ok(Programs { server: found("prometheus")?, promtool: found("promtool")? })
}

/// What Prometheus consists of.
#[derive(Debug, Clone)]
pub struct Programs {
    server: PathBuf,
    promtool: PathBuf,
}

impl Programs {
    /// Runs `promtool` and gives what it says.
    ///
    /// # Errors
    /// It finds something wrong; the message is its own.
    pub fn promtool(&self, arguments: &[&str], directory: &Path) -> Result<String> {
        let output = Command::new(&self.promtool).args(arguments).current_dir(directory).output().context("starting promtool")?;
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "promtool {}: {said}", arguments.join(" "));
        Ok(said)
    }
}

/// A running Prometheus; it ends when dropped.
#[derive(Debug)]
pub struct Prometheus {
    _child: Owned,
    directory: RunDirectory,
    /// Where it answers.
    pub address: SocketAddr,
}

impl Prometheus {
    /// Starts it with this configuration.
    ///
    /// # Errors
    /// It does not become ready; the message has the end of its log.
    pub fn start(programs: &Programs, configuration: &Value) -> Result<Self> {
        let directory = RunDirectory::new("prometheus")?;
        let path = |name: &str| directory.path().join(name);
        fs::write(path("prometheus.yml"), serde_json::to_vec_pretty(configuration)?)?;
        // It cannot say which port the kernel gave it.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let log = fs::File::create(path("log"))?;
        let child = watched(&programs.server)
            .arg(format!("--config.file={}", path("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", path("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("starting Prometheus")?;
        let prometheus = Self { _child: Owned::new(child), directory, address };
        let ready = wait_for(READY, || client::get(address, "/-/ready").ok());
        let said = || fs::read_to_string(prometheus.directory.path().join("log")).unwrap_or_default();
        ensure!(ready.is_some(), "Prometheus did not become ready:\n{}", said());
        Ok(prometheus)
    }

    /// What it answers to a query: the elements of a vector.
    ///
    /// # Errors
    /// It refuses the query.
    pub fn query(&self, query: &str) -> Result<Vec<Value>> {
        let answer = client::get(self.address, &format!("/api/v1/query?query={}", encoded(query)))
            .with_context(|| format!("asking for {query}"))?;
        let answer: Value = serde_json::from_str(&answer)?;
        let result = answer.pointer("/data/result").and_then(Value::as_array);
        result.cloned().with_context(|| format!("{query}: {answer}"))
    }

    /// Its address as a URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// A configuration that scrapes so often, with these rules and scrape configurations.
pub fn configuration(rules: &[PathBuf], scrape_configs: &Value) -> Value {
    json!({
        "global": {"scrape_interval": "500ms", "evaluation_interval": "500ms"},
        "rule_files": rules,
        "scrape_configs": scrape_configs,
    })
}

/// A query as a part of a URL.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
