//! AuthorizationPolicies.

use super::Resource;
use crate::document::Node;

/// An AuthorizationPolicy.
#[derive(Debug, Clone, Copy)]
pub struct AuthorizationPolicy<'a>(pub Resource<'a>);

/// `AuthorizationPolicy.Action`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are Istio's")]
pub enum PolicyAction {
    Allow,
    Deny,
    Audit,
    Custom,
}

/// An element of its `rules`.
#[derive(Debug, Clone, Copy)]
pub struct PolicyRule<'a>(pub Node<'a>);

/// One thing that a rule asks for: a field of a `source` or of an `operation`, or the `key` of a `when`.
#[derive(Debug, Clone, Copy)]
pub struct PolicyCondition<'a> {
    /// The field's name, such as `notPrincipals`, or the attribute, such as `source.principal`.
    pub name: &'a str,
    /// The node of the name.
    pub node: Node<'a>,
    /// The list of values.
    pub values: Node<'a>,
}

impl<'a> AuthorizationPolicy<'a> {
    /// What it does with requests that match; `None` for a word that Istio does not know.
    #[must_use]
    pub fn action(&self) -> Option<PolicyAction> {
        Some(match self.0.spec().get("action").map_or(Some("ALLOW"), Node::text)? {
            "ALLOW" => PolicyAction::Allow,
            "DENY" => PolicyAction::Deny,
            "AUDIT" => PolicyAction::Audit,
            "CUSTOM" => PolicyAction::Custom,
            _ => return None,
        })
    }

    /// Its rules.
    pub fn rules(&self) -> impl Iterator<Item = PolicyRule<'a>> + Clone + use<'a> {
        self.0.spec().list("rules").map(PolicyRule)
    }

    /// Whether Istio only counts what it would do.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.0.annotations().get("istio.io/dry-run") == Some("true")
    }
}

impl<'a> PolicyRule<'a> {
    /// The `source` mappings of its `from`.
    pub fn sources(self) -> impl Iterator<Item = Node<'a>> + Clone {
        self.0.list("from").filter_map(|from| from.get("source"))
    }

    /// The `operation` mappings of its `to`.
    pub fn operations(self) -> impl Iterator<Item = Node<'a>> + Clone {
        self.0.list("to").filter_map(|to| to.get("operation"))
    }

    /// Everything that it asks for.
    pub fn conditions(self) -> impl Iterator<Item = PolicyCondition<'a>> + Clone {
        let fields = self.sources().chain(self.operations()).flat_map(Node::entries);
        let fields = fields.filter_map(|(node, values)| Some(PolicyCondition { name: node.text()?, node, values }));
        let whens = self.0.list("when").filter_map(|when| {
            let node = when.get("key")?;
            let values = when.get("values").or_else(|| when.get("notValues"))?;
            Some(PolicyCondition { name: node.text()?, node, values })
        });
        fields.chain(whens)
    }
}

impl PolicyCondition<'_> {
    /// Whether it is about the client's certificate, which only mutual TLS shows.
    #[must_use]
    pub fn is_of_peer(&self) -> bool {
        matches!(
            self.name,
            "principals"
                | "notPrincipals"
                | "namespaces"
                | "notNamespaces"
                | "serviceAccounts"
                | "notServiceAccounts"
                | "trustDomains"
                | "notTrustDomains"
                | "source.principal"
                | "source.namespace"
                | "source.serviceAccount"
                | "source.trustDomain"
        )
    }

    /// Whether it is about a token, which only a RequestAuthentication validates.
    #[must_use]
    pub fn is_of_token(&self) -> bool {
        matches!(self.name, "requestPrincipals" | "notRequestPrincipals") || self.name.starts_with("request.auth.")
    }

    /// Whether only HTTP has it.
    #[must_use]
    pub fn is_of_http(&self) -> bool {
        const FIELDS: [&str; 6] = ["paths", "notPaths", "methods", "notMethods", "hosts", "notHosts"];
        FIELDS.contains(&self.name) || self.is_of_token() || self.name.starts_with("request.headers")
    }
}
