//! Which cluster, and what of it.

use std::path::PathBuf;

use clap::Args;
use meshwhy_cluster::{Access, Namespaces, Selection, Subject};

/// The way to a cluster, as for kubectl.
#[derive(Debug, Args)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct ConnectionArgs {
    /// Context of the kubeconfig to use
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// Kubeconfig to use [default: $KUBECONFIG, ~/.kube/config, or the pod's own ServiceAccount]
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
}

/// A cluster with Istio.
#[derive(Debug, Args)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct AccessArgs {
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    /// Namespace of istiod
    #[arg(long, value_name = "NAMESPACE", default_value = "istio-system")]
    pub(crate) istio_namespace: String,
}

/// What of a cluster is read.
#[derive(Debug, Args)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct ClusterArgs {
    /// Read the proxies of this namespace of the cluster
    #[arg(long, short, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// Read the proxies of all namespaces
    #[arg(long, short = 'A', conflicts_with = "namespace")]
    pub(crate) all_namespaces: bool,
    /// Only pods with these labels
    #[arg(long, short = 'l', value_name = "LABELS")]
    pub(crate) selector: Option<String>,
    /// Read what the containers wrote before they were started anew
    #[arg(long, conflicts_with = "follow")]
    pub(crate) previous: bool,
    /// Also ask the proxies themselves: configuration, endpoints, certificates, counters (needs the right to forward ports)
    #[arg(long)]
    pub(crate) deep: bool,
    /// Keep all that was collected in this archive (.tgz), which every command reads later
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    /// Most logs that are read at once
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) max_log_requests: u16,
    #[command(flatten)]
    pub(crate) access: AccessArgs,
}

impl ConnectionArgs {
    pub(crate) fn is_given(&self) -> bool {
        self.context.is_some() || self.kubeconfig.is_some()
    }

    pub(crate) fn access(&self) -> Access {
        Access { kubeconfig: self.kubeconfig.clone(), context: self.context.clone() }
    }
}

impl ClusterArgs {
    /// Whether a cluster is meant, and not files.
    pub(crate) fn is_given(&self) -> bool {
        self.namespace.is_some()
            || self.all_namespaces
            || self.selector.is_some()
            || self.previous
            || self.deep
            || self.save.is_some()
            || self.access.connection.is_given()
    }

    pub(crate) fn selection(&self, subjects: Vec<Subject>) -> Selection {
        let namespaces = match &self.namespace {
            Some(name) => Namespaces::One(name.clone()),
            None if self.all_namespaces => Namespaces::All,
            None => Namespaces::Current,
        };
        Selection { subjects, namespaces, labels: self.selector.clone() }
    }
}
