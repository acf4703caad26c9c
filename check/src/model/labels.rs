//! Labels and selectors.

use crate::document::Node;

/// A mapping of labels, or of annotations.
#[derive(Debug, Clone, Copy, Default)]
pub struct Labels<'a>(pub Option<Node<'a>>);

impl<'a> Labels<'a> {
    /// Those under a key of a `metadata`.
    #[must_use]
    pub fn under(metadata: Option<Node<'a>>, key: &str) -> Self {
        Self(metadata.and_then(|metadata| metadata.get(key)))
    }

    /// The value of a label.
    #[must_use]
    pub fn get(self, key: &str) -> Option<&'a str> {
        self.node(key)?.text()
    }

    /// The node of a label's value.
    #[must_use]
    pub fn node(self, key: &str) -> Option<Node<'a>> {
        self.0?.get(key)
    }

    /// Keys and values.
    pub fn iter(self) -> impl Iterator<Item = (Node<'a>, Node<'a>)> + Clone {
        self.0.into_iter().flat_map(Node::entries)
    }

    /// Whether there is no label.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0.is_none_or(Node::is_empty)
    }
}

/// Whether a mapping of labels (`matchLabels`, `selector`) selects what has these. An empty one selects everything.
#[must_use]
pub fn selects(selector: Node<'_>, labels: Labels<'_>) -> bool {
    selector.entries().all(|(key, value)| key.text().and_then(|key| labels.get(key)) == value.text())
}

/// Whether Kubernetes, Istio or a controller gives pods this label, so that no template has to have it: see
/// `pilot/pkg/serviceregistry/util/label/label.go`, 1.30.
#[must_use]
pub fn is_given_to_pods(key: &str) -> bool {
    const OWNERS: [&str; 7] = [
        "topology.kubernetes.io/",
        "topology.istio.io/",
        "service.istio.io/",
        "apps.kubernetes.io/",
        "batch.kubernetes.io/",
        "statefulset.kubernetes.io/",
        "failure-domain.beta.kubernetes.io/",
    ];
    const NAMES: [&str; 10] = [
        "pod-template-hash",
        "rollouts-pod-template-hash",
        "controller-revision-hash",
        "controller-uid",
        "job-name",
        "kubernetes.io/hostname",
        "istio-locality",
        "istio.io/rev",
        "security.istio.io/tlsMode",
        "role",
    ];
    NAMES.contains(&key) || OWNERS.iter().any(|owner| key.starts_with(owner))
}
