//! `meshwhy doctor`.

use std::path::PathBuf;

use clap::Args;

use super::{OutputArgs, ProxyArgs};

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// A URL that this proxy should reach, such as http://reviews:9080/: also the way there, step by step
    #[arg(value_name = "URL")]
    pub(crate) destination: Option<String>,
    #[command(flatten)]
    pub(crate) proxy: ProxyArgs,
    /// File with the proxy's `/clusters`, as text or JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) clusters: Option<PathBuf>,
    /// File with the proxy's `/stats`, as text
    #[arg(long, value_name = "FILE")]
    pub(crate) stats: Option<PathBuf>,
    /// File with the proxy's `/certs`
    #[arg(long, value_name = "FILE")]
    pub(crate) certs: Option<PathBuf>,
    /// File with the proxy's `/server_info`
    #[arg(long, value_name = "FILE")]
    pub(crate) server_info: Option<PathBuf>,
    /// File with the proxy's own log: whether meshwhy's module loads, traps or is silent
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
    /// Files, folders or archives with manifests: which EnvoyFilters, VirtualServices, DestinationRules and AuthorizationPolicies have arrived
    #[arg(long, value_name = "PATH")]
    pub(crate) manifests: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
