//! Which matches of a VirtualService earlier ones leave nothing for.

use foldhash::HashMap;

use super::{Route, RouteProtocol, VirtualService};
use crate::document::Node;

/// A match that never decides, or a route that is never taken.
#[derive(Debug, Clone, Copy)]
pub enum Shadow<'a> {
    /// The whole route; `by` is what takes its requests.
    Route {
        /// The route.
        route: Route<'a>,
        /// An earlier match, or an earlier route without one.
        by: Node<'a>,
    },
    /// One match of it.
    Match {
        /// The match.
        node: Node<'a>,
        /// The earlier match that covers it.
        by: Node<'a>,
        /// Whether both lead to the same route, so that nothing is lost.
        is_harmless: bool,
    },
}

/// A match and what it asks for.
struct Seen<'a> {
    route: usize,
    node: Node<'a>,
    conditions: Vec<(&'a str, String)>,
    uri: Option<(&'a str, &'a str)>,
}

/// What says nothing about requests.
const LABELS: [&str; 2] = ["name", "statPrefix"];

/// The shadows of a VirtualService.
///
/// # Cost
/// For `http`, each match is held against all before it.
#[must_use]
pub fn shadows<'a>(service: &VirtualService<'a>) -> Vec<Shadow<'a>> {
    let mut found = Vec::new();
    for protocol in RouteProtocol::ALL {
        let routes = service.routes().filter(|route| route.protocol == protocol);
        shadows_of(&routes.collect::<Vec<_>>(), &mut found);
    }
    found
}

fn shadows_of<'a>(routes: &[Route<'a>], found: &mut Vec<Shadow<'a>>) {
    let mut catch_all: Option<Node<'a>> = None;
    let mut equal: HashMap<String, Node<'a>> = HashMap::default();
    let mut seen: Vec<Seen<'a>> = Vec::new();
    for (at, route) in routes.iter().enumerate() {
        if let Some(by) = catch_all {
            found.push(Shadow::Route { route: *route, by });
            continue;
        }
        let matches: Vec<_> = route.matches().map(|node| Seen::read(at, node)).collect();
        if matches.is_empty() {
            catch_all = Some(route.node);
        }
        let repeated: Vec<_> = matches.iter().map(|own| equal.get(&own.key()).copied()).collect();
        match repeated.first().copied().flatten() {
            Some(by) if repeated.iter().all(Option::is_some) => found.push(Shadow::Route { route: *route, by }),
            _ => {
                for own in matches {
                    if let Some(shadow) = shadow_of(&own, &equal, &seen, route.protocol) {
                        found.push(shadow);
                    } else {
                        equal.insert(own.key(), own.node);
                        seen.push(own);
                    }
                }
            }
        }
    }
}

fn shadow_of<'a>(
    own: &Seen<'a>,
    equal: &HashMap<String, Node<'a>>,
    seen: &[Seen<'a>],
    protocol: RouteProtocol,
) -> Option<Shadow<'a>> {
    if let Some(by) = equal.get(&own.key()) {
        let is_harmless = seen.iter().any(|earlier| earlier.node == *by && earlier.route == own.route);
        return Some(Shadow::Match { node: own.node, by: *by, is_harmless });
    }
    let is_http = protocol == RouteProtocol::Http;
    let by = seen.iter().find(|earlier| is_http && earlier.covers(own))?;
    Some(Shadow::Match { node: own.node, by: by.node, is_harmless: by.route == own.route })
}

impl<'a> Seen<'a> {
    fn read(route: usize, node: Node<'a>) -> Self {
        let asked = node.entries().filter_map(|(key, value)| Some((key.text()?, value)));
        let asked = asked.filter(|(key, value)| !LABELS.contains(key) && !value.is_empty());
        let mut conditions: Vec<_> = asked.map(|(key, value)| (key, value.to_json().to_string())).collect();
        conditions.sort();
        let uri = node.get("uri").and_then(|uri| uri.entries().next());
        let uri = uri.and_then(|(kind, value)| Some((kind.text()?, value.text()?)));
        Self { route, node, conditions, uri }
    }

    fn key(&self) -> String {
        self.conditions.iter().map(|(key, value)| format!("{key}={value};")).collect()
    }

    /// Whether a request that the later one asks for is one that this asks for. In one route only prefixes are held against each other, as
    /// Istio does: overlapping alternatives harm nobody.
    fn covers(&self, later: &Self) -> bool {
        if self.route == later.route && !(self.is_prefix() && later.is_prefix()) {
            return false;
        }
        let is_asked = |condition: &(&'a str, String)| later.conditions.contains(condition);
        let is_ignored = |key: &str| key == "uri" || key == "ignoreUriCase";
        self.covers_uri(later) && self.conditions.iter().filter(|(key, _)| !is_ignored(key)).all(is_asked)
    }

    fn is_prefix(&self) -> bool {
        matches!(self.uri, Some(("prefix", _)))
    }

    fn covers_uri(&self, later: &Self) -> bool {
        let ignores_case =
            |seen: &Self| seen.conditions.iter().any(|(key, value)| *key == "ignoreUriCase" && value.contains("true"));
        match (self.uri, later.uri) {
            (None | Some(("prefix", "/")), _) => true,
            (Some(("prefix", prefix)), Some(("prefix" | "exact", value))) => {
                value.starts_with(prefix) && (ignores_case(self) || !ignores_case(later))
            }
            (Some(own), Some(other)) => own == other && ignores_case(self) == ignores_case(later),
            (Some(_), None) => false,
        }
    }
}
