//! Webhooks of control planes.

use super::{Labels, Resource, ResourceKind};
use crate::document::Node;
use crate::mesh::Mesh;

/// A webhook of a MutatingWebhookConfiguration or a ValidatingWebhookConfiguration.
#[derive(Debug, Clone, Copy)]
pub struct Webhook<'a> {
    /// The manifest.
    pub config: Resource<'a>,
    /// The element of its `webhooks`.
    pub node: Node<'a>,
}

/// The label of a control plane's revision.
const REVISION: &str = "istio.io/rev";

impl<'a> Webhook<'a> {
    fn all(config: Resource<'a>) -> impl Iterator<Item = Self> + Clone {
        config.root.list("webhooks").map(move |node| Self { config, node })
    }

    /// Those that put proxies into pods: of manifests with a webhook of Istio's, or for a revision.
    pub fn injectors(mesh: &Mesh<'a>) -> impl Iterator<Item = Self> {
        let is_of_istio = |config: &Resource<'a>| {
            let is_named =
                |webhook: &Self| webhook.node.get("name").and_then(Node::text).is_some_and(|name| name.ends_with("istio.io"));
            config.labels().get(REVISION).is_some()
                || Self::all(*config).any(|webhook| is_named(&webhook) || webhook.revisions().next().is_some())
        };
        mesh.of(ResourceKind::MutatingWebhookConfiguration).filter(is_of_istio).flat_map(Self::all)
    }

    /// Those that call a control plane, by the names that Istio's charts give.
    pub fn of_control_planes(mesh: &Mesh<'a>) -> impl Iterator<Item = Self> {
        let is_named = |config: &Resource<'a>| match config.kind {
            ResourceKind::ValidatingWebhookConfiguration => {
                config.name == "istiod-default-validator" || config.name.starts_with("istio-validator")
            }
            _ => config.name.starts_with("istio-sidecar-injector"),
        };
        let configs =
            mesh.of(ResourceKind::MutatingWebhookConfiguration).chain(mesh.of(ResourceKind::ValidatingWebhookConfiguration));
        configs.filter(is_named).flat_map(Self::all)
    }

    /// The revisions that its labels and selectors name.
    pub fn revisions(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let node = self.node;
        let selectors = ["namespaceSelector", "objectSelector"].into_iter().filter_map(move |part| node.get(part));
        let named = selectors.clone().filter_map(|selector| selector.at(&["matchLabels", REVISION])?.text());
        let expressions = selectors.flat_map(|selector| selector.list("matchExpressions"));
        let listed =
            expressions.filter(|expression| expression.str_at(&["key"]) == Some(REVISION)).flat_map(|found| found.list("values"));
        self.config.labels().get(REVISION).into_iter().chain(named).chain(listed.filter_map(Node::text))
    }

    /// Whether one of its selectors matches labels; one that is not there matches all.
    #[must_use]
    pub fn is_selected(&self, part: &str, labels: &[(&str, &str)]) -> bool {
        let Some(selector) = self.node.get(part) else { return true };
        let get = |key: &str| labels.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
        let is_equal = Labels(selector.get("matchLabels")).iter().all(|(key, value)| key.text().and_then(get) == value.text());
        is_equal && selector.list("matchExpressions").all(|expression| is_met(expression, get))
    }

    /// The host of its URL, with the brackets of an IPv6 address; `None` where there is no URL or it has no host.
    #[must_use]
    pub fn address(&self) -> Option<&'a str> {
        let url = self.node.at(&["clientConfig", "url"])?.as_str()?;
        let authority = url.strip_prefix("https://")?.split(['/', '?', '#']).next()?;
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => authority,
        };
        Some(host).filter(|host| !host.is_empty() && !host.contains(char::is_whitespace))
    }
}

fn is_met<'l>(expression: Node<'_>, get: impl Fn(&str) -> Option<&'l str>) -> bool {
    let value = expression.get("key").and_then(Node::text).and_then(get);
    let is_listed = || expression.list("values").any(|listed| listed.text() == value);
    match expression.get("operator").and_then(Node::text) {
        Some("In") => value.is_some() && is_listed(),
        Some("NotIn") => value.is_none() || !is_listed(),
        Some("Exists") => value.is_some(),
        Some("DoesNotExist") => value.is_none(),
        _ => false,
    }
}
