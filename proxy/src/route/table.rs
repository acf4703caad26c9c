//! Which virtual host and which route of a table a request gets.

use super::authority::{self, DomainMiss, miss};
use super::request::Request;
use crate::config::{Route, RouteConfiguration, VirtualHost};
use crate::matching::{Check, Condition, Expectation, Subject, Truth};

/// Which route a request gets.
#[derive(Debug, Clone, PartialEq)]
pub enum RouteChoice {
    /// This one, by its place in the virtual host.
    Certain(usize),
    /// The first of these whose open conditions hold; the last needs none where `ends` says so. Otherwise perhaps none.
    Open {
        /// Their places, in their order.
        candidates: Vec<usize>,
        /// Whether the last one matches in any case.
        ends: bool,
    },
    /// None of the virtual host.
    None,
    /// The virtual host redirects plaintext to HTTPS.
    TlsRedirect,
    /// The virtual host redirects plaintext to HTTPS, except that of clients which the connection manager takes for internal ones.
    ExternalTlsRedirect,
    /// The virtual host chooses by a tree, which is not read.
    Tree,
}

/// The virtual host of a request.
#[derive(Debug, Clone)]
pub struct VirtualHostChoice<'t, 'a> {
    /// The virtual host.
    pub host: &'t VirtualHost<'a>,
    /// The domain that it has the authority by.
    pub domain: &'t str,
    /// The route.
    pub route: RouteChoice,
    /// What came of each route's conditions, in the order of the routes.
    pub checks: Vec<RouteChecks>,
}

/// What came of the conditions of one route.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteChecks {
    /// The place of the route in its virtual host.
    pub index: usize,
    /// Its conditions.
    pub checks: Vec<Check>,
    /// Whether all hold.
    pub truth: Truth,
}

/// What a table makes of a request.
#[derive(Debug, Clone)]
pub struct TableAnswer<'t, 'a> {
    /// The virtual host; `None` where none has the authority.
    pub chosen: Option<VirtualHostChoice<'t, 'a>>,
    /// Whether the virtual host cannot be known: one of a header that stands for the authority, or delivered on demand.
    pub is_open: bool,
}

/// A virtual host that does not have the authority, and how near it comes.
#[derive(Debug, Clone)]
pub struct NearHost<'t, 'a> {
    /// The virtual host.
    pub host: &'t VirtualHost<'a>,
    /// The nearest of its domains.
    pub domain: &'t str,
    /// How the authority misses that.
    pub miss: DomainMiss,
    /// From 0 to 1.
    pub similarity: f64,
}

/// What a table makes of a request whose authority and path are already as the connection manager leaves them.
#[must_use]
pub fn answer<'t, 'a>(table: &'t RouteConfiguration<'a>, request: &Request) -> TableAnswer<'t, 'a> {
    let is_open = !table.vhost_header.is_empty();
    if is_open {
        return TableAnswer { chosen: None, is_open };
    }
    let chosen = authority::virtual_host(table, &request.authority).and_then(|(index, domain)| {
        let host = table.virtual_hosts.get(index)?;
        let checks = checks(table, host, request);
        Some(VirtualHostChoice { host, domain, route: choice(host, request, &checks), checks })
    });
    let is_open = chosen.is_none() && table.vhds.is_some();
    TableAnswer { chosen, is_open }
}

fn choice(host: &VirtualHost<'_>, request: &Request, checks: &[RouteChecks]) -> RouteChoice {
    match &*host.require_tls {
        "ALL" if !request.tls => return RouteChoice::TlsRedirect,
        "EXTERNAL_ONLY" if !request.tls => return RouteChoice::ExternalTlsRedirect,
        _ => {}
    }
    if host.matcher.is_some() {
        return RouteChoice::Tree;
    }
    let mut candidates = Vec::new();
    for route in checks {
        match route.truth {
            Truth::No => {}
            Truth::Unknown => candidates.push(route.index),
            Truth::Yes if candidates.is_empty() => return RouteChoice::Certain(route.index),
            Truth::Yes => {
                candidates.push(route.index);
                return RouteChoice::Open { candidates, ends: true };
            }
        }
    }
    if candidates.is_empty() { RouteChoice::None } else { RouteChoice::Open { candidates, ends: false } }
}

fn checks(table: &RouteConfiguration<'_>, host: &VirtualHost<'_>, request: &Request) -> Vec<RouteChecks> {
    let ignores_parameters = table.ignore_path_parameters_in_path_matching;
    let of_route = |(index, route): (usize, &Route<'_>)| {
        let checks: Vec<Check> = Condition::of_route_match(&route.conditions)
            .iter()
            .map(|condition| match condition.subject {
                Subject::Path if ignores_parameters => condition.check_value(request.path_without_parameters()),
                _ => condition.check(request),
            })
            .collect();
        let truth = Truth::all(checks.iter().map(|check| check.truth));
        let truth = if is_without_path(request, &checks) { Truth::No } else { truth };
        RouteChecks { index, checks, truth }
    };
    host.routes.iter().enumerate().map(of_route).collect()
}

/// CONNECT has no path, so that only routes made for it are looked at.
fn is_without_path(request: &Request, checks: &[Check]) -> bool {
    request.method == "CONNECT" && !checks.iter().any(|check| check.condition.subject == Subject::Connect)
}

/// The routes that did not match, the nearest first: those of this path, then fewest conditions that fail, then the longest part of the
/// path in common.
#[must_use]
pub fn nearest_routes<'c>(checks: &'c [RouteChecks], request: &Request) -> Vec<&'c RouteChecks> {
    let mut near: Vec<_> = checks.iter().filter(|route| route.truth == Truth::No).collect();
    near.sort_by_key(|route| {
        let failing = route.checks.iter().filter(|check| check.truth == Truth::No);
        let is_elsewhere = failing.clone().any(|check| check.condition.subject == Subject::Path);
        (is_elsewhere, failing.clone().count(), std::cmp::Reverse(failing.map(|check| in_common(check, request)).sum::<usize>()))
    });
    near
}

/// How many letters a path shares with what was wanted of it.
fn in_common(check: &Check, request: &Request) -> usize {
    match (&check.condition.subject, &check.condition.expectation) {
        (Subject::Path, Expectation::Exact(wanted) | Expectation::Prefix(wanted) | Expectation::SeparatedPrefix(wanted)) => {
            wanted.bytes().zip(request.path.bytes()).take_while(|(one, other)| one == other).count()
        }
        _ => 0,
    }
}

/// The virtual hosts of a table, the nearest first.
#[must_use]
pub fn nearest_hosts<'t, 'a>(table: &'t RouteConfiguration<'a>, authority: &str) -> Vec<NearHost<'t, 'a>> {
    let near = |host: &'t VirtualHost<'a>| {
        let of_domain = |domain: &'t crate::proto_json::Text<'a>| {
            let (miss, similarity) = miss(domain, authority);
            NearHost { host, domain, miss, similarity }
        };
        host.domains.iter().map(of_domain).min_by(nearer)
    };
    let mut hosts: Vec<_> = table.virtual_hosts.iter().filter_map(near).collect();
    hosts.sort_by(nearer);
    hosts
}

fn nearer(one: &NearHost<'_, '_>, other: &NearHost<'_, '_>) -> std::cmp::Ordering {
    one.miss.cmp(&other.miss).then(other.similarity.total_cmp(&one.similarity))
}
