//! What every manifest has.

use super::{Labels, ResourceKind};
use crate::document::{Node, Place};

/// Where a manifest without a namespace goes, unless the caller says otherwise.
pub const DEFAULT_NAMESPACE: &str = "default";

/// A manifest of a kind that is understood.
#[derive(Debug, Clone, Copy)]
pub struct Resource<'a> {
    /// Its kind.
    pub kind: ResourceKind,
    /// Its mapping.
    pub root: Node<'a>,
    /// Its `apiVersion`.
    pub api_version: &'a str,
    /// Its name; empty where it has none.
    pub name: &'a str,
    /// Its namespace, or the default; empty for what lives outside of namespaces.
    pub namespace: &'a str,
    /// Its `spec`; every rule asks for it.
    spec: Option<Node<'a>>,
    labels: Labels<'a>,
    annotations: Labels<'a>,
}

/// How a resource is called everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceName<'a> {
    /// Its kind.
    pub kind: ResourceKind,
    /// Its namespace; empty for what lives outside of namespaces.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
}

impl std::fmt::Display for ResourceName<'_> {
    /// `VirtualService/shop/reviews`, as suppressions write it.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.kind.name())?;
        if !self.namespace.is_empty() {
            write!(formatter, "/{}", self.namespace)?;
        }
        write!(formatter, "/{}", self.name)
    }
}

impl<'a> Resource<'a> {
    /// The manifest of a mapping; `None` when its kind is not understood.
    #[must_use]
    pub fn read(root: Node<'a>, default_namespace: &'a str) -> Option<Self> {
        let api_version = root.get("apiVersion")?.text()?;
        let kind = ResourceKind::of(api_version, root.get("kind")?.text()?)?;
        let metadata = root.get("metadata");
        let namespace = match metadata.and_then(|metadata| metadata.get("namespace")).and_then(Node::text) {
            _ if kind.is_cluster_scoped() => "",
            None | Some("") => default_namespace,
            Some(namespace) => namespace,
        };
        Some(Self {
            kind,
            root,
            api_version,
            name: metadata.and_then(|metadata| metadata.get("name")).and_then(Node::text).unwrap_or_default(),
            namespace,
            spec: root.get("spec"),
            labels: Labels::under(metadata, "labels"),
            annotations: Labels::under(metadata, "annotations"),
        })
    }

    /// How it is called.
    #[must_use]
    pub const fn id(&self) -> ResourceName<'a> {
        ResourceName { kind: self.kind, namespace: self.namespace, name: self.name }
    }

    /// Its `spec`; the whole mapping where it has none.
    #[must_use]
    pub fn spec(&self) -> Node<'a> {
        self.spec.unwrap_or(self.root)
    }

    /// The node of its name, or of what lacks one.
    #[must_use]
    pub fn name_node(&self) -> Node<'a> {
        self.root.at(&["metadata", "name"]).or_else(|| self.root.get("metadata")).unwrap_or(self.root)
    }

    /// Where it is written.
    #[must_use]
    pub fn place(&self) -> Place {
        self.root.place()
    }

    /// Its labels.
    #[must_use]
    pub fn labels(&self) -> Labels<'a> {
        self.labels
    }

    /// Its annotations.
    #[must_use]
    pub fn annotations(&self) -> Labels<'a> {
        self.annotations
    }

    /// Whether pods of this namespace get a proxy, unless they say otherwise themselves.
    #[must_use]
    pub fn injects(&self) -> bool {
        match self.labels.get("istio-injection") {
            Some("enabled") => true,
            Some("disabled") => false,
            _ => self.labels.get("istio.io/rev").is_some(),
        }
    }

    /// The labels that its `spec.selector.matchLabels` or `spec.workloadSelector.labels` asks for.
    #[must_use]
    pub fn selector(&self) -> Option<Node<'a>> {
        let spec = self.spec();
        let found = spec.at(&["selector", "matchLabels"]).or_else(|| spec.at(&["workloadSelector", "labels"]));
        found.or_else(|| spec.at(&["workloadSelector", "matchLabels"])).filter(|labels| !labels.is_empty())
    }

    /// The namespaces that see it, from `exportTo` or, on a Service, from the annotation; none means all. `.` is its own.
    pub fn export_to(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        let own = self.namespace;
        let listed = self.spec().list("exportTo").filter_map(Node::text);
        let annotation = self.annotations().get("networking.istio.io/exportTo").filter(|_| self.kind == ResourceKind::Service);
        let annotated = annotation.into_iter().flat_map(|all| all.split(',')).map(str::trim).filter(|name| !name.is_empty());
        listed.chain(annotated).map(move |namespace| if namespace == "." { own } else { namespace })
    }

    /// Whether manifests and pods of a namespace see it.
    #[must_use]
    pub fn is_visible_in(&self, namespace: &str) -> bool {
        let mut all = self.export_to().peekable();
        all.peek().is_none() || all.any(|exported| exported == "*" || exported == namespace)
    }

    /// Whether its namespace is written in it.
    #[must_use]
    pub fn has_namespace(&self) -> bool {
        self.root.at(&["metadata", "namespace"]).is_some_and(|namespace| !namespace.is_empty())
    }

    /// Whether its labels say that it is a part of Istio itself, such as istiod or a gateway that istiod made.
    #[must_use]
    pub fn is_of_istio(&self) -> bool {
        let labels = self.labels();
        let own = ["istio", "gateway.istio.io/managed", "operator.istio.io/component", "istio.io/gateway-name"];
        own.iter().any(|key| labels.get(key).is_some())
            || labels.get("release") == Some("istio")
            || labels.get("app.kubernetes.io/part-of") == Some("istio")
    }
}

impl PartialEq for Resource<'_> {
    /// Whether both are the same manifest of the same file.
    fn eq(&self, other: &Self) -> bool {
        self.root == other.root
    }
}

impl Eq for Resource<'_> {}
