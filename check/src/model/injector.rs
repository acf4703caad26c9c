//! The injector's ConfigMap.

use serde_json::Value;

use super::{Resource, ResourceKind};
use crate::document::Node;
use crate::mesh::Mesh;

/// The ConfigMap that a control plane's webhook reads: `istio-sidecar-injector`, with the revision behind it.
#[derive(Debug)]
pub struct Injector<'a> {
    /// The manifest.
    pub resource: Resource<'a>,
    /// The values of the installation.
    values: Value,
}

/// What the names of all of them begin with.
const NAME: &str = "istio-sidecar-injector";

impl<'a> Injector<'a> {
    /// All that were given, with values that can be read.
    pub fn all(mesh: &Mesh<'a>) -> impl Iterator<Item = Self> {
        mesh.of(ResourceKind::ConfigMap).filter(|map| map.name.starts_with(NAME)).filter_map(|resource| {
            let text = resource.root.at(&["data", "values"]).and_then(Node::text)?;
            Some(Self { resource, values: serde_json::from_str(text).ok()? })
        })
    }

    /// The revision that it is for; `default` where its name has none.
    #[must_use]
    pub fn revision(&self) -> &'a str {
        let revision = self.resource.name.strip_prefix(NAME).unwrap_or_default().trim_start_matches('-');
        if revision.is_empty() { "default" } else { revision }
    }

    /// Whether namespaces without a label get proxies.
    #[must_use]
    pub fn is_on_by_default(&self) -> bool {
        self.value("/sidecarInjectorWebhook/enableNamespacesByDefault").and_then(Value::as_bool) == Some(true)
    }

    /// The image that it gives to proxies, without the variant.
    #[must_use]
    pub fn proxy_image(&self) -> Option<String> {
        let text = |pointer: &str| self.value(pointer).and_then(Value::as_str);
        let image = text("/global/proxy/image")?;
        if image.contains('/') {
            return Some(image.to_owned());
        }
        Some(format!("{}/{image}:{}", text("/global/hub")?, text("/global/tag")?))
    }

    fn value(&self, pointer: &str) -> Option<&Value> {
        self.values.pointer(pointer)
    }
}
