//! Policies that refuse a request: by name where the proxy gives one, else those that would have to allow it.

use meshwhy_core::details::Details;
use meshwhy_core::facts::text;

use super::ConfigurationCause;
use super::request::FailedRequest;
use super::workload::destination;
use crate::document::Node;
use crate::mesh::ROOT_NAMESPACE;
use crate::model::{Resource, ResourceKind, selects};
use crate::rules::Message;

const DENIES: Message =
    Message { en: "{resource} denies the request by this condition", zh: "{resource} 用这个条件拒绝了请求" };
const ALLOWS_NOTHING: Message = Message {
    en: "{resource} allows nothing, and no other policy allows the request",
    zh: "{resource} 不放行任何请求，也没有别的策略放行它",
};
const DOES_NOT_ALLOW: Message = Message {
    en: "{resource} allows what fulfils this condition, and the request does not",
    zh: "{resource} 只放行满足这个条件的请求，而它不满足",
};
const NO_PROVIDER: Message = Message {
    en: "{resource} names the provider {provider}, which the mesh configuration does not have",
    zh: "{resource} 指定的 provider {provider} 在网格配置里不存在",
};
const OTHER_ISSUER: Message = Message {
    en: "{resource} accepts tokens of this issuer only, and the request's is of another",
    zh: "{resource} 只接受这个 issuer 的 token，请求带的是别的",
};
const OTHER_AUDIENCE: Message = Message {
    en: "{resource} accepts tokens for these audiences only, and the request's is for others",
    zh: "{resource} 只接受面向这些 audience 的 token，请求带的不是",
};
const NO_JWKS: Message =
    Message { en: "the keys of {resource} cannot be fetched from here", zh: "从这里取不到 {resource} 的密钥" };

/// Envoy's name of a policy: `ns[NAMESPACE]-policy[NAME]-rule[N]`, with a prefix for CUSTOM.
fn named(policy: &str) -> Option<(&str, &str, usize)> {
    let after = |mark: &str| policy.split_once(mark).map(|(_, rest)| rest);
    let bracketed = |mark| after(mark)?.split_once(']').map(|(inside, _)| inside);
    Some((bracketed("ns[")?, bracketed("policy[")?, bracketed("rule[")?.parse().ok()?))
}

/// What the proxy says of the policy: its name, or `none`.
fn policy<'f>(request: &FailedRequest<'_, '_, 'f>) -> Option<&'f str> {
    if let Some(Details::RbacDenied { policy }) = request.facts.parsed_details() {
        return Some(policy.unwrap_or("none"));
    }
    let closed = text(request.facts.termination_details.as_ref())?;
    let inside = closed.split_once("matched_policy[")?.1;
    inside.strip_suffix(']').or(Some(inside))
}

/// The condition that denied, or the one that would have to be fulfilled.
pub(super) fn denied<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    match policy(request)? {
        "none" => not_allowed(request),
        name => by_name(request, name),
    }
}

fn by_name<'a>(request: &FailedRequest<'_, 'a, '_>, policy: &str) -> Option<ConfigurationCause<'a>> {
    let (namespace, name, number) = named(policy)?;
    let resource = request.mesh.find(ResourceKind::AuthorizationPolicy, namespace, name)?;
    let rule = resource.spec().list("rules").nth(number)?;
    if refused_operations(request, rule).is_some() {
        // The proxy had another version of the policy.
        return None;
    }
    Some(ConfigurationCause::new(&resource, condition(request, rule).unwrap_or(rule), DENIES))
}

/// The condition of a rule that says most of why it fits: an exception that the caller is not, then what was asked for, then the rest.
fn condition<'a>(request: &FailedRequest<'_, 'a, '_>, rule: Node<'a>) -> Option<Node<'a>> {
    let parts = |list: &'static str, part: &'static str| rule.list(list).filter_map(move |entry| entry.get(part));
    let conditions = || parts("to", "operation").chain(parts("from", "source")).chain(rule.list("when"));
    let is_exception = |key: Node<'_>| key.text().is_some_and(|key| key.starts_with("not"));
    let exception = conditions().flat_map(Node::entries).find(|(key, _)| is_exception(*key));
    if let Some((_, values)) = exception {
        return Some(values.items().next().unwrap_or(values));
    }
    let asked = parts("to", "operation").flat_map(Node::entries).find_map(|(key, values)| {
        let value = known(request, key.text()?)?;
        values.items().find(|pattern| pattern.text().is_some_and(|pattern| fits(pattern, &value)))
    });
    asked.or_else(|| {
        let (_, values) = conditions().flat_map(Node::entries).find(|(_, values)| values.is_sequence())?;
        values.items().next()
    })
}

/// What the request has for a field of an operation; `None` for what is not logged.
fn known(request: &FailedRequest<'_, '_, '_>, field: &str) -> Option<String> {
    let context = &request.facts.context;
    match field {
        "paths" | "notPaths" => text(context.path.as_ref()).map(str::to_owned),
        "methods" | "notMethods" => text(context.method.as_ref()).map(str::to_owned),
        "hosts" | "notHosts" => text(context.authority.as_ref()).map(str::to_ascii_lowercase),
        "ports" | "notPorts" => request.listener_port().map(|port| port.to_string()),
        _ => None,
    }
}

/// Whether a pattern of a policy (`name`, `start*`, `*end`, `*`) fits.
fn fits(pattern: &str, value: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        _ if pattern == "*" => true,
        (Some(end), _) => value.ends_with(end),
        (None, Some(start)) => value.starts_with(start),
        (None, None) => pattern == value || pattern.contains('{') && fits_template(pattern, value),
    }
}

/// `/users/{*}/files` and `/files/{**}`.
fn fits_template(pattern: &str, value: &str) -> bool {
    let (mut wanted, mut actual) = (pattern.split('/'), value.split('/'));
    loop {
        match (wanted.next(), actual.next()) {
            (Some("{**}"), _) => return true,
            (Some("{*}"), Some(_)) => {}
            (Some(one), Some(other)) if one == other => {}
            (None, None) => return true,
            _ => return false,
        }
    }
}

/// The policies that select the server: its own, its namespace's and the mesh's.
fn selecting<'a>(request: &FailedRequest<'_, 'a, '_>, kind: ResourceKind) -> Vec<Resource<'a>> {
    let Some(server) = destination(request) else { return Vec::new() };
    let selects_server = |resource: &Resource<'a>| {
        let is_there = resource.namespace == server.namespace || resource.namespace == ROOT_NAMESPACE;
        let selected = |selector| server.labels.iter().any(|labels| selects(selector, *labels));
        is_there && resource.selector().is_none_or(selected)
    };
    request.mesh.of(kind).filter(selects_server).collect()
}

/// How near a rule is to allow the request; the least is the nearest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Distance {
    /// All that is logged fits; the rest is who asked.
    Caller,
    /// What was asked for does not.
    Operation,
    /// It allows nothing at all.
    Nothing,
}

/// What the nearest of the ALLOW policies asks for; nothing where one of them allows the request.
fn not_allowed<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let is_allowing = |policy: &Resource<'_>| matches!(policy.spec().str_at(&["action"]), None | Some("ALLOW"));
    let mut nearest: Option<(Distance, Resource<'a>, Node<'a>)> = None;
    for policy in selecting(request, ResourceKind::AuthorizationPolicy).into_iter().filter(is_allowing) {
        let rules: Vec<Node<'a>> = policy.spec().list("rules").collect();
        let nothing = rules.is_empty().then(|| Some((Distance::Nothing, nothing(&policy))));
        for lack in rules.into_iter().map(|rule| lacking(request, rule)).chain(nothing) {
            let (distance, node) = lack?;
            if nearest.is_none_or(|(known, ..)| distance < known) {
                nearest = Some((distance, policy, node));
            }
        }
    }
    let (distance, policy, node) = nearest?;
    let message = if distance == Distance::Nothing { ALLOWS_NOTHING } else { DOES_NOT_ALLOW };
    Some(ConfigurationCause::new(&policy, node, message))
}

/// Where a policy without rules says that it has none.
fn nothing<'a>(policy: &Resource<'a>) -> Node<'a> {
    let spec = policy.spec();
    ["rules", "action"].iter().find_map(|field| spec.get(field)).unwrap_or(spec)
}

/// The condition of an ALLOW rule that the request lacks; `None` where it fits.
fn lacking<'a>(request: &FailedRequest<'_, 'a, '_>, rule: Node<'a>) -> Option<(Distance, Node<'a>)> {
    let first = |values: Node<'a>| values.items().next().unwrap_or(values);
    if let Some(node) = refused_operations(request, rule) {
        return Some((Distance::Operation, node));
    }
    let sources = rule.list("from").filter_map(|from| from.get("source")).flat_map(Node::entries);
    let source = sources.map(|(_, values)| first(values)).next();
    let when = || rule.list("when").find_map(|when| when.get("values").or_else(|| when.get("notValues"))).map(first);
    source.or_else(when).map(|node| (Distance::Caller, node))
}

/// What refuses the first operation of a rule, where the request certainly fits none of them.
fn refused_operations<'a>(request: &FailedRequest<'_, 'a, '_>, rule: Node<'a>) -> Option<Node<'a>> {
    let operations = rule.list("to").filter_map(|to| to.get("operation"));
    let refused: Option<Vec<Node<'a>>> = operations.map(|operation| refused_operation(request, operation)).collect();
    refused?.first().copied()
}

/// The field of an operation that the request certainly does not fit.
fn refused_operation<'a>(request: &FailedRequest<'_, 'a, '_>, operation: Node<'a>) -> Option<Node<'a>> {
    operation.entries().find_map(|(key, values)| {
        let field = key.text()?;
        let value = known(request, field)?;
        let fitting = values.items().find(|pattern| pattern.text().is_some_and(|pattern| fits(pattern, &value)));
        if field.starts_with("not") {
            fitting
        } else if fitting.is_none() {
            Some(values.items().next().unwrap_or(values))
        } else {
            None
        }
    })
}

/// The provider that a CUSTOM policy names and that is not there.
pub(super) fn custom_provider<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let resource = match policy(request).and_then(named) {
        Some((namespace, name, _)) => request.mesh.find(ResourceKind::AuthorizationPolicy, namespace, name)?,
        None => {
            let mut custom = selecting(request, ResourceKind::AuthorizationPolicy)
                .into_iter()
                .filter(|policy| policy.spec().str_at(&["action"]) == Some("CUSTOM"));
            custom.next().filter(|_| custom.next().is_none())?
        }
    };
    let node = resource.spec().at(&["provider", "name"])?;
    Some(ConfigurationCause::new(&resource, node, NO_PROVIDER).with("provider", node.text()?))
}

/// The only rule for tokens that the server has.
fn token_rule<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<(Resource<'a>, Node<'a>)> {
    let policies = selecting(request, ResourceKind::RequestAuthentication).into_iter();
    let mut rules =
        policies.flat_map(|policy| policy.spec().list("jwtRules").map(move |rule| (policy, rule)).collect::<Vec<_>>());
    rules.next().filter(|_| rules.next().is_none())
}

/// What a token would have to have; what is wrong with the token itself is in no file.
pub(super) fn jwt<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let Some(Details::JwtDenied { status }) = request.facts.parsed_details() else { return None };
    let status = status.to_ascii_lowercase().replace('_', " ");
    let (field, message) = match () {
        () if status.contains("issuer is not configured") => ("issuer", OTHER_ISSUER),
        () if status.contains("audiences in jwt are not allowed") => ("audiences", OTHER_AUDIENCE),
        () if status.contains("remote fetch") => return jwks(request),
        () => return None,
    };
    let (policy, rule) = token_rule(request)?;
    let node = rule.get(field)?;
    Some(ConfigurationCause::new(&policy, node.items().next().unwrap_or(node), message))
}

/// Where the keys of tokens are fetched from.
pub(super) fn jwks<'a>(request: &FailedRequest<'_, 'a, '_>) -> Option<ConfigurationCause<'a>> {
    let (policy, rule) = token_rule(request)?;
    let node = rule
        .get("jwksUri")
        .or_else(|| rule.get("jwks_uri"))
        .or_else(|| rule.get("issuer").filter(|_| rule.get("jwks").is_none()))?;
    Some(ConfigurationCause::new(&policy, node, NO_JWKS))
}
