//! The request that is asked about.

use std::net::IpAddr;

use crate::matching::{Subject, Value};

/// A request as the proxy gets it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: String,
    /// Whether it comes over TLS.
    pub tls: bool,
    /// The authority, with its port where the client sends one.
    pub authority: String,
    /// Path and query, without a fragment: no client sends that.
    pub path: String,
    /// Further headers in their order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The name of the server in the client's hello.
    pub server_name: Option<String>,
    /// Who sends it, where that is known.
    pub peer: Peer,
    /// Whether only a log tells of it: what it says of headers and queries is not all.
    pub is_of_log: bool,
    /// Whether nobody looks into it: only its connection is seen.
    pub is_connection: bool,
    /// Whether it certainly carries no JSON Web Token.
    pub has_no_token: bool,
    /// The minor version of the proxy's Envoy 1.x, where that is known: some rules have changed.
    pub envoy: Option<u32>,
    /// The address that the client connects to, where that is known.
    pub destination: Option<IpAddr>,
    /// The port that the client connects to.
    pub port: u16,
}

/// How conditions see a header that comes several times.
///
/// # Source
/// Envoy `changelogs/1.39.0.yaml`, `match_headers_individually`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RepeatedHeaders {
    /// Each value by itself, since Envoy 1.39.
    Each,
    /// All values joined with commas, before that.
    Joined,
    /// The version of Envoy is not known.
    #[default]
    Unknown,
}

/// Who sends a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Peer {
    /// The identity in its certificate, such as `spiffe://cluster.local/ns/shop/sa/cart`; empty where it shows none.
    pub principal: Option<String>,
    /// Its address.
    pub address: Option<IpAddr>,
}

/// Headers that Envoy itself sets, changes or removes before it looks for a route, whatever the client sends.
const OWN: [&str; 4] = ["x-request-id", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-client-cert"];
/// How further ones begin.
const OWN_PREFIX: &str = "x-envoy-";
/// Headers about the connection, which Envoy takes away or changes where a client sends them.
const OF_CONNECTION: [&str; 6] = ["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "expect"];

impl Request {
    /// The value that a condition looks at.
    #[must_use]
    pub fn value(&self, subject: &Subject) -> Value {
        match subject {
            Subject::Path | Subject::Header(_) | Subject::QueryParameter(_) | Subject::Cookie(_) if self.is_connection => {
                Value::Missing
            }
            Subject::Path if self.method == "CONNECT" => Value::Missing,
            Subject::Path => Value::Is(self.path_alone().to_owned()),
            Subject::Header(name) => self.header(name),
            Subject::QueryParameter(name) => self.query_parameter(name),
            Subject::Cookie(name) => self.cookie(name),
            Subject::Connect => flag(self.method == "CONNECT"),
            Subject::Grpc if self.is_of_log => Value::Unknown,
            Subject::Grpc => flag(self.is_grpc()),
            Subject::PresentedCertificate if !self.tls => flag(false),
            Subject::ValidatedCertificate if !self.tls => flag(false),
            Subject::PresentedCertificate => {
                self.peer.principal.as_ref().map_or(Value::Unknown, |principal| flag(!principal.is_empty()))
            }
            Subject::DestinationPort => Value::Is(self.port.to_string()),
            Subject::DestinationAddress => address(self.destination),
            Subject::SourceAddress => address(self.peer.address),
            Subject::RemoteAddress if self.headers.iter().any(|(name, _)| name == "x-forwarded-for") => Value::Unknown,
            Subject::RemoteAddress => address(self.peer.address),
            Subject::ServerName if !self.tls => Value::Is(String::new()),
            // The mesh's own clients send names that istiod gives them.
            Subject::ServerName if self.peer.principal.is_some() => Value::Unknown,
            Subject::ServerName => self.server_name.clone().map_or(Value::Unknown, Value::Is),
            Subject::Principal if !self.tls => Value::Missing,
            Subject::Principal => self.peer.principal.clone().map_or(Value::Unknown, Value::Is),
            Subject::Claim(_) if self.has_no_token => Value::Missing,
            Subject::Claim(_) => Value::Unknown,
            Subject::RuntimeFraction(_) => Value::Is(String::new()),
            Subject::ValidatedCertificate | Subject::Other(_) => Value::Unknown,
        }
    }

    /// Whether it comes from a proxy of the mesh: such a one shows an identity, and the name that istiod gives to a cluster.
    #[must_use]
    pub(crate) fn is_of_mesh(&self) -> bool {
        self.peer.principal.is_some() || self.server_name.as_deref().is_some_and(|name| name.starts_with("outbound_"))
    }

    /// The path without its query.
    #[must_use]
    pub fn path_alone(&self) -> &str {
        self.path.split_once('?').map_or(&*self.path, |(path, _)| path)
    }

    /// The value of a header, as conditions see it.
    #[must_use]
    pub fn header(&self, name: &str) -> Value {
        match name {
            ":method" => return Value::Is(self.method.clone()),
            ":authority" | "host" => return Value::Is(self.authority.clone()),
            ":path" if self.method == "CONNECT" => return Value::Missing,
            ":path" => return Value::Is(self.path.clone()),
            ":scheme" => return Value::Is(if self.tls { "https" } else { "http" }.to_owned()),
            _ => {}
        }
        let values: Vec<&str> = self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect();
        let is_sent = !values.is_empty();
        if OWN.contains(&name) || name.starts_with(OWN_PREFIX) || (is_sent && OF_CONNECTION.contains(&name)) {
            return Value::Unknown;
        }
        if name == "upgrade" && !self.keeps_upgrade() {
            return if self.is_of_log { Value::Unknown } else { Value::Missing };
        }
        match values.as_slice() {
            [] if self.is_of_log => Value::Unknown,
            [] => Value::Missing,
            [value] => Value::Is((*value).to_owned()),
            // Envoy joins some of the headers that it knows as they come; of others nobody else takes notice.
            values => Value::Several {
                values: values.iter().map(|value| (*value).to_owned()).collect(),
                seen: if name.starts_with("x-") { self.repeated_headers() } else { RepeatedHeaders::Unknown },
            },
        }
    }

    const fn repeated_headers(&self) -> RepeatedHeaders {
        match self.envoy {
            Some(39..) => RepeatedHeaders::Each,
            // Policies changed before routes.
            Some(37 | 38) => RepeatedHeaders::Unknown,
            Some(_) => RepeatedHeaders::Joined,
            None => RepeatedHeaders::Unknown,
        }
    }

    /// The path without what follows `;`: in each segment with Envoy 1.40, at least in some versions before that from the first one on.
    pub(crate) fn path_without_parameters(&self) -> Value {
        let path = self.path_alone();
        let cut = path.split_once(';').map_or(path, |(path, _)| path);
        let segments: Vec<&str> = path.split('/').map(|segment| segment.split(';').next().unwrap_or_default()).collect();
        let segments = segments.join("/");
        if self.method == "CONNECT" {
            Value::Missing
        } else if segments == cut || matches!(self.envoy, Some(40..)) {
            Value::Is(segments)
        } else {
            Value::Unknown
        }
    }

    /// Whether `Connection` keeps `Upgrade` from being taken away.
    fn keeps_upgrade(&self) -> bool {
        let connections = self.headers.iter().filter(|(name, _)| name == "connection");
        connections.flat_map(|(_, value)| value.split(',')).any(|option| option.trim().eq_ignore_ascii_case("upgrade"))
    }

    /// The first parameter of this name, as it stands in the query.
    fn query_parameter(&self, name: &str) -> Value {
        let query = match self.path.split_once('?') {
            None if self.is_of_log => return Value::Unknown,
            parts => parts.map_or("", |(_, query)| query),
        };
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let mut values = pairs.filter(|(known, _)| *known == name).map(|(_, value)| value);
        values.next().map_or(Value::Missing, |value| Value::Is(value.to_owned()))
    }

    fn cookie(&self, name: &str) -> Value {
        let cookies = match self.header("cookie") {
            Value::Is(cookies) => cookies,
            Value::Unknown if self.is_of_log => return Value::Unknown,
            _ => return Value::Missing,
        };
        let pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
        let mut values = pairs.filter(|(known, _)| *known == name).map(|(_, value)| value);
        values.next().map_or(Value::Missing, |value| Value::Is(value.to_owned()))
    }

    /// Whether it is one of gRPC, by its content type.
    #[must_use]
    pub fn is_grpc(&self) -> bool {
        let kinds: Vec<&str> =
            self.headers.iter().filter(|(name, _)| name == "content-type").map(|(_, value)| &**value).collect();
        let kind = kinds.join(",");
        self.method != "CONNECT"
            && kind.strip_prefix("application/grpc").is_some_and(|rest| rest.is_empty() || rest.starts_with('+'))
    }
}

fn address(address: Option<IpAddr>) -> Value {
    address.map_or(Value::Unknown, |address| Value::Is(address.to_string()))
}

fn flag(is: bool) -> Value {
    Value::Is(is.to_string())
}
