//! Envoy's configuration, as much of it as answers need.
//!
//! Source: Envoy `api/envoy`, 1.40.

mod cluster;
mod listener;
mod route;

use serde::Deserialize;

pub(crate) use self::cluster::EndpointAddress;
pub use self::cluster::{CircuitBreakers, Cluster, ClusterLoadAssignment, LbEndpoint, Locality, LocalityLbEndpoints, Thresholds};
pub use self::listener::{
    CidrRange, Filter, FilterChain, FilterChainMatch, HttpConnectionManager, ListenerConfig, Rds, SocketAddress, TcpProxy,
};
pub use self::route::{
    DirectResponse, Metadata, RedirectAction, Route, RouteAction, RouteConfiguration, VirtualHost, WeightedCluster,
    WeightedClusters,
};

use crate::proto_json::{Any, Object, Text};

/// Whatever has a name.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Named<'a> {
    /// Its name.
    #[serde(borrow, default)]
    pub name: Text<'a>,
    /// The cluster that endpoints are of.
    #[serde(borrow, default)]
    pub cluster_name: Text<'a>,
}

/// What a proxy starts with.
#[derive(Debug, Clone, Deserialize)]
pub struct Bootstrap<'a> {
    /// Who it is.
    #[serde(borrow, default)]
    pub node: Node<'a>,
    /// How it traces, where that is not said per listener.
    #[serde(borrow, default)]
    pub tracing: Option<Any<'a>>,
    /// What runs beside the listeners.
    #[serde(borrow, default)]
    pub bootstrap_extensions: Vec<Filter<'a>>,
}

/// Who a proxy is.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Node<'a> {
    /// `KIND~IP~POD.NAMESPACE~DOMAIN` with Istio.
    #[serde(borrow, default)]
    pub id: Text<'a>,
    /// Its service.
    #[serde(borrow, default)]
    pub cluster: Text<'a>,
    #[serde(borrow, default)]
    user_agent_build_version: BuildVersion<'a>,
    /// What Istio's agent adds.
    #[serde(borrow, default)]
    pub metadata: NodeMetadata<'a>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct BuildVersion<'a> {
    #[serde(borrow, default)]
    version: Object<'a>,
}

impl Node<'_> {
    /// The minor version of its Envoy 1.x.
    #[must_use]
    pub fn envoy_minor(&self) -> Option<u32> {
        let version = &self.user_agent_build_version.version;
        (version.read::<u32>("major_number") == Some(1)).then(|| version.read("minor_number")).flatten()
    }
}

/// What Istio's agent says of a proxy.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct NodeMetadata<'a> {
    /// The version of the proxy.
    #[serde(borrow, default, rename = "ISTIO_VERSION")]
    pub istio_version: Text<'a>,
    /// Its namespace.
    #[serde(borrow, default, rename = "NAMESPACE")]
    pub namespace: Text<'a>,
    /// The labels of its Pod.
    #[serde(borrow, default, rename = "LABELS")]
    pub labels: Option<Object<'a>>,
    /// Its service account.
    #[serde(borrow, default, rename = "SERVICE_ACCOUNT")]
    pub service_account: Text<'a>,
}
