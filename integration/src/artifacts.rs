//! Where the things under test are: the built module, the built command line, the shipped manifests.

use std::collections::BTreeSet;
use std::env;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The root of the workspace, where `core/`, `envoyfilter/` and `target/` are.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The build directory: `$CARGO_TARGET_DIR`, else `target/` in the workspace.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), |directory| workspace().join(directory))
}

/// The built artifacts under test.
#[derive(Clone, Debug)]
pub struct Artifacts {
    /// The module, `meshwhy.wasm`.
    pub module: PathBuf,
    /// The command line, `meshwhy`.
    pub cli: PathBuf,
}

/// What the catalogue says of a cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Its code.
    pub code: String,
    /// The stage of the request at which it strikes.
    pub stage: String,
    /// Whether facts can prove it at all: what stands for "nothing failed" has no conditions.
    pub recognisable: bool,
    /// The codes of the more general causes that it makes precise, the nearest first.
    pub refines: Vec<String>,
}

/// What one run of the command line gave.
#[derive(Clone, Debug)]
pub struct CliOutput {
    /// Its exit code, absent if a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it said besides.
    pub stderr: String,
}

impl Artifacts {
    /// Finds them through `MESHWHY_WASM` and `MESHWHY_CLI`, else in the build directory.
    ///
    /// # Errors
    /// One is missing; the message says how to build it.
    pub fn find() -> Result<Self> {
        let module = module()?;
        let cli = find("MESHWHY_CLI", &["release", "debug"], "meshwhy")?;
        Ok(Self { module, cli })
    }

    /// Runs the command line with the given standard input.
    ///
    /// # Errors
    /// It cannot be started; a failure of its own is in the exit code.
    pub fn cli(&self, arguments: &[&str], input: &str) -> Result<CliOutput> {
        let mut child = Command::new(&self.cli)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", self.cli.display()))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A tool that has read enough may close its input: not an error of the harness.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output()?;
        Ok(CliOutput {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Runs the command line and parses what it printed as JSON.
    ///
    /// # Errors
    /// It cannot be started, or its output is not JSON.
    pub fn cli_json(&self, arguments: &[&str], input: &str) -> Result<Value> {
        let output = self.cli(arguments, input)?;
        serde_json::from_str(&output.stdout).with_context(|| {
            format!(
                "meshwhy {} printed no JSON (exit {:?}): {}{}",
                arguments.join(" "),
                output.code,
                output.stdout,
                output.stderr
            )
        })
    }
}

impl Artifacts {
    /// Looks a cause up in the catalogue.
    ///
    /// # Errors
    /// The command line does not know it.
    pub fn cause(&self, slug: &str) -> Result<Cause> {
        let mut cause = self.catalogued(slug)?;
        let mut refines = Vec::new();
        while let Some(general) = cause.refines.first().filter(|code| !refines.contains(*code)).cloned() {
            cause.refines = self.catalogued(&general)?.refines;
            refines.push(general);
        }
        Ok(Cause { refines, ..cause })
    }

    fn catalogued(&self, name: &str) -> Result<Cause> {
        let cause = self.cli_json(&["causes", "--format", "json", name], "")?;
        let text = |name: &str| cause.get(name).and_then(Value::as_str).map(str::to_owned);
        let need = |name: &str| text(name).with_context(|| format!("no {name} in {cause}"));
        Ok(Cause {
            code: need("code")?,
            stage: need("stage")?,
            recognisable: cause.get("recognised_by").and_then(Value::as_array).is_some_and(|ways| !ways.is_empty()),
            refines: text("refines").into_iter().collect(),
        })
    }

    /// The codes that `meshwhy explain` names for these lines, each judged on its own; a line without a verdict names none.
    ///
    /// # Errors
    /// The command line cannot be run or prints no JSON.
    pub fn explain(&self, lines: &[String]) -> Result<BTreeSet<String>> {
        let mut codes = BTreeSet::new();
        for line in lines {
            let report = self.cli_json(&["explain", "--format", "json", "-"], &format!("{line}\n"))?;
            codes.extend(best_code(&report));
        }
        Ok(codes)
    }
}

/// The code of the first verdict of a report.
fn best_code(report: &Value) -> Option<String> {
    let verdict = report.pointer("/verdicts/0")?;
    verdict.get("code").or_else(|| verdict.pointer("/cause/code")).and_then(Value::as_str).map(str::to_owned)
}

/// The built module alone: `MESHWHY_WASM`, else in the build directory.
///
/// # Errors
/// As [`Artifacts::find`].
pub fn module() -> Result<PathBuf> {
    find("MESHWHY_WASM", &["wasm32-wasip1/module"], "meshwhy.wasm")
}

/// The module built with the feature `testing`: `MESHWHY_TESTING_WASM`, else in the build directory.
///
/// # Errors
/// As [`Artifacts::find`].
pub fn testing_module() -> Result<PathBuf> {
    find("MESHWHY_TESTING_WASM", &["wasm32-wasip1/module"], "meshwhy-testing.wasm")
}

/// A module of the SDK with every function of the ABI: `MESHWHY_SDK_WASM`, else in the build directory.
///
/// # Errors
/// As [`Artifacts::find`].
pub fn sdk_module() -> Result<PathBuf> {
    find("MESHWHY_SDK_WASM", &["wasm32-wasip1/debug"], "meshwhy_empty_filter.wasm")
}

fn find(variable: &str, directories: &[&str], name: &str) -> Result<PathBuf> {
    if let Some(path) = env::var_os(variable).map(PathBuf::from) {
        ensure!(path.is_file(), "{variable} names {}, which is not a file", path.display());
        return Ok(path);
    }
    directories
        .iter()
        .map(|directory| target().join(directory).join(name))
        .find(|path| path.is_file())
        .with_context(|| format!("no {name} in {}; `cargo xtask test` builds it, or set {variable}", target().display()))
}
