//! Policies: who may, who must show what.

use super::{Dependencies, Subject, pairs};
use crate::document::Node;
use crate::mesh::ROOT_NAMESPACE;
use crate::model::{PeerAuthentication, ResourceKind};
use crate::plan::dependency::Dependency;
use crate::plan::mtls::{MtlsFacts, PolicyTls};

pub(super) fn read(subject: &Subject<'_, '_, '_>, facts: &mut Dependencies) {
    let resource = subject.resource;
    match resource.kind {
        ResourceKind::PeerAuthentication => facts.mtls = MtlsFacts::Policy(PolicyTls::read(PeerAuthentication(resource))),
        ResourceKind::RequestAuthentication => {
            facts.provides.push(Dependency::Issuer(resource.namespace.to_owned(), String::new()));
            let issuers = resource.spec().list("jwtRules").filter_map(|rule| rule.get("issuer")?.text());
            facts.provides.extend(issuers.map(|issuer| Dependency::Issuer(resource.namespace.to_owned(), issuer.to_owned())));
        }
        _ => authorization(subject, facts),
    }
}

fn authorization(subject: &Subject<'_, '_, '_>, facts: &mut Dependencies) {
    let resource = subject.resource;
    let spec = resource.spec();
    let labels: Vec<String> =
        resource.selector().map(pairs).unwrap_or_default().iter().map(|(key, value)| format!("{key}={value}")).collect();
    let targets = spec.get("targetRefs").or_else(|| spec.get("targetRef")).map(|targets| targets.to_json().to_string());
    let scope = [resource.namespace, &labels.join(","), targets.as_deref().unwrap_or_default()].join(" ").trim().to_owned();
    let action = match spec.str_at(&["action"]) {
        None | Some("ALLOW") => "ALLOW",
        Some("DENY") => "DENY",
        Some("CUSTOM") => "CUSTOM",
        _ => "AUDIT",
    };
    for rule in spec.list("rules") {
        facts.provides.push(Dependency::Rule(scope.clone(), action, rule.to_json().to_string()));
        for issuer in required_issuers(rule) {
            let of = |namespace: &str| Dependency::Issuer(namespace.to_owned(), issuer.clone());
            facts.needs.push(vec![of(resource.namespace), of(ROOT_NAMESPACE)]);
        }
    }
}

/// The issuers of tokens that a rule asks for; empty where any will do.
fn required_issuers(rule: Node<'_>) -> Vec<String> {
    let principals = rule.list("from").filter_map(|from| from.get("source")?.get("requestPrincipals")).flat_map(Node::items);
    let of = |principal: &str| principal.rsplit_once('/').map_or("", |(issuer, _)| issuer).to_owned();
    let mut issuers: Vec<String> = principals.filter_map(Node::text).map(of).collect();
    for issuer in &mut issuers {
        if issuer.contains('*') {
            issuer.clear();
        }
    }
    let keys = rule.list("when").filter_map(|when| when.get("key")?.text());
    if keys.into_iter().any(|key| key.starts_with("request.auth.")) {
        issuers.push(String::new());
    }
    issuers.sort();
    issuers.dedup();
    issuers
}
