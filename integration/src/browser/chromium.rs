//! Chromium and axe: found, or fetched once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::children::{Owned, watched};
use crate::envoy::locate::{on_path, run};
use crate::envoy::wheel::Wheel;
use crate::run_directory::RunDirectory;

/// Names that Chromium goes by.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
/// What keeps it from speaking to anybody of its own accord.
const ARGUMENTS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
];
/// How long it may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// axe-core, as somebody else's wheel brings it along.
const AXE: Wheel = Wheel {
    what: "axe-core (wheel axe-playwright-python, 160 kB)",
    folder: "axe-playwright-python-0.1.8",
    requirement: "axe-playwright-python==0.1.8 \
        --hash=sha256:fdd263c998388f1a8e67cad02677e612d946248bd44d163be5e8650ea31f95f8\n",
    program: "axe_playwright_python/axe.min.js",
    tools: None,
};

/// The program: `$MESHWHY_CHROMIUM`, one on the path, or Debian's package, which is installed where this may be done.
///
/// # Errors
/// There is none, and none can be had.
pub fn chromium() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("MESHWHY_CHROMIUM") {
        return Ok(named.into());
    }
    let found = || NAMES.iter().find_map(|name| on_path(name));
    if let Some(program) = found() {
        return Ok(program);
    }
    let apt = on_path("apt-get").context("there is no `chromium` on the path and no apt-get to install Debian's")?;
    eprintln!("installing Debian's chromium");
    let install = || run(Command::new(&apt).args(["--quiet=2", "--yes", "install", "--no-install-recommends", "chromium"]));
    if install().is_err() {
        // A new machine has no list of packages. Without the right to fetch it, the reason of the second attempt counts.
        let _ = run(Command::new(&apt).args(["--quiet=2", "update"]));
        install().context("apt-get cannot install chromium")?;
    }
    found().context("Debian's package has no `chromium`")
}

/// The source of axe-core.
///
/// # Errors
/// It is not there and cannot be fetched.
pub fn axe() -> Result<String> {
    let path = AXE.fetch()?;
    fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
}

/// A browser with a profile of its own, ended when this is dropped.
#[derive(Debug)]
pub struct Chromium {
    // Fields are dropped in this order: the process has to be gone before its profile is.
    _process: Owned,
    profile: RunDirectory,
    address: String,
}

impl Chromium {
    /// Starts one.
    ///
    /// # Errors
    /// It does not start, or not in time.
    pub fn start(program: &Path) -> Result<Self> {
        let profile = RunDirectory::new("chromium")?;
        let process = watched(program)
            .args(ARGUMENTS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let process = Owned::new(process);
        // Port, then the path of the browser's own socket.
        let (written, begin) = (profile.path().join("DevToolsActivePort"), Instant::now());
        loop {
            let text = fs::read_to_string(&written).unwrap_or_default();
            if let Some((port, path)) = text.trim_end().split_once('\n') {
                let address = format!("127.0.0.1:{port}{path}");
                return Ok(Self { _process: process, profile, address });
            }
            if begin.elapsed() > PATIENCE {
                bail!("{} says nothing of its DevTools", program.display());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Where its DevTools listen: host, port and path.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// A directory that is gone with it.
    pub fn directory(&self) -> &Path {
        self.profile.path()
    }
}
