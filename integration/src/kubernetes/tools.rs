//! A real API server, what it stores its objects in, and what stands in for the kubelets: built or fetched once, in the user's cache.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::artifacts::workspace;
use crate::debian::{moved, program};
use crate::envoy::func_e::go;
use crate::envoy::locate::run;
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
            etcd: program("etcd", "etcd-server").map_err(|error| missing("etcd", error))?,
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
