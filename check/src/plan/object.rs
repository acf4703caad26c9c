//! Manifests of every kind, known or not, as what is compared and applied.

use serde_json::{Map, Value as Json};

use crate::document::{Node, Parsed, parse};
use crate::mesh::{Mesh, manifests};
use crate::model::ResourceKind;

/// How a resource is called; unlike a [`crate::model::ResourceName`], also one of a kind that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    /// API group, empty for Kubernetes' core.
    pub group: String,
    /// Kind as written.
    pub kind: String,
    /// Namespace; empty for what lives outside of namespaces.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl std::fmt::Display for ObjectName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.kind)?;
        if !self.namespace.is_empty() {
            write!(formatter, "/{}", self.namespace)?;
        }
        write!(formatter, "/{}", self.name)
    }
}

impl ObjectName {
    /// The name of a manifest; `None` for what is none or has no name of its own.
    #[must_use]
    pub fn read(root: Node<'_>, default_namespace: &str) -> Option<Self> {
        let api_version = root.get("apiVersion")?.text()?;
        let kind = root.get("kind")?.text()?;
        let name = root.at(&["metadata", "name"])?.text().filter(|name| !name.is_empty())?;
        let written = root.at(&["metadata", "namespace"]).and_then(Node::text).filter(|namespace| !namespace.is_empty());
        let namespace = match ResourceKind::of(api_version, kind) {
            Some(kind) if kind.is_cluster_scoped() => "",
            Some(_) => written.unwrap_or(default_namespace),
            None => written.unwrap_or_default(),
        };
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        let [group, kind, namespace, name] = [group, kind, namespace, name].map(str::to_owned);
        Some(Self { group, kind, namespace, name })
    }

    /// Its kind, where that is understood.
    #[must_use]
    pub fn known_kind(&self) -> Option<ResourceKind> {
        let api_version = if self.group.is_empty() { "v1".to_owned() } else { format!("{}/v1", self.group) };
        ResourceKind::of(&api_version, &self.kind)
    }

    /// Its kind as `kubectl` takes it without doubt: `gateways` alone may be Istio's or those of the Gateway API.
    #[must_use]
    pub fn kubectl_kind(&self) -> String {
        let kind = self.kind.to_lowercase();
        if self.group.is_empty() { kind } else { format!("{kind}.{}", self.group) }
    }
}

/// All manifests of a mesh that have a name.
pub(super) fn objects<'a, 'm>(mesh: &'m Mesh<'a>) -> impl Iterator<Item = (ObjectName, Node<'a>)> + use<'a, 'm> {
    let namespace = mesh.settings.namespace.as_str();
    let roots = mesh.documents().flat_map(|document| manifests(document.root()));
    roots.filter_map(move |root| Some((ObjectName::read(root, namespace)?, root)))
}

/// What a reader of a cluster finds in a manifest and no author wrote.
const WRITTEN_BY_THE_CLUSTER: [&str; 6] =
    ["creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"];

/// A manifest as it is compared: without status and what the cluster writes.
pub(super) fn intent(root: Node<'_>) -> Json {
    let mut value = root.to_json();
    let Json::Object(top) = &mut value else { return value };
    top.remove("status");
    if let Some(Json::Object(metadata)) = top.get_mut("metadata") {
        for key in WRITTEN_BY_THE_CLUSTER {
            metadata.remove(key);
        }
        metadata.remove("namespace");
        if let Some(Json::Object(annotations)) = metadata.get_mut("annotations") {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
        let is_empty = |value: &Json| value.as_object().is_some_and(Map::is_empty) || value.is_null();
        for key in ["annotations", "labels"] {
            if metadata.get(key).is_some_and(is_empty) {
                metadata.remove(key);
            }
        }
    }
    value
}

/// A manifest as a document of its own: its bytes, where they mean the same alone, else JSON.
pub(super) fn text(root: Node<'_>) -> String {
    let wanted = root.to_json();
    dedented(root).filter(|text| holds(text, &wanted)).unwrap_or_else(|| {
        let mut text = serde_json::to_string_pretty(&wanted).unwrap_or_default();
        text.push('\n');
        text
    })
}

/// A manifest of one document as JSON, which is YAML, too.
#[must_use]
pub fn as_json(text: &str) -> String {
    let parsed = parse(0, text);
    let value = only(&parsed).map(Node::to_json).unwrap_or_default();
    serde_json::to_string_pretty(&value).unwrap_or_default() + "\n"
}

/// Whether a text is one document that holds this.
pub(super) fn holds(text: &str, wanted: &Json) -> bool {
    let parsed = parse(0, text);
    only(&parsed).is_some_and(|root| root.to_json() == *wanted)
}

/// The root of a file with one document and no fault.
pub(super) fn only<'a>(parsed: &'a Parsed<'_>) -> Option<Node<'a>> {
    match (parsed.documents.as_slice(), parsed.faults.is_empty()) {
        ([document], true) => Some(document.root()),
        _ => None,
    }
}

/// The lines of a mapping, moved left as far as its first key stands from the margin.
fn dedented(root: Node<'_>) -> Option<String> {
    let place = root.place();
    let text = root.document().text();
    let start = place.start as usize;
    let line = text.get(..start)?.rfind('\n').map_or(0, |newline| newline + 1);
    let column = text.get(line..start)?.chars().filter(|letter| *letter != '\u{feff}').count();
    let indent = " ".repeat(column);
    let mut lines = text.get(start..place.end as usize)?.lines();
    let mut out = lines.next()?.to_owned();
    out.push('\n');
    for line in lines {
        out.push_str(line.strip_prefix(indent.as_str()).unwrap_or_else(|| line.trim_start_matches(' ')));
        out.push('\n');
    }
    let end = out.trim_end().len();
    out.truncate(end);
    out.push('\n');
    Some(out)
}
