//! The authorization policies that a proxy holds, and what they make of a request.
//!
//! Source: Envoy `api/envoy/config/rbac/v3/rbac.proto` and `source/extensions/filters/common/rbac`, 1.40; Istio
//! `pilot/pkg/security/authz`, 1.29.

mod tree;

use serde_json::value::RawValue;

pub use self::tree::Tree;
use crate::config::Filter;
use crate::matching::{Check, Truth};
use crate::proto_json::{Object, Text, read};
use crate::route::Request;

/// What a filter does with requests that a policy of it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Lets them pass, and no others.
    Allow,
    /// Refuses them.
    Deny,
}

/// One filter with its policies.
#[derive(Debug, Clone)]
pub struct Policies {
    /// What it does.
    pub action: Action,
    /// Its policies in the order of their names, which is Envoy's.
    pub policies: Vec<Policy>,
    /// Whether it chooses by a tree that is not read.
    pub is_open: bool,
}

/// One policy of a filter; with Istio, one rule of an AuthorizationPolicy.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Its name, with Istio `ns[NAMESPACE]-policy[NAME]-rule[NUMBER]`.
    pub name: String,
    /// What is done, and by whom.
    pub tree: Tree,
}

/// What a filter makes of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What the filter does.
    pub action: Action,
    /// Whether the request passes.
    pub passes: Truth,
    /// The policy that decides, by its name.
    pub by: Option<String>,
    /// What keeps each policy from matching, the nearest first; where one matches, nothing.
    pub near: Vec<(String, Vec<Check>)>,
}

impl Policies {
    /// The policies of a filter for HTTP or for connections; `None` where it is another filter or only watches.
    #[must_use]
    pub fn of(filter: &Filter<'_>) -> Option<Self> {
        Self::read(&filter.typed_config.filter(|config| config.is(".RBAC"))?.decode().ok()?)
    }

    /// The policies of a filter's configuration.
    #[must_use]
    pub(crate) fn read(config: &Object<'_>) -> Option<Self> {
        if config.get("matcher").is_some() {
            return Some(Self::unknown());
        }
        let rules: Object<'_> = config.read("rules")?;
        let action = match rules.read::<Text<'_>>("action").as_deref() {
            None | Some("ALLOW") => Action::Allow,
            Some("DENY") => Action::Deny,
            Some(_) => return None,
        };
        let policies: Object<'_> = rules.read("policies").unwrap_or_default();
        let mut policies: Vec<Policy> = policies.fields().map(|(name, policy)| Policy::read(name, policy)).collect();
        policies.sort_by(|one, other| one.name.cmp(&other.name));
        Some(Self { action, policies, is_open: false })
    }

    /// Policies of which nothing is known.
    pub(crate) const fn unknown() -> Self {
        Self { action: Action::Allow, policies: Vec::new(), is_open: true }
    }

    /// What becomes of a request.
    #[must_use]
    pub fn decide(&self, request: &Request) -> Decision {
        let checked: Vec<(&Policy, Truth)> = self.policies.iter().map(|policy| (policy, policy.tree.holds(request))).collect();
        let matched = if self.is_open { Truth::Unknown } else { Truth::any(checked.iter().map(|(_, truth)| *truth)) };
        let by =
            checked.iter().find(|(_, truth)| *truth == matched && *truth != Truth::No).map(|(policy, _)| policy.name.clone());
        let mut near: Vec<(String, Vec<Check>)> = match matched {
            Truth::Yes => Vec::new(),
            Truth::No | Truth::Unknown => {
                checked.iter().map(|(policy, _)| (policy.name.clone(), policy.tree.misses(request))).collect()
            }
        };
        near.sort_by_key(|(_, misses)| (misses.iter().filter(|miss| miss.truth == Truth::No).count(), misses.len()));
        let passes = if self.action == Action::Allow { matched } else { !matched };
        Decision { action: self.action, passes, by, near }
    }
}

impl Policy {
    fn read(name: &str, raw: &RawValue) -> Self {
        let policy: Object<'_> = read(raw).unwrap_or_default();
        let any = |field: &str| {
            let list: Vec<&RawValue> = policy.read(field).unwrap_or_default();
            Tree::Any(list.into_iter().map(Tree::read).collect())
        };
        let mut parts = vec![any("principals"), any("permissions")];
        // A condition in CEL is one more that has to hold.
        parts.extend(
            ["condition", "checked_condition", "cel_config"]
                .into_iter()
                .filter(|field| policy.get(field).is_some())
                .map(Tree::other),
        );
        Self { name: name.to_owned(), tree: Tree::All(parts) }
    }

    /// The AuthorizationPolicy and the number of the rule from 0, where it is one of Istio's.
    #[must_use]
    pub fn authorization_policy(name: &str) -> Option<(String, &str)> {
        let (_, rest) = name.split_once("ns[")?;
        let (namespace, rest) = rest.split_once("]-policy[")?;
        let (policy, rest) = rest.split_once("]-rule[")?;
        Some((format!("AuthorizationPolicy {namespace}/{policy}"), rest.split_once(']')?.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILTER: &str = r#"{"name":"envoy.filters.http.rbac","typed_config":{"@type":"type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
        "rules":{"policies":{"ns[shop]-policy[from-storefront]-rule[0]":{
        "permissions":[{"and_rules":{"rules":[{"or_rules":{"rules":[{"header":{"name":":method","string_match":{"exact":"GET"}}},
        {"header":{"name":":method","string_match":{"exact":"POST"}}}]}}]}}],
        "principals":[{"and_ids":{"ids":[{"or_ids":{"ids":[{"authenticated":{"principal_name":{"exact":"spiffe://cluster.local/ns/shop/sa/storefront"}}}]}},
        {"not_id":{"source_ip":{"address_prefix":"10.9.0.0","prefix_len":16}}}]}}]}}}}}"#;

    #[test]
    fn the_field_that_keeps_a_rule_from_matching_is_named() {
        let filter: Filter<'_> = serde_json::from_str(FILTER).unwrap();
        let policies = Policies::of(&filter).unwrap();
        let mut request = Request { method: "GET".into(), tls: true, ..Request::default() };
        request.peer.address = Some([10, 1, 1, 1].into());
        assert_eq!(policies.decide(&request).passes, Truth::Unknown);
        request.peer.principal = Some("spiffe://cluster.local/ns/shop/sa/storefront".into());
        let decision = policies.decide(&request);
        assert_eq!((decision.passes, decision.by.as_deref()), (Truth::Yes, Some("ns[shop]-policy[from-storefront]-rule[0]")));
        request.method = "DELETE".into();
        let decision = policies.decide(&request);
        let said: Vec<String> = decision.near[0].1.iter().map(|check| check.prose(meshwhy_core::Lang::En)).collect();
        assert_eq!((decision.passes, said), (Truth::No, vec!["method: wanted exact `GET`, request has `DELETE`".to_owned()]));
        request.method = "GET".into();
        request.peer.address = Some([10, 9, 1, 1].into());
        let decision = policies.decide(&request);
        let said: Vec<String> = decision.near[0].1.iter().map(|check| check.prose(meshwhy_core::Lang::En)).collect();
        assert_eq!(said, ["client's address: wanted anything but an address of 10.9.0.0/16, request has `10.9.1.1`"]);
        // Plaintext carries no identity.
        request.tls = false;
        request.peer = crate::route::Peer::default();
        assert_eq!(policies.decide(&request).passes, Truth::No);
    }

    #[test]
    fn a_rule_of_istio_has_a_resource() {
        let found = Policy::authorization_policy("istio-ext-authz-ns[shop]-policy[opa]-rule[2]-deny-due-to-bad-CUSTOM-action");
        assert_eq!(found, Some(("AuthorizationPolicy shop/opa".to_owned(), "2")));
        assert_eq!(Policy::authorization_policy("mine"), None);
    }
}
