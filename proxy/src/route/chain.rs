//! Which filter chain of a listener a connection gets.
//!
//! Source: Envoy `source/common/listener_manager/filter_chain_manager_impl.cc`, 1.40: criterion after criterion, and never a step back.

use super::Request;
use crate::config::{FilterChain, FilterChainMatch, ListenerConfig};
use crate::matching::Range;

/// The chain of a connection.
#[derive(Debug, Clone)]
pub enum ChainChoice<'l, 'a> {
    /// This one; whether because of its own criteria.
    Chosen(&'l FilterChain<'a>, bool),
    /// It depends on this criterion, which is not known.
    Open(&'static str),
    /// None: Envoy closes the connection.
    None,
}

/// What mesh clients offer with their TLS, most wanted first.
///
/// Source: Istio `pilot/pkg/networking/util/util.go`, 1.29.
const OF_MESH: [&str; 3] = ["istio-http/1.1", "istio", "http/1.1"];
/// What other clients offer.
const OF_OTHERS: [&str; 2] = ["h2", "http/1.1"];

/// The chain of the connection that a request comes on.
#[must_use]
pub fn choose<'l, 'a>(listener: &'l ListenerConfig<'a>, request: &Request) -> ChainChoice<'l, 'a> {
    if listener.filter_chain_matcher.is_some() {
        return ChainChoice::Open("filter_chain_matcher");
    }
    match narrowed(listener, request) {
        Err(criterion) => ChainChoice::Open(criterion),
        Ok(chains) => match (chains.first(), &listener.default_filter_chain) {
            (Some(chain), _) => {
                ChainChoice::Chosen(chain, listener.filter_chains.len() > 1 || !is_empty(&chain.filter_chain_match))
            }
            (None, Some(default)) => ChainChoice::Chosen(default, false),
            (None, None) => ChainChoice::None,
        },
    }
}

/// The protocol that a connection is seen to have.
#[must_use]
pub fn transport_protocol(listener: &ListenerConfig<'_>, request: &Request) -> &'static str {
    if request.tls && inspects_tls(listener) { "tls" } else { "raw_buffer" }
}

/// Envoy puts an inspector before chains that need one.
fn inspects_tls(listener: &ListenerConfig<'_>) -> bool {
    let needs_it = |chain: &FilterChain<'_>| {
        !chain.filter_chain_match.server_names.is_empty() || &*chain.filter_chain_match.transport_protocol == "tls"
    };
    listener.inspects(".TlsInspector") || listener.filter_chains.iter().any(needs_it)
}

fn narrowed<'l, 'a>(listener: &'l ListenerConfig<'a>, request: &Request) -> Result<Vec<&'l FilterChain<'a>>, &'static str> {
    let mut chains: Vec<&'l FilterChain<'a>> = listener.filter_chains.iter().collect();
    // A port that some chain names is for such chains alone.
    let of_port = |port: Option<u16>| move |chain: &&FilterChain<'_>| chain.filter_chain_match.destination_port == port;
    let port = Some(request.port).filter(|port| chains.iter().any(of_port(Some(*port))));
    chains.retain(of_port(port));
    chains = of_address(chains, request.destination, |criteria| &criteria.prefix_ranges).ok_or("destination")?;
    let tls = inspects_tls(listener);
    let name = request.server_name.as_deref().filter(|_| tls && request.tls).unwrap_or_default().to_ascii_lowercase();
    chains = best(chains, |criteria| server_name(criteria, &name));
    let transport = transport_protocol(listener, request);
    chains = best(chains, |criteria| word([&*criteria.transport_protocol].into_iter(), &[transport]));
    let offered = application_protocols(listener, request);
    chains = best(chains, |criteria| word(criteria.application_protocols.iter().map(|it| &**it), &offered));
    chains = of_address(chains, None, |criteria| &criteria.direct_source_prefix_ranges).ok_or("direct_source")?;
    if chains.iter().any(|chain| !matches!(&*chain.filter_chain_match.source_type, "" | "ANY")) {
        return Err("source_type");
    }
    chains = of_address(chains, request.peer.address, |criteria| &criteria.source_prefix_ranges).ok_or("source")?;
    if chains.iter().any(|chain| !chain.filter_chain_match.source_ports.is_empty()) {
        return Err("source_port");
    }
    Ok(chains)
}

/// What a connection offers to be spoken on it.
fn application_protocols(listener: &ListenerConfig<'_>, request: &Request) -> Vec<&'static str> {
    match () {
        () if request.tls && inspects_tls(listener) => {
            if request.is_of_mesh() {
                OF_MESH.to_vec()
            } else {
                OF_OTHERS.to_vec()
            }
        }
        () if !request.tls && listener.inspects(".HttpInspector") => vec!["http/1.1"],
        () => Vec::new(),
    }
}

/// The chains of the best rank.
fn best<'l, 'a>(
    chains: Vec<&'l FilterChain<'a>>,
    rank: impl Fn(&FilterChainMatch<'a>) -> Option<usize>,
) -> Vec<&'l FilterChain<'a>> {
    let ranked: Vec<_> = chains.iter().filter_map(|chain| Some((rank(&chain.filter_chain_match)?, *chain))).collect();
    let best = ranked.iter().map(|(rank, _)| *rank).max();
    ranked.into_iter().filter(|(rank, _)| Some(*rank) == best).map(|(_, chain)| chain).collect()
}

/// How well a criterion of words fits: the first that is offered best; chains without the criterion last.
fn word<'w>(wanted: impl Iterator<Item = &'w str>, offered: &[&str]) -> Option<usize> {
    let mut wanted = wanted.filter(|word| !word.is_empty()).peekable();
    if wanted.peek().is_none() {
        return Some(0);
    }
    let best = wanted.filter_map(|wanted| offered.iter().position(|offered| *offered == wanted)).min();
    best.map(|position| offered.len() - position)
}

fn server_name(criteria: &FilterChainMatch<'_>, name: &str) -> Option<usize> {
    if criteria.server_names.is_empty() {
        return Some(0);
    }
    let fits = |wanted: &str| match wanted.strip_prefix('*') {
        Some(suffix) => (name.len() > suffix.len() && name.ends_with(suffix)).then_some(suffix.len()),
        None => (wanted == name).then_some(usize::MAX),
    };
    criteria.server_names.iter().filter_map(|wanted| fits(&wanted.to_ascii_lowercase())).max()
}

/// The chains whose ranges hold an address with most leading bits; `None` where that depends on an address that is not known.
fn of_address<'l, 'a>(
    chains: Vec<&'l FilterChain<'a>>,
    address: Option<std::net::IpAddr>,
    ranges: impl for<'c> Fn(&'c FilterChainMatch<'a>) -> &'c Vec<crate::config::CidrRange<'a>>,
) -> Option<Vec<&'l FilterChain<'a>>> {
    // Every address of IPv4 is in `/0`, and that is what an unknown one is taken for.
    let address = address.or_else(|| {
        let is_everywhere =
            |chain: &&FilterChain<'a>| ranges(&chain.filter_chain_match).iter().all(|range| range.prefix_len == 0);
        chains.iter().all(is_everywhere).then_some(std::net::Ipv4Addr::UNSPECIFIED.into())
    })?;
    Some(best(chains, |criteria| {
        let ranges = ranges(criteria);
        if ranges.is_empty() {
            return Some(0);
        }
        let bits = ranges.iter().filter_map(Range::new).filter(|range| range.contains(address)).map(Range::bits);
        bits.max().map(|bits| usize::from(bits) + 1)
    }))
}

fn is_empty(criteria: &FilterChainMatch<'_>) -> bool {
    criteria.destination_port.is_none()
        && criteria.prefix_ranges.is_empty()
        && criteria.server_names.is_empty()
        && criteria.transport_protocol.is_empty()
        && criteria.application_protocols.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(json: &str, request: &Request) -> String {
        let listener: ListenerConfig<'_> = serde_json::from_str(json).unwrap();
        match choose(&listener, request) {
            ChainChoice::Chosen(chain, _) => chain.name.to_string(),
            ChainChoice::Open(criterion) => format!("? {criterion}"),
            ChainChoice::None => "none".to_owned(),
        }
    }

    fn https(server_name: &str) -> Request {
        Request { tls: true, server_name: Some(server_name.to_owned()), port: 443, ..Request::default() }
    }

    #[test]
    fn names_of_servers_decide_and_there_is_no_step_back() {
        const JSON: &str = r#"{"filter_chains":[
            {"name":"exact","filter_chain_match":{"server_names":["a.shop.example"],"application_protocols":["istio"]}},
            {"name":"wild","filter_chain_match":{"server_names":["*.shop.example"]}},
            {"name":"wilder","filter_chain_match":{"server_names":["*.example"]}}]}"#;
        assert_eq!(chosen(JSON, &https("B.shop.example")), "wild");
        assert_eq!(chosen(JSON, &https("shop.example")), "wilder");
        assert_eq!(chosen(JSON, &https("other.org")), "none");
        assert_eq!(chosen(JSON, &https("a.shop.example")), "none");
    }

    #[test]
    fn a_sidecar_tells_the_mesh_from_others() {
        const JSON: &str = r#"{"name":"virtualInbound","default_filter_chain":{"name":"default"},"filter_chains":[
            {"name":"mesh","filter_chain_match":{"destination_port":8080,"transport_protocol":"tls","application_protocols":["istio","istio-http/1.1"]}},
            {"name":"tls","filter_chain_match":{"destination_port":8080,"transport_protocol":"tls"}},
            {"name":"plain","filter_chain_match":{"destination_port":8080,"transport_protocol":"raw_buffer"}},
            {"name":"passthrough","filter_chain_match":{"prefix_ranges":[{"address_prefix":"0.0.0.0","prefix_len":0}],"transport_protocol":"raw_buffer"}}]}"#;
        let mut request = Request { port: 8080, ..Request::default() };
        assert_eq!(chosen(JSON, &request), "plain");
        request.tls = true;
        assert_eq!(chosen(JSON, &request), "tls");
        request.peer.principal = Some("spiffe://cluster.local/ns/a/sa/b".to_owned());
        assert_eq!(chosen(JSON, &request), "mesh");
        request.port = 9090;
        assert_eq!(chosen(JSON, &request), "default");
        request.tls = false;
        assert_eq!(chosen(JSON, &request), "passthrough");
    }

    #[test]
    fn an_unknown_address_leaves_it_open() {
        const JSON: &str = r#"{"filter_chains":[{"name":"a","filter_chain_match":{"prefix_ranges":[{"address_prefix":"10.0.0.0","prefix_len":8}]}},{"name":"b"}]}"#;
        assert_eq!(chosen(JSON, &https("a")), "? destination");
        let request = Request { destination: Some([10, 1, 1, 1].into()), ..https("a") };
        assert_eq!(chosen(JSON, &request), "a");
    }
}
