//! A real API server, what it stores its objects in, and what stands in for the kubelets: built or fetched once, in the user's cache.

use std::env;
use std::path::PathBuf;

use anyhow::Result;

use crate::debian::program;
use crate::go_module::built;

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
                None => built("kubernetes/apiserver", "kube-apiserver-1.34.1", "k8s.io/kubernetes/cmd/kube-apiserver")
                    .map_err(|error| missing("kube-apiserver", error))?,
            },
            kwok: built("kubernetes/kwok", "kwok-0.7.0", "sigs.k8s.io/kwok/cmd/kwok").map_err(|error| missing("kwok", error))?,
            etcd: program("etcd", "etcd-server").map_err(|error| missing("etcd", error))?,
        })
    }
}
