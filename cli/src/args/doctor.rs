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
    /// File with the proxy's `/server_info`
    #[arg(long, value_name = "FILE")]
    pub(crate) server_info: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
