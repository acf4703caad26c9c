//! A proxy's configuration that patches are tried on, and the real Envoy's word on the result.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::bootstrap::{Addresses, LogFiles, bootstrap, part};
use crate::envoy::{Launcher, validate};
use crate::merge::merge;
use crate::patch;
use crate::scenario::Scenario;

/// The places of a configuration that a fragment can be a part of, with the words by which a comment names them.
const PLACES: [(&str, &str); 9] = [
    ("HttpConnectionManager", "/static_resources/listeners/0/filter_chains/0/filters/1/typed_config"),
    ("cluster", "/static_resources/clusters/0"),
    ("route", "/static_resources/listeners/0/filter_chains/0/filters/1/typed_config/route_config/virtual_hosts/0/routes/0"),
    ("virtual_host", "/static_resources/listeners/0/filter_chains/0/filters/1/typed_config/route_config/virtual_hosts/0"),
    ("route_configuration", "/static_resources/listeners/0/filter_chains/0/filters/1/typed_config/route_config"),
    ("filter_chain", "/static_resources/listeners/0/filter_chains/0"),
    ("listener", "/static_resources/listeners/0"),
    ("TcpProxy", "/static_resources/listeners/2/filter_chains/0/filters/0/typed_config"),
    ("bootstrap", ""),
];

/// Filters that only users add, for patches that change them.
const ADDED: &str = r#"
http_filters:
- name: envoy.filters.http.local_ratelimit
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
    stat_prefix: local
    token_bucket: {max_tokens: 1, tokens_per_fill: 1, fill_interval: 60s}
- name: envoy.filters.http.ratelimit
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit
    domain: shop
    rate_limit_service: {transport_api_version: V3, grpc_service: {envoy_grpc: {cluster_name: "{{cluster}}"}}}
- name: envoy.filters.http.ext_proc
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor
    grpc_service: {envoy_grpc: {cluster_name: "{{cluster}}"}}
network_filters:
- name: envoy.filters.network.connection_limit
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit
    stat_prefix: connections
    max_connections: 1
"#;

/// A sidecar: HTTP to others, HTTP to the workload, TCP to others.
#[derive(Clone, Debug)]
pub struct Proxy {
    bootstrap: Value,
    extensions: Vec<Value>,
}

impl Proxy {
    /// The configuration that the harness gives a sidecar, with the logs in `directory`.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn sidecar(directory: &Path) -> Result<Self> {
        let logs = LogFiles { json: &directory.join("log.json"), text: &directory.join("log.txt") };
        let addresses = Addresses { upstream: Some(SocketAddr::from(([127, 0, 0, 1], 9))), ..Addresses::default() };
        let kinds = [("outbound", "", ADDED), ("inbound", "direction: INBOUND", ADDED), ("tcp", "protocol: TCP", "")];
        let parts = kinds.iter().enumerate().map(|(index, (name, fields, added))| {
            let scenario = Scenario::parse(name, &format!("summary: A listener to patch.\n{fields}\n{added}"))?;
            part(&scenario, index, &addresses, &logs, &[])
        });
        let parts = parts.collect::<Result<Vec<_>>>()?;
        let listeners: Vec<_> = parts.iter().map(|part| part.listener.clone()).collect();
        Ok(Self { bootstrap: bootstrap(&parts, &listeners, &[]), extensions: Vec::new() })
    }

    /// The configuration with an EnvoyFilter applied.
    ///
    /// # Errors
    /// A patch of it changes nothing here, or is of a form that the harness does not know.
    pub fn with_envoy_filter(&self, document: &Value) -> Result<Self> {
        let mut proxy = self.clone();
        let patches = document.pointer("/spec/configPatches").and_then(Value::as_array).context("no spec.configPatches")?;
        ensure!(!patches.is_empty(), "an EnvoyFilter without patches");
        for (index, patch) in patches.iter().enumerate() {
            let places = proxy.patch(patch).with_context(|| format!("configPatches[{index}]"))?;
            ensure!(places > 0, "configPatches[{index}] selects nothing in a sidecar");
        }
        Ok(proxy)
    }

    fn patch(&mut self, patch: &Value) -> Result<usize> {
        let text = |pointer| patch.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let value = || patch.pointer("/patch/value").context("a patch without a value");
        match (text("/applyTo"), text("/patch/operation")) {
            ("BOOTSTRAP", "MERGE") => {
                merge(&mut self.bootstrap, value()?);
                Ok(1)
            }
            ("CLUSTER", "MERGE") => {
                let value = value()?;
                Ok(self.resources("clusters").map(|cluster| merge(cluster, value)).count())
            }
            ("CLUSTER", "ADD") => {
                let clusters = self.bootstrap.pointer_mut("/static_resources/clusters").and_then(Value::as_array_mut);
                clusters.context("a bootstrap without clusters")?.push(value()?.clone());
                Ok(1)
            }
            // A static bootstrap has no discovery of extensions: what it would deliver is tried in the filter's place.
            ("EXTENSION_CONFIG", "ADD") => {
                self.extensions.push(value()?.clone());
                Ok(1)
            }
            ("HTTP_FILTER", _) if value().is_ok_and(|value| value.get("config_discovery").is_some()) => {
                let name = value()?.get("name").cloned().unwrap_or_default();
                let delivered = self.extensions.iter().find(|extension| extension.get("name") == Some(&name)).cloned();
                let mut direct = patch.clone();
                let place = direct.pointer_mut("/patch/value").context("a patch without a value")?;
                *place = delivered.context("config_discovery without the EXTENSION_CONFIG that it asks for")?;
                self.patch(&direct)
            }
            _ => {
                let wanted = text("/match/context");
                let listeners = self.resources("listeners").filter(|listener| selected(wanted, listener));
                listeners.map(|listener| patch::apply(patch, listener)).sum()
            }
        }
    }

    fn resources(&mut self, kind: &str) -> impl Iterator<Item = &mut Value> {
        let resources = self.bootstrap.get_mut("static_resources").and_then(|resources| resources.get_mut(kind));
        resources.and_then(Value::as_array_mut).into_iter().flatten()
    }

    /// The configurations that have the fragment where it may belong: where its comment says, else everywhere.
    pub fn with_fragment(&self, comment: &str, fragment: &Value) -> Vec<(&'static str, Self)> {
        let letters = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        let comment = letters(comment);
        let named = PLACES.iter().filter_map(|(name, _)| Some((comment.find(&letters(name))?, usize::MAX - name.len(), *name)));
        let named = named.min().map(|(.., name)| name);
        let places = PLACES.iter().filter(|(name, _)| named.is_none_or(|wanted| wanted == *name));
        let merged = places.filter_map(|(name, pointer)| {
            let mut proxy = self.clone();
            merge(proxy.bootstrap.pointer_mut(pointer)?, fragment);
            Some((*name, proxy))
        });
        merged.collect()
    }

    /// Asks Envoy whether it takes the configuration.
    ///
    /// # Errors
    /// It does not; the message is its own.
    pub fn validate(&self, launcher: &Launcher, directory: &Path) -> Result<()> {
        validate(launcher, &self.bootstrap, directory)
    }
}

/// Whether a patch for this context is tried on a listener. A gateway's listener looks as a sidecar's to others, a waypoint's as one to the
/// workload.
fn selected(context: &str, listener: &Value) -> bool {
    let inbound = listener.get("traffic_direction").and_then(Value::as_str) == Some("INBOUND");
    match context {
        "" | "ANY" => true,
        "SIDECAR_INBOUND" | "WAYPOINT" => inbound,
        "SIDECAR_OUTBOUND" | "GATEWAY" => !inbound,
        _ => false,
    }
}
