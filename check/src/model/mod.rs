//! Manifests as what they configure: typed views over nodes. A getter gives the node, so that whatever is read has its place.

mod authorization_policy;
mod config_dump;
mod destination_rule;
mod duration;
mod envoy_filter;
mod gateway;
mod injector;
mod kind;
mod labels;
mod metadata;
mod policy;
mod resource;
mod service;
mod service_entry;
mod shadow;
mod subject;
mod virtual_service;
mod webhook;
mod workload;

pub use authorization_policy::{AuthorizationPolicy, PolicyAction, PolicyCondition, PolicyRule};
pub use config_dump::{ConfigDump, RefusedUpdate, TrafficContext, Warming, WarmingKind};
pub use destination_rule::{DestinationRule, TlsMode, TlsSettings, TrafficPolicy};
pub use duration::duration;
pub use envoy_filter::{ConfigPatch, EnvoyFilter};
pub use gateway::{Gateway, Server};
pub use injector::Injector;
pub use kind::ResourceKind;
pub use labels::{Labels, is_given_to_pods, selects};
pub use metadata::Metadata;
pub use policy::{MtlsMode, PeerAuthentication};
pub use resource::{DEFAULT_NAMESPACE, Resource, ResourceName};
pub use service::{Service, ServicePort};
pub use service_entry::ServiceEntry;
pub use shadow::{Shadow, shadows};
pub use subject::Subject;
pub use virtual_service::{Destination, Route, RouteProtocol, VirtualService, gateway_name};
pub use webhook::Webhook;
pub use workload::{Container, PROXY_CONTAINER, Workload};

/// What a port speaks, as Istio reads `appProtocol`, a port's name, or the `protocol` of a Gateway's or ServiceEntry's port: see
/// `pkg/config/protocol/instance.go`, 1.30.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/1.1.
    Http,
    /// HTTP/2 without TLS, gRPC included.
    Http2,
    /// HTTP inside TLS that the application or a gateway speaks.
    Https,
    /// TLS with anything inside.
    Tls,
    /// Bytes, and protocols that are treated as such.
    Tcp,
    /// Not carried by a proxy's TCP listeners.
    Udp,
}

impl Protocol {
    /// The protocol that a word names, in any case; `None` for a word that Istio does not know.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "http" | "http_proxy" | "kubernetes.io/ws" => Self::Http,
            "http2" | "grpc" | "grpc-web" | "grpc-web-text" | "kubernetes.io/h2c" => Self::Http2,
            "https" | "hbone" | "kubernetes.io/wss" => Self::Https,
            "tls" => Self::Tls,
            "tcp" | "mongo" | "redis" | "mysql" => Self::Tcp,
            "udp" => Self::Udp,
            _ => return None,
        })
    }

    /// The protocol that a port's name declares: up to the first `-`, or `grpc-web` before another.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        if name.starts_with("grpc-web") {
            return Some(Self::Http2);
        }
        Self::parse(name.split('-').next().unwrap_or(name))
    }

    /// Whether HTTP rules apply to it.
    #[must_use]
    pub const fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Http2)
    }

    /// Whether bytes that a client sends there are TLS.
    #[must_use]
    pub const fn is_tls(self) -> bool {
        matches!(self, Self::Https | Self::Tls)
    }
}
