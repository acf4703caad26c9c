//! Programs of Debian's packages: fetched once through `apt-get`, unpacked in the user's cache, installed nowhere.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::envoy::locate::{on_path, run};
use crate::envoy::wheel::cache;
use crate::run_directory::RunDirectory;

/// The program of this name on the path, else that of Debian's package. Safe against others doing the same.
///
/// # Errors
/// There is no `apt-get`, or it cannot fetch the package; the message says which.
pub fn program(name: &str, package: &str) -> Result<PathBuf> {
    if let Some(program) = on_path(name) {
        return Ok(program);
    }
    let tools = cache().context("there is no cache to put tools into")?;
    let home = tools.join(package);
    let program = home.join("usr/bin").join(name);
    if program.is_file() {
        return Ok(program);
    }
    let apt = on_path("apt-get").with_context(|| format!("there is no `{name}` on the path and no apt-get to fetch Debian's"))?;
    let work = RunDirectory::within(&tools, "fetching")?;
    let download = || run(Command::new(&apt).current_dir(work.path()).args(["--quiet=2", "download", package]));
    if download().is_err() {
        // A new machine has no list of packages. Without the right to fetch it, the reason of the second attempt counts.
        let _ = run(Command::new(&apt).args(["--quiet=2", "update"]));
        download()?;
    }
    let archive = fs::read_dir(work.path())?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .context("apt-get downloaded no package")?;
    let unpacked = work.path().join("unpacked");
    run(Command::new("dpkg-deb").arg("--extract").arg(archive).arg(&unpacked))?;
    moved(&unpacked, &home)?;
    ensure!(program.is_file(), "Debian's {package} has no {name}");
    Ok(program)
}

/// Moves what is complete to where everybody looks for it; somebody else may have been faster.
pub(crate) fn moved(from: &Path, to: &Path) -> Result<()> {
    if let Err(error) = fs::rename(from, to) {
        ensure!(to.exists(), "moving {} to {}: {error}", from.display(), to.display());
    }
    Ok(())
}
