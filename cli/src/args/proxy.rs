//! Which proxy is asked, and where its answers come from.

use std::path::PathBuf;

use clap::Args;

use super::AccessArgs;

/// A proxy: its answers in files or an archive, or itself in a cluster.
#[derive(Debug, Args)]
pub(crate) struct ProxyArgs {
    /// File with the proxy's `/config_dump`, better with `?include_eds`, or an archive (`--save`, `istioctl bug-report`); `-` reads standard
    /// input
    #[arg(long, value_name = "FILE", required_unless_present = "proxy")]
    pub(crate) dump: Option<PathBuf>,
    /// The proxy itself, through the API server of a cluster, such as pay-7d9f-x2 or deploy/pay; or the pod in an archive
    #[arg(long, value_name = "[TYPE/]NAME")]
    pub(crate) proxy: Option<String>,
    /// The namespace of that proxy
    #[arg(long, short, value_name = "NAMESPACE", requires = "proxy")]
    pub(crate) namespace: Option<String>,
    #[command(flatten)]
    pub(crate) access: AccessArgs,
}
