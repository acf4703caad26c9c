//! A browser, and the page as `meshwhy web` serves it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};
use meshwhy_integration::browser::{Chromium, Tab};
use meshwhy_integration::children::{Owned, watched};

/// The program that is tested.
pub(crate) const MESHWHY: &str = env!("CARGO_BIN_EXE_meshwhy");

/// What a test has.
pub(crate) struct Setup {
    pub(crate) browser: Chromium,
    pub(crate) server: Server,
}

/// `meshwhy web`, ended when this is dropped.
pub(crate) struct Server {
    _process: Owned,
    pub(crate) address: String,
}

impl Setup {
    pub(crate) fn new(program: &Path) -> Result<Self> {
        Ok(Self { browser: Chromium::start(program)?, server: Server::start()? })
    }

    /// The page, as a reader of this language finds it.
    pub(crate) fn page(&self, language: &str) -> Result<Tab> {
        let mut tab = Tab::open(&self.browser, language)?;
        tab.go(&self.server.address)?;
        Ok(tab)
    }
}

impl Server {
    pub(crate) fn start() -> Result<Self> {
        let mut child = watched(Path::new(MESHWHY)).arg("web").stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut address)?;
        }
        ensure!(address.starts_with("http://127.0.0.1:"), "no page in {MESHWHY}: `cargo xtask test` builds it with one");
        Ok(Self { _process: Owned::new(child), address: address.trim().to_owned() })
    }
}

/// Puts a text into the page, and waits until it is explained.
pub(crate) fn explained(tab: &mut Tab, text: &str) -> Result<String> {
    tab.value("(() => { const text = document.getElementById('text'); text.value = ''; text.focus(); document.getElementById('status').dataset.state = ''; })()")?;
    tab.write(text)?;
    settled(tab)
}

/// Waits until the page has its answer, and gives the text of it.
pub(crate) fn settled(tab: &mut Tab) -> Result<String> {
    tab.wait("document.getElementById('status').dataset.state === 'done'")?;
    Ok(tab.value("document.getElementById('answer').innerText")?.as_str().unwrap_or_default().to_owned())
}

/// What the command line says.
pub(crate) fn said(arguments: &[&str]) -> Result<String> {
    let output = Command::new(MESHWHY).args(arguments).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A file for a test.
pub(crate) fn file(setup: &Setup, name: &str, bytes: &[u8]) -> Result<String> {
    let path = setup.browser.directory().join(name);
    fs::write(&path, bytes)?;
    Ok(path.display().to_string())
}
