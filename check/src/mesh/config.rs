//! What the mesh configuration and istiod's own settings say.

use super::{Mesh, ROOT_NAMESPACE};
use crate::document::Node;
use crate::model::{Resource, ResourceKind, Workload};

impl<'a> Mesh<'a> {
    /// The namespace whose policies hold for the whole mesh.
    #[must_use]
    pub fn root_namespace(&self) -> &'a str {
        let given = self.mesh_config.and_then(|config| config.get("rootNamespace")).and_then(Node::text);
        given.filter(|namespace| !namespace.is_empty()).unwrap_or(ROOT_NAMESPACE)
    }

    /// Whether the mesh configuration is known for sure: of several IstioOperators nobody says which one installed the mesh.
    #[must_use]
    pub fn has_sole_config(&self) -> bool {
        self.mesh_config.is_some() && self.of(ResourceKind::IstioOperator).nth(1).is_none()
    }

    /// The extension provider of this name in the mesh configuration.
    #[must_use]
    pub fn extension_provider(&self, name: &str) -> Option<Node<'a>> {
        let mut providers = self.mesh_config?.list("extensionProviders");
        providers.find(|provider| provider.get("name").and_then(Node::text) == Some(name))
    }

    /// A setting of the mesh configuration and, where that is in a manifest, the manifest: from the configuration that was given, else from
    /// an IstioOperator.
    #[must_use]
    pub fn mesh_setting(&self, path: &[&str]) -> Option<(Option<Resource<'a>>, Node<'a>)> {
        let given = self.mesh_config.and_then(|config| config.at(path)).map(|node| (None, node));
        given.or_else(|| {
            let of_operator = |operator: Resource<'a>| Some((Some(operator), operator.spec().get("meshConfig")?.at(path)?));
            self.of(ResourceKind::IstioOperator).find_map(of_operator)
        })
    }

    /// The value of an environment variable of istiod, and the manifest that sets it: a Deployment, an IstioOperator, or Helm values.
    #[must_use]
    pub fn istiod_env(&self, name: &str) -> Option<(Option<Resource<'a>>, Node<'a>)> {
        let listed = |list: Node<'a>| list.items().find(|entry| entry.str_at(&["name"]) == Some(name))?.get("value");
        let of_operator = |operator: Resource<'a>| {
            let values = operator.spec().at(&["values", "pilot", "env", name]);
            let components = || listed(operator.spec().at(&["components", "pilot", "k8s", "env"])?);
            Some((Some(operator), values.or_else(components)?))
        };
        let of_deployment = |deployment: Resource<'a>| {
            let workload = Workload::of(deployment).filter(|workload| workload.labels().get("app") == Some("istiod"))?;
            let value = workload.containers().find_map(|container| listed(container.0.get("env")?))?;
            Some((Some(deployment), value))
        };
        let of_values = |root: Node<'a>| Some((None, root.at(&["pilot", "env", name])?));
        let values = || self.bare().iter().copied().find_map(of_values);
        let operator = self.of(ResourceKind::IstioOperator).find_map(of_operator);
        operator.or_else(|| self.of(ResourceKind::Deployment).find_map(of_deployment)).or_else(values)
    }
}
