//! DestinationRules.

use super::Resource;
use crate::document::Node;

/// A DestinationRule.
#[derive(Debug, Clone, Copy)]
pub struct DestinationRule<'a>(pub Resource<'a>);

/// A `trafficPolicy`, or an element of its `portLevelSettings`.
#[derive(Debug, Clone, Copy)]
pub struct TrafficPolicy<'a>(pub Node<'a>);

/// The `tls` of a traffic policy.
#[derive(Debug, Clone, Copy)]
pub struct TlsSettings<'a>(pub Node<'a>);

/// `ClientTLSSettings.TLSmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are Istio's")]
pub enum TlsMode {
    Disable,
    Simple,
    Mutual,
    IstioMutual,
}

impl<'a> DestinationRule<'a> {
    /// The node of its host.
    #[must_use]
    pub fn host(&self) -> Option<Node<'a>> {
        self.0.spec().get("host")
    }

    /// Its subsets.
    pub fn subsets(&self) -> impl Iterator<Item = Node<'a>> + Clone + use<'a> {
        self.0.spec().list("subsets")
    }

    /// The subset of this name.
    #[must_use]
    pub fn subset(&self, name: &str) -> Option<Node<'a>> {
        self.subsets().find(|subset| subset.get("name").and_then(Node::text) == Some(name))
    }

    /// The policy of the whole host.
    #[must_use]
    pub fn policy(&self) -> Option<TrafficPolicy<'a>> {
        self.0.spec().get("trafficPolicy").map(TrafficPolicy)
    }

    /// The policies of the host and of its subsets.
    pub fn policies(&self) -> impl Iterator<Item = TrafficPolicy<'a>> + Clone + use<'a> {
        self.policy().into_iter().chain(self.subsets().filter_map(|subset| subset.get("trafficPolicy").map(TrafficPolicy)))
    }
}

impl<'a> DestinationRule<'a> {
    /// Every `tls` that it has: of the host, of its ports, of subsets and of their ports; with the port where it is of one.
    pub fn tls_settings(&self) -> impl Iterator<Item = (Option<i64>, TlsSettings<'a>)> + Clone + use<'a> {
        self.policies().flat_map(|policy| {
            let own = policy.tls().map(|tls| (None, tls)).into_iter();
            own.chain(policy.ports().filter_map(|port| Some((Some(port.port()?), port.tls()?))))
        })
    }
}

impl<'a> TrafficPolicy<'a> {
    /// The policies of single ports.
    pub fn ports(self) -> impl Iterator<Item = TrafficPolicy<'a>> + Clone {
        self.0.list("portLevelSettings").map(TrafficPolicy)
    }

    /// The port that it is for; `None` for all.
    #[must_use]
    pub fn port(self) -> Option<i64> {
        self.0.at(&["port", "number"])?.as_integer()
    }

    /// Its `tls`, without those of single ports.
    #[must_use]
    pub fn tls(self) -> Option<TlsSettings<'a>> {
        self.0.get("tls").map(TlsSettings)
    }

    /// The `tls` that holds for a port: its own where it has one, even one that says nothing of TLS, since a port's settings replace
    /// those of the host.
    #[must_use]
    pub fn tls_for(self, port: i64) -> Option<TlsSettings<'a>> {
        match self.ports().find(|policy| policy.port() == Some(port)) {
            Some(policy) => policy.tls(),
            None => self.tls(),
        }
    }

    /// Key and value of its `outlierDetection`.
    #[must_use]
    pub fn outlier_detection(self) -> Option<(Node<'a>, Node<'a>)> {
        self.0.entry("outlierDetection").filter(|(_, settings)| settings.is_mapping())
    }
}

impl<'a> TlsSettings<'a> {
    /// Its mode; `DISABLE` where none is written.
    #[must_use]
    pub fn mode(self) -> Option<TlsMode> {
        Some(match self.0.get("mode").map_or(Some("DISABLE"), Node::text)? {
            "DISABLE" => TlsMode::Disable,
            "SIMPLE" => TlsMode::Simple,
            "MUTUAL" => TlsMode::Mutual,
            "ISTIO_MUTUAL" => TlsMode::IstioMutual,
            _ => return None,
        })
    }

    /// The node of the mode, or of what lacks one.
    #[must_use]
    pub fn mode_node(self) -> Node<'a> {
        self.0.get("mode").unwrap_or(self.0)
    }

    /// The Secret that its certificates come from.
    #[must_use]
    pub fn credential_name(self) -> Option<Node<'a>> {
        self.0.get("credentialName").filter(|name| !name.is_empty())
    }

    /// The file or URL of the CAs that are trusted.
    #[must_use]
    pub fn ca_certificates(self) -> Option<Node<'a>> {
        self.0.get("caCertificates").filter(|path| !path.is_empty())
    }
}
