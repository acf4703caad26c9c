//! PeerAuthentications.

use super::Resource;
use crate::document::Node;

/// A PeerAuthentication.
#[derive(Debug, Clone, Copy)]
pub struct PeerAuthentication<'a>(pub Resource<'a>);

/// `PeerAuthentication.MutualTLS.Mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are Istio's")]
pub enum MtlsMode {
    Disable,
    Permissive,
    Strict,
}

impl<'a> PeerAuthentication<'a> {
    /// The mode of all its ports, and where it is written; `None` where it inherits.
    #[must_use]
    pub fn mode(&self) -> Option<(MtlsMode, Node<'a>)> {
        mode(self.0.spec().get("mtls")?)
    }

    /// The mode of a port of the workload, and where it is written; its own before that of all ports. Without a selector only that of
    /// all ports counts.
    #[must_use]
    pub fn mode_of_port(&self, port: i64) -> Option<(MtlsMode, Node<'a>)> {
        let ports = self.0.spec().get("portLevelMtls").filter(|_| self.0.selector().is_some());
        let own =
            ports.and_then(|ports| ports.entries().find(|(key, _)| key.as_integer() == Some(port) || is_number(*key, port)));
        own.and_then(|(_, settings)| mode(settings)).or_else(|| self.mode())
    }
}

/// Keys of JSON are texts.
fn is_number(key: Node<'_>, port: i64) -> bool {
    key.text().and_then(|text| text.parse().ok()) == Some(port)
}

fn mode(settings: Node<'_>) -> Option<(MtlsMode, Node<'_>)> {
    let node = settings.get("mode")?;
    let mode = match node.text()? {
        "DISABLE" => MtlsMode::Disable,
        "PERMISSIVE" => MtlsMode::Permissive,
        "STRICT" => MtlsMode::Strict,
        _ => return None,
    };
    Some((mode, node))
}
