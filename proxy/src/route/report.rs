//! The answer to "where would this request go", for renderers.

use serde::Serialize;

use crate::matching::Truth;

/// Where a request would go, and what it just missed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct RouteReport {
    /// `POD.NAMESPACE` of the proxy, where it is one of Istio's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// When the proxy last took an update, as RFC 3339 writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_updated: Option<String>,
    /// Method and URL.
    pub request: String,
    /// How it ends.
    pub outcome: Outcome,
    /// The status that the proxy itself answers with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How it ends, in one sentence.
    pub headline: String,
    /// The way through the proxy.
    pub steps: Vec<Step>,
    /// Where it goes; several where they share the requests.
    pub destinations: Vec<ReportedDestination>,
    /// Virtual hosts of the route table that do not have the authority, the nearest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub near_hosts: Vec<ReportedHost>,
    /// Routes of the virtual host that do not match, the nearest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub near_routes: Vec<ReportedRoute>,
    /// Policies of the filter that refuses the request because none of them matches, or perhaps none, the nearest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub near_policies: Vec<ReportedPolicy>,
    /// What was assumed, and what may be otherwise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// Parts of the input that could not be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<String>,
}

/// How a request ends in a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is sent on.
    Forwarded,
    /// It is sent on as a stream of bytes: this proxy sees no HTTP in it.
    ForwardedAsTcp,
    /// The proxy answers as its configuration says.
    Answered,
    /// The proxy redirects the client.
    Redirected,
    /// The proxy refuses the request: its path is not allowed.
    Refused,
    /// No listener takes the connection.
    NoListener,
    /// No filter chain takes the connection.
    NoFilterChain,
    /// The client speaks plaintext where TLS is wanted, or the other way round.
    TlsMismatch,
    /// A policy refuses the request.
    Denied,
    /// The route table is not there.
    NoRouteTable,
    /// No virtual host has the authority.
    NoVirtualHost,
    /// No route matches.
    NoRoute,
    /// The cluster is not there.
    NoCluster,
    /// No endpoint of the cluster is to be used.
    NoEndpoint,
    /// It depends on what is not known.
    Unknown,
}

/// A step of the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Step {
    /// Which.
    pub step: StepKind,
    /// Whether it is passed.
    pub passed: Truth,
    /// What takes the request there; empty where nothing does.
    pub name: String,
    /// Why.
    pub detail: String,
}

/// The steps of the way, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum StepKind {
    /// The listener.
    Listener,
    /// Its filter chain.
    FilterChain,
    /// A filter with authorization policies.
    Policies,
    /// The route table.
    RouteTable,
    /// The virtual host.
    VirtualHost,
    /// The route.
    Route,
}

/// A cluster that requests go to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct ReportedDestination {
    /// Its name.
    pub cluster: String,
    /// Its share of the requests, of `weight_total`.
    pub weight: u32,
    /// The sum of all shares.
    pub weight_total: u32,
    /// Whether a request that goes there gets to an endpoint.
    pub served: Truth,
    /// Why not, or what is known.
    pub detail: String,
    /// Its endpoints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<Vec<ReportedEndpoint>>,
}

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct ReportedEndpoint {
    /// Its address.
    pub address: String,
    /// Whether Envoy sends requests to it.
    pub usable: bool,
    /// Why not, in Envoy's words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unhealthy: Vec<String>,
    /// 0 is used first.
    pub priority: u32,
    /// `REGION/ZONE/SUBZONE`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub locality: String,
    /// Its weight.
    pub weight: u32,
}

/// A virtual host that does not have the authority.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct ReportedHost {
    /// Its name.
    pub virtual_host: String,
    /// The nearest of its domains.
    pub domain: String,
    /// How the authority misses that.
    pub miss: super::DomainMiss,
    /// The same in words.
    pub detail: String,
}

/// A route that does not match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct ReportedRoute {
    /// Its number in the virtual host, from 1.
    pub number: usize,
    /// Its name; empty where it has none.
    pub name: String,
    /// The resource that it comes from, such as `VirtualService shop/pay`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Its conditions.
    pub conditions: Vec<ReportedCondition>,
}

/// A policy that does not match, or perhaps not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct ReportedPolicy {
    /// Its name in Envoy.
    pub name: String,
    /// The resource that it comes from and the number of the rule there, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The conditions that keep it from matching.
    pub conditions: Vec<ReportedCondition>,
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct ReportedCondition {
    /// Whether it holds.
    pub holds: Truth,
    /// What was wanted, and what the request has.
    pub detail: String,
}

impl RouteReport {
    /// Whether the request fails in this proxy.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        match self.outcome {
            Outcome::Forwarded | Outcome::ForwardedAsTcp | Outcome::Redirected | Outcome::Unknown => false,
            Outcome::Answered => self.status.is_some_and(|status| status >= 400),
            _ => true,
        }
    }
}
