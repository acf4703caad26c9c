//! `meshwhy route`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;

use super::{OutputArgs, ProxyArgs};

#[derive(Debug, Args)]
pub(crate) struct RouteArgs {
    /// What the client sends: the URL, and before it the method where that is not GET
    #[arg(value_names = ["METHOD", "URL"], num_args = 1..=2, required = true)]
    pub(crate) request: Vec<String>,
    #[command(flatten)]
    pub(crate) proxy: ProxyArgs,
    /// File with the proxy's `/clusters`, as text or JSON: how each endpoint is
    #[arg(long, value_name = "FILE")]
    pub(crate) clusters: Option<PathBuf>,
    /// A header of the request, as curl takes it; may be repeated. `Host` replaces the URL's
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE")]
    pub(crate) headers: Vec<String>,
    /// Port that the client connects to, where it is not the URL's: a gateway's own behind its Service
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// Address that the client connects to, where that decides the listener
    #[arg(long, value_name = "IP")]
    pub(crate) ip: Option<IpAddr>,
    /// Name of the server in the client's TLS hello, where it is not the URL's host
    #[arg(long, value_name = "NAME")]
    pub(crate) sni: Option<String>,
    /// Listener of this name, whatever the port
    #[arg(long, value_name = "NAME")]
    pub(crate) listener: Option<String>,
    /// The request comes to the workload of a sidecar, not from it
    #[arg(long)]
    pub(crate) inbound: bool,
    /// Identity in the client's mesh certificate, such as spiffe://cluster.local/ns/shop/sa/cart
    #[arg(long = "as", value_name = "PRINCIPAL")]
    pub(crate) principal: Option<String>,
    /// Address of the client
    #[arg(long, value_name = "IP")]
    pub(crate) source_ip: Option<IpAddr>,
    /// Show so many near misses
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) top: usize,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
