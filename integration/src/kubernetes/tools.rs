//! A real API server, what it stores its objects in, and what stands in for the kubelets: built or fetched once, in the user's cache.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::artifacts::workspace;
use crate::envoy::func_e::go;
use crate::envoy::locate::{on_path, run};
use crate::envoy::wheel::cache;
use crate::run_directory::RunDirectory;

/// The programs of a control plane.
#[derive(Debug, Clone)]
pub(super) struct Tools {
    /// `kube-apiserver` of Kubernetes 1.34.1, or the one that `$MESHWHY_KUBE_APISERVER` names.
    pub(super) api_server: PathBuf,
    /// `kwok` 0.7.0: pods that run nothing, with logs from files.
    pub(super) kwok: PathBuf,
    /// `etcd` of Debian.
    pub(super) etcd: PathBuf,
}

impl Tools {
    /// Finds them, and builds or fetches what is missing; says why where that is impossible.
    pub(super) fn get() -> Result<Self, String> {
        let missing = |what: &str, error: anyhow::Error| format!("{what} cannot be had ({error:#})");
        Ok(Self {
            api_server: match env::var_os("MESHWHY_KUBE_APISERVER") {
                Some(program) => program.into(),
                None => built("apiserver", "kube-apiserver-1.34.1", "k8s.io/kubernetes/cmd/kube-apiserver")
                    .map_err(|error| missing("kube-apiserver", error))?,
            },
            kwok: built("kwok", "kwok-0.7.0", "sigs.k8s.io/kwok/cmd/kwok").map_err(|error| missing("kwok", error))?,
            etcd: etcd().map_err(|error| missing("etcd", error))?,
        })
    }
}

/// A program built from the Go module `integration/kubernetes/MODULE`, whose `go.sum` pins all of it.
fn built(module: &str, name: &str, package: &str) -> Result<PathBuf> {
    let tools = cache().context("there is no cache to put tools into")?;
    let program = tools.join(name);
    if program.is_file() {
        return Ok(program);
    }
    let go = go().context("there is no `go`, and none could be fetched")?;
    eprintln!("building {name}: some minutes, once");
    let work = RunDirectory::within(&tools, "building")?;
    let output = work.path().join(name);
    run(Command::new(go)
        .current_dir(workspace().join("integration/kubernetes").join(module))
        .args(["build", "-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags=-s -w", "-o"])
        .arg(&output)
        .arg(package))?;
    moved(&output, &program)?;
    Ok(program)
}

/// `etcd` on the path, else that of Debian's package, unpacked.
fn etcd() -> Result<PathBuf> {
    if let Some(etcd) = on_path("etcd") {
        return Ok(etcd);
    }
    let tools = cache().context("there is no cache to put tools into")?;
    let home = tools.join("etcd-server");
    let program = home.join("usr/bin/etcd");
    if program.is_file() {
        return Ok(program);
    }
    let apt = on_path("apt-get").context("there is no `etcd` on the path and no apt-get to fetch Debian's")?;
    let work = RunDirectory::within(&tools, "fetching")?;
    let download = || run(Command::new(&apt).current_dir(work.path()).args(["--quiet=2", "download", "etcd-server"]));
    if download().is_err() {
        // A new machine has no list of packages. Without the right to fetch it, the reason of the second attempt counts.
        let _ = run(Command::new(&apt).args(["--quiet=2", "update"]));
        download()?;
    }
    let package = fs::read_dir(work.path())?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .context("apt-get downloaded no package")?;
    let unpacked = work.path().join("unpacked");
    run(Command::new("dpkg-deb").arg("--extract").arg(package).arg(&unpacked))?;
    moved(&unpacked, &home)?;
    Ok(program)
}

/// Moves what is complete to where everybody looks for it; somebody else may have been faster.
fn moved(from: &Path, to: &Path) -> Result<()> {
    if let Err(error) = fs::rename(from, to) {
        ensure!(to.exists(), "moving {} to {}: {error}", from.display(), to.display());
    }
    Ok(())
}
