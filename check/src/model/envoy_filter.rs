//! EnvoyFilters.

use super::Resource;
use crate::document::Node;

/// An EnvoyFilter.
#[derive(Debug, Clone, Copy)]
pub struct EnvoyFilter<'a>(pub Resource<'a>);

/// An element of its `configPatches`.
#[derive(Debug, Clone, Copy)]
pub struct ConfigPatch<'a>(pub Node<'a>);

impl<'a> EnvoyFilter<'a> {
    /// Its patches.
    pub fn patches(&self) -> impl Iterator<Item = ConfigPatch<'a>> + Clone + use<'a> {
        self.0.spec().list("configPatches").map(ConfigPatch)
    }

    /// Its priority, 0 where none is written.
    #[must_use]
    pub fn priority(&self) -> i64 {
        self.0.spec().get("priority").and_then(Node::as_integer).unwrap_or(0)
    }
}

impl<'a> ConfigPatch<'a> {
    /// What it applies to, such as `HTTP_FILTER`.
    #[must_use]
    pub fn apply_to(self) -> Option<&'a str> {
        self.0.get("applyTo")?.text()
    }

    /// The node of its operation, such as `INSERT_BEFORE`.
    #[must_use]
    pub fn operation(self) -> Option<Node<'a>> {
        self.0.at(&["patch", "operation"])
    }

    /// What it puts in.
    #[must_use]
    pub fn value(self) -> Option<Node<'a>> {
        self.0.at(&["patch", "value"])
    }

    /// What it matches.
    #[must_use]
    pub fn matched(self) -> Option<Node<'a>> {
        self.0.get("match")
    }

    /// What its `listener` match asks for.
    #[must_use]
    pub fn listener(self) -> Option<Node<'a>> {
        self.matched()?.get("listener")
    }

    /// The network filter that it matches.
    #[must_use]
    pub fn filter(self) -> Option<Node<'a>> {
        self.listener()?.at(&["filterChain", "filter"])
    }

    /// The HTTP filter that it matches.
    #[must_use]
    pub fn sub_filter(self) -> Option<Node<'a>> {
        self.filter()?.get("subFilter").filter(|filter| !filter.is_empty())
    }

    /// The operation's name.
    #[must_use]
    pub fn operation_name(self) -> Option<&'a str> {
        self.operation()?.text()
    }

    /// The name of what it puts in.
    #[must_use]
    pub fn value_name(self) -> Option<&'a str> {
        self.value()?.get("name")?.text().filter(|name| !name.is_empty())
    }

    /// The node of its `proxyVersion`.
    #[must_use]
    pub fn proxy_version(self) -> Option<Node<'a>> {
        self.matched()?.at(&["proxy", "proxyVersion"]).filter(|version| !version.is_empty())
    }

    /// The name of the filter that it stands beside, replaces or removes.
    #[must_use]
    pub fn anchor(self) -> Option<Node<'a>> {
        match self.apply_to()? {
            "HTTP_FILTER" => self.sub_filter()?.get("name"),
            "NETWORK_FILTER" => self.filter()?.get("name"),
            "LISTENER_FILTER" => self.listener()?.get("listenerFilter"),
            _ => None,
        }
    }

    /// Whether its result depends on what is there before it, so that the order of patches counts; as `istioctl analyze` sees it, which
    /// leaves out what cannot be applied at all.
    #[must_use]
    pub fn is_relative(self) -> bool {
        match (self.operation_name(), self.apply_to()) {
            (Some("INSERT_BEFORE" | "INSERT_AFTER"), _) => true,
            (Some("REMOVE"), applied) => !matches!(applied, Some("ROUTE_CONFIGURATION" | "HTTP_ROUTE")),
            (Some("REPLACE"), applied) => matches!(applied, Some("NETWORK_FILTER" | "HTTP_FILTER" | "VIRTUAL_HOST")),
            _ => false,
        }
    }
}
