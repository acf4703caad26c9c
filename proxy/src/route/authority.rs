//! Authorities and the domains of virtual hosts.
//!
//! Source: Envoy `source/common/router/config_impl.cc` and `source/common/http/header_utility.cc`, 1.40.

use serde::Serialize;

use crate::config::{HttpConnectionManager, RouteConfiguration};

/// The authority that virtual hosts are compared with: what the connection manager and the table take away is gone.
#[must_use]
pub fn effective(authority: &str, port: u16, manager: &HttpConnectionManager<'_>) -> String {
    let mut authority = authority.to_owned();
    if manager.strip_trailing_host_dot {
        authority = without_dot(&authority);
    }
    if manager.strip_any_host_port || manager.strip_matching_host_port {
        let (host, its_port) = split_port(&authority);
        let its_port = its_port.and_then(|its_port| its_port.parse::<u32>().ok());
        if its_port.is_some_and(|its_port| manager.strip_any_host_port || its_port == u32::from(port)) {
            authority = host.to_owned();
        }
    }
    authority
}

/// The virtual host of an authority, and the domain that it has it by.
#[must_use]
pub fn virtual_host<'t>(table: &'t RouteConfiguration<'_>, authority: &str) -> Option<(usize, &'t str)> {
    let host = if table.ignore_port_in_host_matching { split_port(authority).0 } else { authority };
    let host = host.to_ascii_lowercase();
    let domains = || {
        let of_host =
            |(index, host): (usize, &'t crate::config::VirtualHost<'_>)| host.domains.iter().map(move |it| (index, &**it));
        table.virtual_hosts.iter().enumerate().flat_map(of_host)
    };
    // A table with a default host alone looks at nothing.
    if domains().all(|(_, domain)| domain == "*") {
        return domains().next();
    }
    if host.is_empty() {
        return None;
    }
    let rank = |domain: &str| {
        let domain = domain.to_ascii_lowercase();
        let longer = |part: &str| part.len() < host.len();
        match (domain.strip_prefix('*'), domain.strip_suffix('*')) {
            _ if domain == "*" => Some((0, 0)),
            (Some(suffix), _) => (host.ends_with(suffix) && longer(suffix)).then_some((2, suffix.len())),
            (None, Some(prefix)) => (host.starts_with(prefix) && longer(prefix)).then_some((1, prefix.len())),
            (None, None) => (domain == host).then_some((3, 0)),
        }
    };
    domains()
        .filter_map(|(index, domain)| Some((rank(domain)?, index, domain)))
        .max_by_key(|(rank, ..)| *rank)
        .map(|(_, index, domain)| (index, domain))
}

/// Host and port of an authority; the brackets of an address stay.
#[must_use]
pub fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rfind(':') {
        Some(at) if authority.rfind(']').is_none_or(|bracket| bracket < at) => {
            (authority.get(..at).unwrap_or_default(), authority.get(at + 1..))
        }
        _ => (authority, None),
    }
}

fn without_dot(authority: &str) -> String {
    let (host, port) = split_port(authority);
    let host = host.strip_suffix('.').unwrap_or(host);
    port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// How an authority misses a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DomainMiss {
    /// All but the port is right.
    Port,
    /// All but a dot at the end is right.
    TrailingDot,
    /// It is the beginning of the domain: a short name.
    ShortName,
    /// The domain is its beginning.
    LongName,
    /// It is a subdomain of the domain, or the other way round.
    Subdomain,
    /// It is spelt nearly so.
    Spelling,
    /// It is another one.
    Different,
}

/// How an authority misses a domain, and how alike they are, from 0 to 1.
#[must_use]
pub fn miss(domain: &str, authority: &str) -> (DomainMiss, f64) {
    let (domain, authority) = (domain.to_ascii_lowercase(), authority.to_ascii_lowercase());
    let bare = |text: &str| split_port(text).0.trim_end_matches('.').to_owned();
    let (bare_domain, bare_authority) = (bare(&domain), bare(&authority));
    let similarity = strsim::normalized_damerau_levenshtein(bounded(&bare_domain), bounded(&bare_authority));
    let begins = |whole: &str, part: &str| !part.is_empty() && whole.strip_prefix(part).is_some_and(|rest| rest.starts_with('.'));
    let miss = match () {
        () if bare_domain == bare_authority && split_port(&domain).1 != split_port(&authority).1 => DomainMiss::Port,
        () if bare_domain == bare_authority => DomainMiss::TrailingDot,
        () if begins(&bare_domain, &bare_authority) => DomainMiss::ShortName,
        () if begins(&bare_authority, &bare_domain) => DomainMiss::LongName,
        () if is_below(&bare_authority, &bare_domain) || is_below(&bare_domain, &bare_authority) => DomainMiss::Subdomain,
        () if similarity >= 0.75 => DomainMiss::Spelling,
        () => DomainMiss::Different,
    };
    (miss, similarity)
}

fn is_below(long: &str, short: &str) -> bool {
    let short = short.trim_start_matches('*').trim_start_matches('.');
    !short.is_empty() && long.strip_suffix(short).is_some_and(|rest| rest.ends_with('.'))
}

/// Comparing takes as long as both are long together.
fn bounded(text: &str) -> &str {
    text.get(..256).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(json: &str) -> RouteConfiguration<'_> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_most_exact_domain_has_the_authority() {
        let table = table(
            r#"{"virtual_hosts":[{"domains":["*"]},{"domains":["*.shop.example","*-eu.shop.example"]},{"domains":["shop.*"]},
            {"domains":["www.Shop.example","www.shop.example:8080"]}]}"#,
        );
        for (authority, expected) in [
            ("WWW.shop.example", Some((3, "www.Shop.example"))),
            ("www.shop.example:8080", Some((3, "www.shop.example:8080"))),
            ("a-eu.shop.example", Some((1, "*-eu.shop.example"))),
            ("-eu.shop.example", Some((1, "*.shop.example"))),
            (".shop.example", Some((0, "*"))),
            ("shop.org", Some((2, "shop.*"))),
            ("shop.", Some((0, "*"))),
            ("www.shop.example:1", Some((0, "*"))),
        ] {
            assert_eq!(virtual_host(&table, authority), expected, "{authority}");
        }
    }

    #[test]
    fn ports_and_dots_are_taken_off_as_configured() {
        let manager = |strip_any, strip_matching, dot| HttpConnectionManager {
            strip_any_host_port: strip_any,
            strip_matching_host_port: strip_matching,
            strip_trailing_host_dot: dot,
            ..HttpConnectionManager::default()
        };
        assert_eq!(effective("a:81", 80, &manager(true, false, false)), "a");
        assert_eq!(effective("a:81", 80, &manager(false, true, false)), "a:81");
        assert_eq!(effective("a.:80", 80, &manager(false, true, true)), "a");
        assert_eq!(effective("[::1]", 80, &manager(true, false, false)), "[::1]");
    }

    #[test]
    fn misses_have_names() {
        for (domain, authority, expected) in [
            ("httpbin.example.com", "httpbin.example.com:31080", DomainMiss::Port),
            ("a.b.svc.cluster.local", "a.b.svc.cluster.local.", DomainMiss::TrailingDot),
            ("a.b.svc.cluster.local", "a.b", DomainMiss::ShortName),
            ("reviews", "reviews.shop", DomainMiss::LongName),
            ("*.shop.example", "shop.example", DomainMiss::Subdomain),
            ("shop.example", "www.shop.example", DomainMiss::Subdomain),
            ("reviews.shop", "review.shop", DomainMiss::Spelling),
            ("ledger", "api.example", DomainMiss::Different),
        ] {
            assert_eq!(miss(domain, authority).0, expected, "{domain} {authority}");
        }
    }
}
