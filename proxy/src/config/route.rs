//! Route tables.

use serde::Deserialize;

use crate::proto_json::{Any, Integer, Object, Text};

/// `envoy.config.route.v3.RouteConfiguration`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct RouteConfiguration<'a> {
    /// Its name.
    #[serde(borrow, default)]
    pub name: Text<'a>,
    /// Virtual hosts in the order of the dump, which decides nothing.
    #[serde(borrow, default)]
    pub virtual_hosts: Vec<VirtualHost<'a>>,
    /// Where virtual hosts are delivered on demand.
    #[serde(borrow, default)]
    pub vhds: Option<Any<'a>>,
    /// Whether the port of the authority is overlooked.
    #[serde(default)]
    pub ignore_port_in_host_matching: bool,
    /// Whether `;key=value` in paths is overlooked.
    #[serde(default)]
    pub ignore_path_parameters_in_path_matching: bool,
    /// A header that stands for the authority.
    #[serde(borrow, default)]
    pub vhost_header: Text<'a>,
    /// What filters do otherwise for all of it, by their names.
    #[serde(borrow, default)]
    pub typed_per_filter_config: Object<'a>,
}

/// `envoy.config.route.v3.VirtualHost`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct VirtualHost<'a> {
    /// Its name.
    #[serde(borrow, default)]
    pub name: Text<'a>,
    /// Authorities that it is for.
    #[serde(borrow, default)]
    pub domains: Vec<Text<'a>>,
    /// Routes, of which the first that matches is taken.
    #[serde(borrow, default)]
    pub routes: Vec<Route<'a>>,
    /// A tree in the place of routes.
    #[serde(borrow, default)]
    pub matcher: Option<Any<'a>>,
    /// `ALL` or `EXTERNAL_ONLY` where plaintext is redirected to HTTPS.
    #[serde(borrow, default)]
    pub require_tls: Text<'a>,
    /// What filters do otherwise for it, by their names.
    #[serde(borrow, default)]
    pub typed_per_filter_config: Object<'a>,
}

/// `envoy.config.route.v3.Route`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Route<'a> {
    /// Its name.
    #[serde(borrow, default)]
    pub name: Text<'a>,
    /// The conditions, looked at field by field.
    #[serde(borrow, default, rename = "match")]
    pub conditions: Object<'a>,
    /// What is told of it beside; Istio says there which resource it comes from.
    #[serde(borrow, default)]
    pub metadata: Metadata<'a>,
    /// What filters do otherwise for it, by their names.
    #[serde(borrow, default)]
    pub typed_per_filter_config: Object<'a>,
    /// Sends on.
    #[serde(borrow, default)]
    pub route: Option<RouteAction<'a>>,
    /// Redirects.
    #[serde(borrow, default)]
    pub redirect: Option<RedirectAction<'a>>,
    /// Answers.
    #[serde(default)]
    pub direct_response: Option<DirectResponse>,
    /// Leaves it to a filter.
    #[serde(borrow, default)]
    pub filter_action: Option<Any<'a>>,
    /// Does nothing, for proxies that are no servers.
    #[serde(borrow, default)]
    pub non_forwarding_action: Option<Any<'a>>,
}

/// `envoy.config.core.v3.Metadata`, what Istio writes there.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Metadata<'a> {
    #[serde(borrow, default)]
    filter_metadata: FilterMetadata<'a>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct FilterMetadata<'a> {
    #[serde(borrow, default)]
    istio: Option<IstioMetadata<'a>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct IstioMetadata<'a> {
    #[serde(borrow, default)]
    config: Text<'a>,
}

/// `envoy.config.route.v3.RouteAction`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct RouteAction<'a> {
    /// The cluster.
    #[serde(borrow, default)]
    pub cluster: Option<Text<'a>>,
    /// The header with its name.
    #[serde(borrow, default)]
    pub cluster_header: Option<Text<'a>>,
    /// The clusters that share the requests.
    #[serde(borrow, default)]
    pub weighted_clusters: Option<WeightedClusters<'a>>,
    /// A plugin that chooses.
    #[serde(borrow, default)]
    pub cluster_specifier_plugin: Option<Text<'a>>,
    /// A plugin that chooses.
    #[serde(borrow, default)]
    pub inline_cluster_specifier_plugin: Option<Any<'a>>,
    /// What replaces the matched prefix or path.
    #[serde(borrow, default)]
    pub prefix_rewrite: Text<'a>,
    /// What replaces the authority.
    #[serde(borrow, default)]
    pub host_rewrite_literal: Text<'a>,
    /// The longest that an answer may take, as `3s`; `0s` is no limit.
    #[serde(borrow, default)]
    pub timeout: Text<'a>,
}

/// `envoy.config.route.v3.WeightedCluster`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct WeightedClusters<'a> {
    /// The clusters.
    #[serde(borrow, default)]
    pub clusters: Vec<WeightedCluster<'a>>,
}

/// One of several clusters.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct WeightedCluster<'a> {
    /// Its name.
    #[serde(borrow, default)]
    pub name: Text<'a>,
    /// The header with its name.
    #[serde(borrow, default)]
    pub cluster_header: Text<'a>,
    /// Its share, of the sum of all.
    #[serde(default)]
    pub weight: u32,
    /// What filters do otherwise for it, by their names.
    #[serde(borrow, default)]
    pub typed_per_filter_config: Object<'a>,
}

/// `envoy.config.route.v3.RedirectAction`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct RedirectAction<'a> {
    /// Whether to HTTPS.
    #[serde(default)]
    pub https_redirect: bool,
    /// To which scheme.
    #[serde(borrow, default)]
    pub scheme_redirect: Text<'a>,
    /// To which host.
    #[serde(borrow, default)]
    pub host_redirect: Text<'a>,
    /// To which port.
    #[serde(default)]
    pub port_redirect: Option<u16>,
    /// To which path.
    #[serde(borrow, default)]
    pub path_redirect: Text<'a>,
    /// The status, by its name; empty is 301.
    #[serde(borrow, default)]
    pub response_code: Text<'a>,
}

/// `envoy.config.route.v3.DirectResponseAction`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct DirectResponse {
    /// The status.
    #[serde(default)]
    pub status: Integer,
}

impl Metadata<'_> {
    /// The resource that a route comes from, as `/apis/networking.istio.io/v1/namespaces/NS/virtual-service/NAME`.
    #[must_use]
    pub fn config(&self) -> Option<&str> {
        self.filter_metadata.istio.as_ref().map(|istio| &*istio.config).filter(|config| !config.is_empty())
    }
}

impl RedirectAction<'_> {
    /// The status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match &*self.response_code {
            "FOUND" => 302,
            "SEE_OTHER" => 303,
            "TEMPORARY_REDIRECT" => 307,
            "PERMANENT_REDIRECT" => 308,
            _ => 301,
        }
    }
}
