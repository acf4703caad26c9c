//! Listeners and what stands in them.

use serde::Deserialize;

use super::RouteConfiguration;
use crate::proto_json::{Any, Text};

/// `envoy.config.listener.v3.Listener`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ListenerConfig<'a> {
    /// Its name, such as `0.0.0.0_8080` or `virtualInbound`.
    #[serde(borrow, default)]
    pub name: Text<'a>,
    #[serde(borrow, default)]
    address: Address<'a>,
    #[serde(borrow, default)]
    additional_addresses: Vec<AdditionalAddress<'a>>,
    /// What it can do with a connection.
    #[serde(borrow, default)]
    pub filter_chains: Vec<FilterChain<'a>>,
    /// What it does where no chain matches.
    #[serde(borrow, default)]
    pub default_filter_chain: Option<FilterChain<'a>>,
    /// Chooses a chain in another way.
    #[serde(borrow, default)]
    pub filter_chain_matcher: Option<Any<'a>>,
    /// What looks at a connection before a chain is chosen.
    #[serde(borrow, default)]
    pub listener_filters: Vec<Filter<'a>>,
    /// `INBOUND`, `OUTBOUND` or empty.
    #[serde(borrow, default)]
    pub traffic_direction: Text<'a>,
    /// Whether connections go to the listener of their original destination.
    #[serde(default)]
    pub use_original_dst: bool,
    /// `false` where it has no socket of its own, and gets connections from another listener.
    #[serde(default)]
    pub bind_to_port: Option<bool>,
    /// Logs of connections.
    #[serde(borrow, default)]
    pub access_log: Vec<Filter<'a>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Address<'a> {
    #[serde(borrow, default)]
    socket_address: Option<SocketAddress<'a>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct AdditionalAddress<'a> {
    #[serde(borrow, default)]
    address: Address<'a>,
}

/// `envoy.config.core.v3.SocketAddress`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct SocketAddress<'a> {
    /// The IP address.
    #[serde(borrow, default)]
    pub address: Text<'a>,
    /// The port.
    #[serde(default)]
    pub port_value: u16,
}

/// `envoy.config.listener.v3.FilterChain`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct FilterChain<'a> {
    /// Its name.
    #[serde(borrow, default)]
    pub name: Text<'a>,
    /// The connections that it is for.
    #[serde(borrow, default)]
    pub filter_chain_match: FilterChainMatch<'a>,
    /// What it does with them.
    #[serde(borrow, default)]
    pub filters: Vec<Filter<'a>>,
    /// TLS, where it terminates that.
    #[serde(borrow, default)]
    pub transport_socket: Option<Filter<'a>>,
}

/// `envoy.config.listener.v3.FilterChainMatch`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct FilterChainMatch<'a> {
    /// The port that was connected to.
    #[serde(default)]
    pub destination_port: Option<u16>,
    /// The addresses that were connected to.
    #[serde(borrow, default)]
    pub prefix_ranges: Vec<CidrRange<'a>>,
    /// Names of servers in the client's hello.
    #[serde(borrow, default)]
    pub server_names: Vec<Text<'a>>,
    /// `tls` or `raw_buffer`.
    #[serde(borrow, default)]
    pub transport_protocol: Text<'a>,
    /// ALPN, or what the HTTP inspector saw.
    #[serde(borrow, default)]
    pub application_protocols: Vec<Text<'a>>,
    /// Addresses of who connected directly.
    #[serde(borrow, default)]
    pub direct_source_prefix_ranges: Vec<CidrRange<'a>>,
    /// `SAME_IP_OR_LOOPBACK` or `EXTERNAL`.
    #[serde(borrow, default)]
    pub source_type: Text<'a>,
    /// Addresses of clients.
    #[serde(borrow, default)]
    pub source_prefix_ranges: Vec<CidrRange<'a>>,
    /// Ports of clients.
    #[serde(default)]
    pub source_ports: Vec<u16>,
}

/// `envoy.config.core.v3.CidrRange`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct CidrRange<'a> {
    /// An address.
    #[serde(borrow, default)]
    pub address_prefix: Text<'a>,
    /// Leading bits that count.
    #[serde(default)]
    pub prefix_len: u8,
}

/// A filter, a logger or a transport socket: a name and its configuration.
#[derive(Debug, Clone, Deserialize)]
pub struct Filter<'a> {
    /// The name.
    #[serde(borrow, default)]
    pub name: Text<'a>,
    /// The configuration.
    #[serde(borrow, default)]
    pub typed_config: Option<Any<'a>>,
    /// Where the configuration is delivered by discovery.
    #[serde(borrow, default)]
    pub config_discovery: Option<Any<'a>>,
    /// Whether it is switched off.
    #[serde(default)]
    pub disabled: bool,
    /// Of a logger: what it logs.
    #[serde(borrow, default)]
    pub filter: Option<Any<'a>>,
}

/// `envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct HttpConnectionManager<'a> {
    /// The route table that is delivered by discovery.
    #[serde(borrow, default)]
    pub rds: Option<Rds<'a>>,
    /// The route table that stands here.
    #[serde(borrow, default)]
    pub route_config: Option<RouteConfiguration<'a>>,
    /// Several tables, one of which a key of the request chooses.
    #[serde(borrow, default)]
    pub scoped_routes: Option<Any<'a>>,
    /// HTTP filters in their order.
    #[serde(borrow, default)]
    pub http_filters: Vec<Filter<'a>>,
    /// Logs of requests.
    #[serde(borrow, default)]
    pub access_log: Vec<Filter<'a>>,
    /// What it makes of its own replies.
    #[serde(borrow, default)]
    pub local_reply_config: Option<Any<'a>>,
    /// How it traces.
    #[serde(borrow, default)]
    pub tracing: Option<Any<'a>>,
    /// Whether `.`, `..` and such are resolved in paths.
    #[serde(default)]
    pub normalize_path: bool,
    /// Whether `//` is `/`.
    #[serde(default)]
    pub merge_slashes: bool,
    /// What is done about `%2F` and `%5C`.
    #[serde(borrow, default)]
    pub path_with_escaped_slashes_action: Text<'a>,
    /// Whether the listener's port is taken off the authority.
    #[serde(default)]
    pub strip_matching_host_port: bool,
    /// Whether any port is taken off the authority.
    #[serde(default)]
    pub strip_any_host_port: bool,
    /// Whether a dot at the end is taken off the authority.
    #[serde(default)]
    pub strip_trailing_host_dot: bool,
}

/// `envoy.extensions.filters.network.http_connection_manager.v3.Rds`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Rds<'a> {
    /// The name of the table.
    #[serde(borrow, default)]
    pub route_config_name: Text<'a>,
}

/// `envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct TcpProxy<'a> {
    /// The cluster that connections go to.
    #[serde(borrow, default)]
    pub cluster: Text<'a>,
    /// The clusters that share them.
    #[serde(borrow, default)]
    pub weighted_clusters: Option<super::WeightedClusters<'a>>,
    /// Logs of connections.
    #[serde(borrow, default)]
    pub access_log: Vec<Filter<'a>>,
}

impl<'a> ListenerConfig<'a> {
    /// Where it listens, the additional addresses too.
    pub fn addresses(&self) -> impl Iterator<Item = &SocketAddress<'a>> {
        let additional = self.additional_addresses.iter().map(|additional| &additional.address);
        std::iter::once(&self.address).chain(additional).filter_map(|address| address.socket_address.as_ref())
    }

    /// Whether it is for traffic that comes to the workload.
    #[must_use]
    pub fn is_inbound(&self) -> bool {
        &*self.traffic_direction == "INBOUND" || &*self.name == "virtualInbound"
    }

    /// All its chains, the default one last.
    pub fn chains(&self) -> impl Iterator<Item = &FilterChain<'a>> {
        self.filter_chains.iter().chain(&self.default_filter_chain)
    }

    /// Whether a listener filter of this type looks at connections.
    #[must_use]
    pub fn inspects(&self, kind: &str) -> bool {
        self.listener_filters.iter().any(|filter| filter.is(kind))
    }
}

impl<'a> FilterChain<'a> {
    /// Its HTTP connection manager.
    #[must_use]
    pub fn connection_manager(&self) -> Option<Result<HttpConnectionManager<'a>, serde_json::Error>> {
        self.configuration(".HttpConnectionManager")
    }

    /// Its TCP proxy.
    #[must_use]
    pub fn tcp_proxy(&self) -> Option<Result<TcpProxy<'a>, serde_json::Error>> {
        self.configuration(".TcpProxy")
    }

    fn configuration<T: Deserialize<'a>>(&self, kind: &str) -> Option<Result<T, serde_json::Error>> {
        self.filters.iter().find(|filter| filter.is(kind))?.typed_config.map(Any::decode)
    }
}

impl Filter<'_> {
    /// Whether its configuration is of the type of this name.
    #[must_use]
    pub fn is(&self, kind: &str) -> bool {
        self.typed_config.is_some_and(|config| config.is(kind))
    }
}
