//! Istio's Gateways.

use super::{Protocol, Resource};
use crate::document::Node;

/// A Gateway of Istio.
#[derive(Debug, Clone, Copy)]
pub struct Gateway<'a>(pub Resource<'a>);

/// A `server` of a Gateway.
#[derive(Debug, Clone, Copy)]
pub struct Server<'a>(pub Node<'a>);

impl<'a> Gateway<'a> {
    /// Its servers.
    pub fn servers(&self) -> impl Iterator<Item = Server<'a>> + Clone + use<'a> {
        self.0.spec().list("servers").map(Server)
    }

    /// The labels of the pods that it configures.
    #[must_use]
    pub fn selector(&self) -> Option<Node<'a>> {
        self.0.spec().get("selector").filter(|selector| !selector.is_empty())
    }
}

impl<'a> Server<'a> {
    /// Its port's number.
    #[must_use]
    pub fn port(self) -> Option<i64> {
        self.port_node()?.as_integer()
    }

    /// The node of its port's number.
    #[must_use]
    pub fn port_node(self) -> Option<Node<'a>> {
        self.0.at(&["port", "number"])
    }

    /// What its port speaks.
    #[must_use]
    pub fn protocol(self) -> Option<Protocol> {
        self.0.at(&["port", "protocol"]).and_then(Node::text).and_then(Protocol::parse)
    }

    /// Its hosts, with the namespace before `/` where one is written.
    pub fn hosts(self) -> impl Iterator<Item = Node<'a>> + Clone {
        self.0.list("hosts")
    }

    /// Its `tls`.
    #[must_use]
    pub fn tls(self) -> Option<Node<'a>> {
        self.0.get("tls")
    }

    /// The mode of its `tls` as written; `PASSTHROUGH`, the first of Istio's enumeration, where none is.
    #[must_use]
    pub fn tls_mode(self) -> Option<&'a str> {
        self.tls().map(|tls| tls.get("mode").and_then(Node::text).unwrap_or("PASSTHROUGH"))
    }

    /// Whether TLS passes through to the upstream.
    #[must_use]
    pub fn passes_tls_through(self) -> bool {
        matches!(self.tls_mode(), Some("PASSTHROUGH" | "AUTO_PASSTHROUGH"))
    }

    /// The address that it is bound to; empty for all.
    #[must_use]
    pub fn bind(self) -> &'a str {
        self.0.get("bind").and_then(Node::text).unwrap_or_default()
    }

    /// The names of the Secrets with its certificates.
    pub fn credential_names(self) -> impl Iterator<Item = Node<'a>> + Clone {
        let tls = self.tls();
        let one = tls.and_then(|tls| tls.get("credentialName")).filter(|name| !name.is_empty());
        one.into_iter().chain(tls.into_iter().flat_map(|tls| tls.list("credentialNames")))
    }
}
