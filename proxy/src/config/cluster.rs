//! Clusters and their endpoints.

use serde::Deserialize;

use super::listener::{Filter, SocketAddress};
use crate::proto_json::{Any, Object, Text};

/// `envoy.config.cluster.v3.Cluster`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Cluster<'a> {
    /// Its name.
    #[serde(borrow, default)]
    pub name: Text<'a>,
    /// How endpoints are found: `STATIC` where it says nothing, `STRICT_DNS`, `LOGICAL_DNS`, `EDS` or `ORIGINAL_DST`.
    #[serde(borrow, default, rename = "type")]
    pub kind: Text<'a>,
    /// How endpoints are found, by an extension.
    #[serde(borrow, default)]
    pub cluster_type: Option<Any<'a>>,
    /// Endpoints that stand in it.
    #[serde(borrow, default)]
    pub load_assignment: Option<ClusterLoadAssignment<'a>>,
    /// Istio says there which DestinationRule it follows.
    #[serde(borrow, default)]
    pub metadata: super::Metadata<'a>,
    /// Limits.
    #[serde(borrow, default)]
    pub circuit_breakers: CircuitBreakers<'a>,
    #[serde(borrow, default)]
    common_lb_config: CommonLbConfig<'a>,
    /// TLS to all endpoints.
    #[serde(borrow, default)]
    pub transport_socket: Option<Filter<'a>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct CommonLbConfig<'a> {
    #[serde(borrow, default)]
    healthy_panic_threshold: Option<Object<'a>>,
}

impl Cluster<'_> {
    /// Whether Envoy sends to unhealthy endpoints, too, once fewer than a share of them are healthy; half unless Istio says 0.
    #[must_use]
    pub fn panics(&self) -> bool {
        let threshold = self.common_lb_config.healthy_panic_threshold.as_ref();
        threshold.is_none_or(|threshold| threshold.read::<f64>("value").unwrap_or_default() > 0.0)
    }
}

/// `envoy.config.cluster.v3.CircuitBreakers`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct CircuitBreakers<'a> {
    /// One set of limits for each priority.
    #[serde(borrow, default)]
    pub thresholds: Vec<Thresholds<'a>>,
}

/// Limits of requests of one priority. What is not set is 1024, retries 3.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Thresholds<'a> {
    /// `DEFAULT` where it says nothing, or `HIGH`.
    #[serde(borrow, default)]
    pub priority: Text<'a>,
    /// Connections.
    #[serde(default)]
    pub max_connections: Option<u32>,
    /// Requests that wait for a connection.
    #[serde(default)]
    pub max_pending_requests: Option<u32>,
    /// Requests at once.
    #[serde(default)]
    pub max_requests: Option<u32>,
    /// Retries at once.
    #[serde(default)]
    pub max_retries: Option<u32>,
}

/// `envoy.config.endpoint.v3.ClusterLoadAssignment`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ClusterLoadAssignment<'a> {
    /// Endpoints by locality and priority.
    #[serde(borrow, default)]
    pub endpoints: Vec<LocalityLbEndpoints<'a>>,
}

/// `envoy.config.endpoint.v3.LocalityLbEndpoints`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct LocalityLbEndpoints<'a> {
    /// Where they are.
    #[serde(borrow, default)]
    pub locality: Locality<'a>,
    /// 0 is used first.
    #[serde(default)]
    pub priority: u32,
    /// They.
    #[serde(borrow, default)]
    pub lb_endpoints: Vec<LbEndpoint<'a>>,
}

/// `envoy.config.core.v3.Locality`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Locality<'a> {
    /// The region.
    #[serde(borrow, default)]
    pub region: Text<'a>,
    /// The zone.
    #[serde(borrow, default)]
    pub zone: Text<'a>,
    /// The part of the zone.
    #[serde(borrow, default)]
    pub sub_zone: Text<'a>,
}

/// `envoy.config.endpoint.v3.LbEndpoint`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct LbEndpoint<'a> {
    #[serde(borrow, default)]
    endpoint: Endpoint<'a>,
    /// `HEALTHY`, `UNHEALTHY`, `DRAINING`, `TIMEOUT`, `DEGRADED` or empty.
    #[serde(borrow, default)]
    pub health_status: Text<'a>,
    /// Its weight.
    #[serde(default)]
    pub load_balancing_weight: Option<u32>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Endpoint<'a> {
    #[serde(borrow, default)]
    address: EndpointAddress<'a>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct EndpointAddress<'a> {
    #[serde(borrow, default)]
    socket_address: Option<SocketAddress<'a>>,
    #[serde(borrow, default)]
    pipe: Option<Pipe<'a>>,
    #[serde(borrow, default)]
    envoy_internal_address: Option<InternalAddress<'a>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Pipe<'a> {
    #[serde(borrow, default)]
    path: Text<'a>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct InternalAddress<'a> {
    #[serde(borrow, default)]
    server_listener_name: Text<'a>,
    #[serde(borrow, default)]
    endpoint_id: Text<'a>,
}

impl LbEndpoint<'_> {
    /// Its address, as `/clusters` writes it.
    #[must_use]
    pub fn address(&self) -> String {
        self.endpoint.address.shown()
    }
}

impl EndpointAddress<'_> {
    pub(crate) fn shown(&self) -> String {
        match (&self.socket_address, &self.pipe, &self.envoy_internal_address) {
            (Some(socket), ..) if socket.address.contains(':') => format!("[{}]:{}", &*socket.address, socket.port_value),
            (Some(socket), ..) => format!("{}:{}", &*socket.address, socket.port_value),
            (None, Some(pipe), _) => pipe.path.to_string(),
            (None, None, Some(internal)) => {
                format!("envoy://{}/{}", &*internal.server_listener_name, &*internal.endpoint_id)
            }
            (None, None, None) => String::new(),
        }
    }
}

impl Locality<'_> {
    /// `REGION/ZONE/SUBZONE`, empty where nothing is known.
    #[must_use]
    pub fn shown(&self) -> String {
        let parts = [&*self.region, &*self.zone, &*self.sub_zone];
        let known = parts.iter().rposition(|part| !part.is_empty()).map_or(0, |last| last + 1);
        parts.get(..known).unwrap_or_default().join("/")
    }
}
