//! Which Prometheus, and how to be let in.

use std::path::PathBuf;

use clap::Args;

/// A server that answers PromQL: Prometheus, Thanos, Mimir, VictoriaMetrics.
#[derive(Debug, Args)]
#[command(next_help_heading = "Prometheus")]
pub(crate) struct PrometheusArgs {
    /// Ask this Prometheus where to look first, by cause, target and workload, instead of reading logs: of the last hour, or since --since
    #[arg(long = "prometheus", value_name = "URL", conflicts_with_all = ["files", "follow", "namespace", "all_namespaces", "selector", "previous", "deep", "save", "paths", "log_format", "outputs", "until", "context", "kubeconfig"])]
    pub(crate) url: Option<String>,
    /// A header for it, `NAME: VALUE`, such as `Authorization: Bearer …`; may be repeated. Values are never printed
    #[arg(long = "prometheus-header", value_name = "HEADER", requires = "url")]
    pub(crate) headers: Vec<String>,
    /// Trust these authorities alone (PEM) [default: those of this machine]
    #[arg(long = "prometheus-cacert", value_name = "FILE", requires = "url")]
    pub(crate) cacert: Option<PathBuf>,
}
