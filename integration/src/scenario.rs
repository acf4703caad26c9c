//! `scenario.yaml`: how to provoke one cause under a real Envoy.
//!
//! It lies beside the cause it provokes. Whatever it leaves out is what an Istio sidecar would have: one listener, one virtual host `shop`
//! for `*`, one route `default` to one static cluster whose endpoint is the misbehaving upstream.
//!
//! In every string and key of the configuration these words are replaced: `{{ca}}` and, for `x` = `server`, `client`, `untrusted` and
//! `expired`, `{{x_cert}}` and `{{x_key}}` by the paths of certificates made for the run, `{{cluster}}` by the name of the scenario's
//! cluster, and for each entry `y` of `servers` `{{y}}` by the name of its cluster.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::artifacts::workspace;
pub use crate::client::request::{ClientRequest, ClientTls, HttpVersion, StreamEnd};
use crate::upstream::UpstreamKind;

/// The part of a scenario that has its listener require mutual TLS.
pub const MUTUAL_TLS: &str = "\
filter_chain:
  transport_socket:
    name: envoy.transport_sockets.tls
    typed_config:
      \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
      require_client_certificate: true
      common_tls_context:
        tls_certificates: [{certificate_chain: {filename: \"{{server_cert}}\"}, private_key: {filename: \"{{server_key}}\"}}]
        validation_context: {trusted_ca: {filename: \"{{ca}}\"}}
";

/// How to provoke one cause.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The cause's slug, from the name of the folder.
    #[serde(skip)]
    pub slug: String,
    /// Which variant of the scenario this is; absent for the ordinary case.
    #[serde(skip)]
    pub variant: Option<String>,
    /// Further ways to provoke the cause. In the file each has a `name` and a JSON merge patch (RFC 7396) to the ordinary
    /// case; `route: null` stays what it is.
    #[serde(skip)]
    pub variants: Vec<Scenario>,
    /// One sentence: what is wrong here.
    pub summary: String,
    /// The misbehaving upstream; without one the cluster, if there is one, has no endpoint.
    #[serde(default)]
    pub upstream: Option<UpstreamKind>,
    /// Laid over the default cluster. Without `cluster` and `upstream` there is no cluster.
    #[serde(default)]
    pub cluster: Option<Value>,
    /// Further servers that the configuration needs, such as an authorization service, each behind a cluster of its own.
    #[serde(default)]
    pub servers: BTreeMap<String, UpstreamKind>,
    /// Laid over the default cluster of a further server.
    #[serde(default)]
    pub clusters: BTreeMap<String, Value>,
    /// Laid over the default route if it has a key of a route (`match`, `route`, `direct_response`, …), else over the route's action.
    /// `null` leaves the virtual host without a route.
    #[serde(default = "nothing")]
    pub route: Value,
    /// Laid over the default virtual host.
    #[serde(default = "nothing")]
    pub virtual_host: Value,
    /// Laid over the HTTP connection manager, or over the TCP proxy.
    #[serde(default = "nothing")]
    pub http: Value,
    /// Laid over the router's own configuration.
    #[serde(default = "nothing")]
    pub router: Value,
    /// HTTP filters in front of the router.
    #[serde(default)]
    pub http_filters: Vec<Value>,
    /// Network filters in front of the connection manager or the TCP proxy.
    #[serde(default)]
    pub network_filters: Vec<Value>,
    /// Laid over the listener's filter chain: its place for a downstream `transport_socket`.
    #[serde(default = "nothing")]
    pub filter_chain: Value,
    /// Laid over the listener.
    #[serde(default = "nothing")]
    pub listener: Value,
    /// Envoy's runtime keys.
    #[serde(default)]
    pub runtime: BTreeMap<String, Value>,
    /// Laid over the bootstrap; such a scenario has an Envoy of its own.
    #[serde(default)]
    pub bootstrap: Option<Value>,
    /// A statistic of Envoy, as its admin interface prints it (`name: value`), to wait for before the first request.
    #[serde(default)]
    pub ready: Option<String>,
    /// The kind of proxy.
    #[serde(default)]
    pub placement: Placement,
    /// The side of the proxy that fails.
    #[serde(default)]
    pub direction: Direction,
    /// What the listener speaks.
    #[serde(default)]
    pub protocol: Protocol,
    /// What the client sends.
    #[serde(default)]
    pub request: ClientRequest,
    /// What a healthy harness sees, whatever meshwhy says about it.
    #[serde(default)]
    pub expect: Expect,
}

/// The side of the proxy, as Envoy's `traffic_direction`.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Direction {
    /// From the workload to others: the client's sidecar.
    #[default]
    Outbound,
    /// To the workload: the server's sidecar.
    Inbound,
}

/// The kind of proxy, and so the variant of the manifest.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Placement {
    /// Beside a workload.
    #[default]
    Sidecar,
    /// At the edge.
    Gateway,
}

/// What the listener speaks.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Protocol {
    /// HTTP, through the connection manager.
    #[default]
    Http,
    /// Bytes, through `tcp_proxy`.
    Tcp,
}

/// What the harness waits for and checks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// The status of a response, 0 for none at all; absent means: do not look.
    pub status: Option<u16>,
    /// Whether the proxy itself made the response.
    pub local_reply: bool,
    /// Whether Envoy writes an access-log line at all.
    pub access_log: bool,
    /// Whether the request gets as far as the HTTP filters.
    pub http_filters: bool,
    /// Whether the HTTP filters see the reply: one that replaces a response which they have already seen passes them by.
    pub reply_filters: bool,
    /// Whether the loggers' native filters let the request through: by its status, a flag or its gRPC status.
    pub recorded: bool,
    /// Whether only Envoy's own logger has the fact that tells the cause from the more general one.
    pub native_only: bool,
    /// How many of the requests fail; all of them unless told otherwise.
    pub failures: Option<usize>,
}

impl Default for Expect {
    fn default() -> Self {
        Self {
            status: None,
            local_reply: false,
            access_log: true,
            http_filters: true,
            reply_filters: true,
            recorded: true,
            native_only: false,
            failures: None,
        }
    }
}

impl Scenario {
    /// Reads one scenario with its variants; the slug is not in the file.
    ///
    /// # Errors
    /// The text is not YAML of this shape.
    pub fn parse(slug: &str, yaml: &str) -> Result<Self> {
        let mut ordinary: Value = serde_saphyr::from_str(yaml).with_context(|| format!("scenario of {slug}"))?;
        let variants =
            ordinary.as_object_mut().and_then(|fields| fields.remove("variants")).unwrap_or_else(|| Value::Array(Vec::new()));
        let mut scenario = Self::read(slug, None, &ordinary)?;
        for mut changes in variants.as_array().cloned().with_context(|| format!("scenario of {slug}: `variants` is no list"))? {
            let name = changes.as_object_mut().and_then(|fields| fields.remove("name"));
            let name =
                name.as_ref().and_then(Value::as_str).with_context(|| format!("scenario of {slug}: a variant without name"))?;
            let mut fields = ordinary.clone();
            json_patch::merge(&mut fields, &changes);
            // The one field whose null means something.
            if let (Some(fields), Some(route @ Value::Null)) = (fields.as_object_mut(), changes.get("route")) {
                fields.insert("route".to_owned(), route.clone());
            }
            scenario.variants.push(Self::read(slug, Some(name), &fields)?);
        }
        let names: std::collections::BTreeSet<_> = scenario.variants.iter().map(Self::id).collect();
        ensure!(names.len() == scenario.variants.len(), "scenario of {slug}: two variants of one name");
        Ok(scenario)
    }

    fn read(slug: &str, variant: Option<&str>, fields: &Value) -> Result<Self> {
        let scenario: Self = serde_json::from_value(fields.clone()).with_context(|| {
            format!("scenario of {slug}{}", variant.map(|name| format!(", variant {name}")).unwrap_or_default())
        })?;
        Ok(Self { slug: slug.to_owned(), variant: variant.map(str::to_owned), ..scenario })
    }

    /// Reads the scenario of one cause.
    ///
    /// # Errors
    /// There is none, or it is not of this shape.
    pub fn load(slug: &str) -> Result<Self> {
        let path = workspace().join("core/src/causes").join(slug.replace('-', "_")).join("scenario.yaml");
        Self::parse(slug, &fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?)
    }

    /// The slug, with the variant's name where it is one.
    pub fn id(&self) -> String {
        self.variant.as_ref().map_or_else(|| self.slug.clone(), |variant| format!("{}.{variant}", self.slug))
    }

    /// The ordinary case and its variants.
    pub fn cases(&self) -> impl Iterator<Item = Self> + '_ {
        let ordinary = Self { variants: Vec::new(), ..self.clone() };
        std::iter::once(ordinary).chain(self.variants.iter().cloned())
    }

    /// How many of its requests fail.
    pub fn failures(&self) -> usize {
        self.expect.failures.unwrap_or(self.request.repeat)
    }
}

/// Reads every scenario of the catalogue, in the order of their slugs.
///
/// # Errors
/// One of them cannot be read.
pub fn load_all() -> Result<Vec<Scenario>> {
    load_from(&workspace().join("core/src/causes"))
}

/// Reads `<directory>/<slug with underscores>/scenario.yaml` for every slug.
///
/// # Errors
/// One of them cannot be read.
pub fn load_from(directory: &Path) -> Result<Vec<Scenario>> {
    let mut scenarios = Vec::new();
    for entry in fs::read_dir(directory).with_context(|| format!("reading {}", directory.display()))? {
        let entry = entry?;
        let path = entry.path().join("scenario.yaml");
        if path.is_file() {
            let slug = entry.file_name().to_string_lossy().replace('_', "-");
            scenarios.push(Scenario::parse(&slug, &fs::read_to_string(&path)?)?);
        }
    }
    scenarios.sort_by(|one, other| one.slug.cmp(&other.slug));
    Ok(scenarios)
}

fn nothing() -> Value {
    Value::Object(Map::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_route_is_the_default_and_null_is_none() {
        let with = Scenario::parse("a", "summary: x").unwrap();
        let without = Scenario::parse("a", "summary: x\nroute: null\n").unwrap();
        assert!(with.route.is_object());
        assert!(without.route.is_null());
    }

    #[test]
    fn an_unknown_field_is_an_error() {
        assert!(Scenario::parse("a", "summary: x\nupstraem: refuse\n").is_err());
        assert!(Scenario::parse("a", "summary: x\nvariants: [{name: y, upstraem: refuse}]\n").is_err());
        assert!(Scenario::parse("a", "summary: x\nupstream: http-teapot\n").is_err());
    }

    #[test]
    fn a_variant_lays_its_fields_over_the_ordinary_case() {
        let yaml = "summary: x\nrequest: {path: /a, repeat: 2}\nvariants: [{name: h2, request: {protocol: http2}}]\n";
        let scenario = Scenario::parse("a", yaml).unwrap();
        let cases: Vec<_> = scenario.cases().collect();
        assert_eq!(cases.iter().map(Scenario::id).collect::<Vec<_>>(), ["a", "a.h2"]);
        assert_eq!((cases[1].request.protocol, cases[1].request.repeat, &*cases[1].request.path), (HttpVersion::Http2, 2, "/a"));
    }
}
