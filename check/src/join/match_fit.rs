//! Whether a request fits what a route matches, and which condition it misses.

use meshwhy_core::facts::text;

use super::gateway::has_listener_port;
use super::request::FailedRequest;
use crate::document::Node;
use crate::mesh::covers;

/// Whether a request fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// The facts prove it.
    Holds,
    /// It depends on what the facts do not say.
    Open,
    /// It does not.
    Fails,
}

/// What a condition looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// The path.
    Path,
    /// The port of the listener.
    Port,
    /// The method.
    Method,
    /// What no access log has, or what is not told apart.
    Other,
}

/// A condition that is not known to hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Miss<'a> {
    pub(super) subject: Subject,
    /// What is to be changed.
    pub(super) node: Node<'a>,
    /// Whether it certainly fails.
    pub(super) fails: bool,
    /// For a path: how much of it agrees, and whether only case, a slash or the end differ.
    pub(super) common: usize,
    pub(super) is_near: bool,
}

impl<'a> Miss<'a> {
    const fn other(node: Node<'a>, fails: bool) -> Self {
        Self { subject: Subject::Other, node, fails, common: 0, is_near: false }
    }
}

impl<'a> FailedRequest<'_, 'a, '_> {
    /// Whether the request fits a rule: one of its matches, all of whose conditions hold.
    pub(super) fn fit(&self, rule: Node<'a>) -> Fit {
        let list = if rule.get("match").is_some() { "match" } else { "matches" };
        let mut matches = rule.list(list).map(|wanted| self.fit_of(&self.misses(wanted))).peekable();
        if matches.peek().is_none() {
            return Fit::Holds;
        }
        matches.fold(Fit::Fails, |best, fit| match (best, fit) {
            (Fit::Holds, _) | (_, Fit::Holds) => Fit::Holds,
            (Fit::Open, _) | (_, Fit::Open) => Fit::Open,
            _ => Fit::Fails,
        })
    }

    fn fit_of(&self, misses: &[Miss<'a>]) -> Fit {
        match misses {
            [] => Fit::Holds,
            misses if misses.iter().any(|miss| miss.fails) => Fit::Fails,
            _ => Fit::Open,
        }
    }

    /// The conditions of a match that are not known to hold.
    pub(super) fn misses(&self, wanted: Node<'a>) -> Vec<Miss<'a>> {
        let mut misses = Vec::new();
        for (key, value) in wanted.entries() {
            match key.text().unwrap_or_default() {
                "uri" | "path" => misses.extend(self.path_miss(wanted, value)),
                "method" => misses.extend(self.method_miss(value)),
                "authority" => misses.extend(self.authority_miss(value)),
                "port" => misses.extend(self.port_miss(value)),
                "gateways" => misses.extend(self.gateway_miss(value)),
                "sourceLabels" => misses.extend(self.label_misses(value)),
                "sourceNamespace" => misses.extend(self.namespace_miss(value)),
                "sniHosts" => misses.extend(self.server_name_miss(value)),
                "headers" | "queryParams" => misses.extend(open_conditions(value)),
                "withoutHeaders" | "scheme" | "sourceSubnet" | "destinationSubnets" => misses.push(Miss::other(value, false)),
                _ => {}
            }
        }
        misses
    }

    fn path_miss(&self, wanted: Node<'a>, condition: Node<'a>) -> Option<Miss<'a>> {
        let ignores_case = wanted.get("ignoreUriCase").and_then(Node::as_bool) == Some(true);
        let path = text(self.facts.context.path.as_ref()).map(|path| path.split(['?', '#']).next().unwrap_or(path));
        string_miss(condition, path, ignores_case).map(|miss| Miss { subject: Subject::Path, ..miss })
    }

    fn method_miss(&self, condition: Node<'a>) -> Option<Miss<'a>> {
        let miss = string_miss(condition, text(self.facts.context.method.as_ref()), false)?;
        Some(Miss { subject: Subject::Method, ..miss })
    }

    fn authority_miss(&self, condition: Node<'a>) -> Option<Miss<'a>> {
        let whole = text(self.facts.context.authority.as_ref());
        string_miss(condition, whole, true).map(|miss| Miss { subject: Subject::Other, ..miss })
    }

    fn port_miss(&self, wanted: Node<'a>) -> Option<Miss<'a>> {
        let port = if self.is_gateway() { self.listener_port() } else { self.port };
        // A gateway's Service may map the port of its server to another one.
        let is_known = port.is_some() && (!self.is_gateway() || has_listener_port(self));
        let miss = Miss { subject: Subject::Port, ..Miss::other(wanted, is_known) };
        (port.is_none() || wanted.as_integer() != port).then_some(miss)
    }

    fn gateway_miss(&self, names: Node<'a>) -> Option<Miss<'a>> {
        let is_for_mesh = names.items().any(|name| name.text() == Some("mesh"));
        let is_only_for_mesh = names.items().all(|name| name.text() == Some("mesh"));
        let fails = if self.is_gateway() { is_only_for_mesh } else { !is_for_mesh };
        fails.then(|| Miss::other(names.items().next().unwrap_or(names), true))
    }

    fn label_misses(&self, wanted: Node<'a>) -> Vec<Miss<'a>> {
        let labels = self.proxy.map(|proxy| proxy.labels);
        let miss = |(key, value): (Node<'a>, Node<'a>)| {
            let own = key.text().and_then(|key| labels?.get(key));
            (own.is_none() || own != value.text()).then(|| Miss::other(value, own.is_some()))
        };
        wanted.entries().filter_map(miss).collect()
    }

    fn namespace_miss(&self, wanted: Node<'a>) -> Option<Miss<'a>> {
        let own = self.client_namespace();
        (own.is_none() || own != wanted.text()).then(|| Miss::other(wanted, own.is_some()))
    }

    fn server_name_miss(&self, wanted: Node<'a>) -> Option<Miss<'a>> {
        let name = text(self.facts.context.server_name.as_ref());
        let fits = |name: &str| wanted.items().filter_map(Node::text).any(|pattern| covers(pattern, name));
        (!name.is_some_and(fits)).then(|| Miss::other(wanted.items().next().unwrap_or(wanted), name.is_some()))
    }
}

/// Conditions on headers and parameters: nobody logs those; a mapping by name, or the Gateway API's list.
fn open_conditions(conditions: Node<'_>) -> impl Iterator<Item = Miss<'_>> {
    let named = conditions.entries().map(|(name, _)| name);
    let listed = conditions.items().map(|item| item.get("name").unwrap_or(item));
    named.chain(listed).map(|node| Miss::other(node, false))
}

/// How a `StringMatch`, or the Gateway API's `type` and `value`, misses a text.
fn string_miss<'a>(condition: Node<'a>, actual: Option<&str>, ignores_case: bool) -> Option<Miss<'a>> {
    let (kind, node) = kind_and_value(condition)?;
    let wanted = node.text()?;
    let miss = |fails| Miss::other(node, fails);
    let Some(actual) = actual else { return Some(miss(false)) };
    let fold = |text: &str| if ignores_case { text.to_ascii_lowercase() } else { text.to_owned() };
    let holds = |wanted: &str, actual: &str| match kind {
        "exact" | "Exact" => Some(wanted == actual),
        "prefix" => Some(actual.starts_with(wanted)),
        "PathPrefix" => {
            Some(actual.strip_prefix(wanted.trim_end_matches('/')).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
        }
        "regex" | "RegularExpression" => {
            regex_lite::Regex::new(&format!("^(?:{wanted})$")).ok().map(|regex| regex.is_match(actual))
        }
        _ => None,
    };
    let (wanted, actual) = (fold(wanted), fold(actual));
    match holds(&wanted, &actual) {
        Some(true) => None,
        None => Some(miss(false)),
        Some(false) => {
            let common = wanted.bytes().zip(actual.bytes()).take_while(|(one, other)| one == other).count();
            Some(Miss { common, is_near: is_near(kind, &wanted, &actual), ..miss(true) })
        }
    }
}

fn kind_and_value(condition: Node<'_>) -> Option<(&str, Node<'_>)> {
    match (condition.get("value"), condition.get("type")) {
        (Some(value), kind) => Some((kind.and_then(Node::text).unwrap_or("PathPrefix"), value)),
        (None, _) if condition.text().is_some() => Some(("exact", condition)),
        (None, _) => condition.entries().next().and_then(|(key, value)| Some((key.text()?, value))),
    }
}

/// Whether it nearly fits: but for case, a slash at the end, a rest behind it, or a regular expression that has to match all.
fn is_near(kind: &str, wanted: &str, actual: &str) -> bool {
    let trimmed = wanted.trim_end_matches('/');
    match kind {
        "regex" | "RegularExpression" => {
            regex_lite::Regex::new(&format!("(?i){wanted}")).is_ok_and(|regex| regex.is_match(actual))
        }
        _ if trimmed.is_empty() => false,
        "exact" | "Exact" => actual.to_ascii_lowercase().starts_with(&trimmed.to_ascii_lowercase()),
        _ => actual.to_ascii_lowercase().starts_with(&trimmed.to_ascii_lowercase()),
    }
}
