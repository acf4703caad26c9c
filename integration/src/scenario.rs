//! `scenario.yaml`: how to provoke one cause under a real Envoy.
//!
//! It lies beside the cause it provokes. Whatever it leaves out is what an Istio sidecar would have: one listener, one virtual host `shop`
//! for `*`, one route `default` to one static cluster whose endpoint is the misbehaving upstream.
//!
//! In every string of `cluster`, `route`, `virtual_host`, `http`, `http_filters` and `filter_chain` these words are replaced: `{{ca}}`,
//! `{{server_cert}}`, `{{server_key}}`, `{{client_cert}}`, `{{client_key}}` by the paths of certificates made for the run, `{{cluster}}` by the
//! name of the scenario's cluster.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::artifacts::workspace;
use crate::upstream::UpstreamKind;

/// The trace context of a client that has one: the example of the W3C specification.
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// How to provoke one cause.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The cause's slug, from the name of the folder.
    #[serde(skip)]
    pub slug: String,
    /// One sentence: what is wrong here.
    pub summary: String,
    /// The misbehaving upstream; without one the cluster, if there is one, has no endpoint.
    #[serde(default)]
    pub upstream: Option<UpstreamKind>,
    /// Laid over the default cluster. Without `cluster` and `upstream` there is no cluster.
    #[serde(default)]
    pub cluster: Option<Value>,
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
    /// HTTP filters in front of the router.
    #[serde(default)]
    pub http_filters: Vec<Value>,
    /// Laid over the listener's filter chain: its place for a downstream `transport_socket`.
    #[serde(default = "nothing")]
    pub filter_chain: Value,
    /// The side of the proxy that fails.
    #[serde(default)]
    pub direction: Direction,
    /// What the listener speaks.
    #[serde(default)]
    pub protocol: Protocol,
    /// What the client sends.
    #[serde(default)]
    pub request: Request,
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

/// What the client sends, once or several times, each time on a new connection.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Request {
    /// These bytes and nothing else; a character up to U+00FF is sent as that one byte.
    pub raw: Option<String>,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// Headers, names in lower case; `host` is `shop.demo` unless given.
    pub headers: BTreeMap<String, String>,
    /// Headers of so many bytes.
    pub header_bytes: BTreeMap<String, usize>,
    /// So many small headers more.
    pub header_count: usize,
    /// How often.
    pub repeat: usize,
    /// How many of them at a time.
    pub parallel: usize,
    /// How the client secures the connection.
    pub tls: ClientTls,
    /// Whether the request carries a `traceparent`, as those of a traced client do.
    pub trace_context: bool,
}

/// How the client secures the connection.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum ClientTls {
    /// Not at all.
    #[default]
    None,
    /// TLS without a client certificate.
    Server,
    /// TLS with a client certificate of the test CA.
    Mutual,
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
}

impl Default for Request {
    fn default() -> Self {
        Self {
            raw: None,
            method: "GET".to_owned(),
            path: "/".to_owned(),
            headers: BTreeMap::new(),
            header_bytes: BTreeMap::new(),
            header_count: 0,
            repeat: 1,
            parallel: 1,
            tls: ClientTls::None,
            trace_context: true,
        }
    }
}

impl Default for Expect {
    fn default() -> Self {
        Self { status: None, local_reply: false, access_log: true }
    }
}

impl Request {
    /// A request that is these characters, each up to U+00FF sent as one byte.
    pub fn raw(text: impl Into<String>) -> Self {
        Self { raw: Some(text.into()), ..Self::default() }
    }

    /// The bytes on the wire.
    pub fn bytes(&self) -> Vec<u8> {
        if let Some(raw) = &self.raw {
            return latin1(raw);
        }
        let mut text = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        let mut line = |name: &str, value: &str| text.push_str(&format!("{name}: {value}\r\n"));
        if !self.headers.contains_key("host") {
            line("host", "shop.demo");
        }
        if self.trace_context {
            line("traceparent", TRACEPARENT);
        }
        self.headers.iter().for_each(|(name, value)| line(name, value));
        self.header_bytes.iter().for_each(|(name, size)| line(name, &"x".repeat(*size)));
        (0..self.header_count).for_each(|index| line(&format!("x-many-{index}"), "1"));
        text.push_str("\r\n");
        latin1(&text)
    }
}

impl Scenario {
    /// Reads one scenario; the slug is not in the file.
    ///
    /// # Errors
    /// The text is not YAML of this shape; the message has the place.
    pub fn parse(slug: &str, yaml: &str) -> Result<Self> {
        let scenario: Self = serde_saphyr::from_str(yaml).with_context(|| format!("scenario of {slug}"))?;
        Ok(Self { slug: slug.to_owned(), ..scenario })
    }

    /// Reads the scenario of one cause.
    ///
    /// # Errors
    /// There is none, or it is not of this shape.
    pub fn load(slug: &str) -> Result<Self> {
        let path = workspace().join("core/src/causes").join(slug.replace('-', "_")).join("scenario.yaml");
        Self::parse(slug, &fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?)
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

fn latin1(text: &str) -> Vec<u8> {
    text.chars()
        .flat_map(|character| match u8::try_from(u32::from(character)) {
            Ok(byte) => vec![byte],
            Err(_) => character.to_string().into_bytes(),
        })
        .collect()
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
    }

    #[test]
    fn raw_bytes_stay_single_bytes() {
        assert_eq!(Request::raw("a\u{a1}\u{b1}").bytes(), b"a\xa1\xb1");
    }
}
