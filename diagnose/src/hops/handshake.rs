//! Handshakes that failed, as both ends tell of them.

use foldhash::{HashMap, HashMapExt};
use meshwhy_core::causes::{
    no_filter_chain, plaintext_to_tls_port, tls_handshake_failed, tls_to_plaintext_port, upstream_closed_connection,
};
use meshwhy_core::condition::Shown;
use meshwhy_core::details::{Details, Word};
use meshwhy_core::facts::text;
use meshwhy_core::transport::{TransportFailure, TransportKind};
use meshwhy_core::{Cause, Confidence, Context, Verdict};

use super::{counting_first, enter, mark_explained};
use crate::sighting::Sighting;

/// Joins callers with the servers that they could not agree with.
pub(super) fn join(batch: &mut [Sighting]) {
    let refused = refused_handshakes(batch);
    repeated_handshakes(batch, &refused);
    tls_to_plaintext(batch);
}

/// A caller's closed or reset connection, and the server that refused its handshake; gives the callers.
///
/// With TLS 1.3 the caller's side of the handshake is done before the server refuses, and plaintext has none: all that it sees
/// is a connection that ends. The two ends of one connection have the same pair of addresses; where one of them is not known,
/// the server's own address must do.
fn refused_handshakes(batch: &mut [Sighting]) -> Vec<usize> {
    let mut by_client: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut by_server: HashMap<&str, usize> = HashMap::new();
    for (at, server) in counting_first(batch).filter(|(_, server)| refusal(server).is_some()) {
        if let Some(address) = text(server.facts.context.downstream_remote_address.as_ref()) {
            enter(&mut by_client, address, at);
        }
        if let Some(address) = text(server.facts.context.downstream_local_address.as_ref()) {
            by_server.entry(address).or_insert(at);
        }
    }
    let mut pairs: Vec<(usize, Vec<usize>)> = Vec::new();
    for (at, client) in counting_first(batch).filter(|(_, client)| saw_the_connection_end(client)) {
        let own = text(client.facts.context.upstream_local_address.as_ref());
        let near = || {
            let server = *by_server.get(text(client.facts.upstream_host.as_ref())?)?;
            let known = own.is_some() && batch.get(server)?.facts.context.downstream_remote_address.is_some();
            (!known).then(|| vec![server])
        };
        pairs.extend(own.and_then(|address| by_client.get(address)).cloned().or_else(near).map(|servers| (at, servers)));
    }
    for (client, servers) in &pairs {
        // The witnesses of one connection that know more say what was wrong with it.
        let refusals =
            servers.iter().filter_map(|server| batch.get(*server)).filter_map(|theirs| Some((theirs, refusal(theirs)?)));
        let Some((theirs, cause)) = refusals.min_by_key(|(theirs, _)| (theirs.covered, theirs.witness)) else { continue };
        let mut evidence = shown("peer_response_code_details", theirs.facts.details.as_deref());
        evidence.extend(shown("peer_downstream_transport_failure_reason", theirs.facts.downstream_transport_failure.as_deref()));
        evidence.extend(shown("peer_downstream_local_address", theirs.facts.context.downstream_local_address.as_deref()));
        evidence.extend(shown("peer_downstream_remote_address", theirs.facts.context.downstream_remote_address.as_deref()));
        if let Some(client) = batch.get_mut(*client) {
            client.more_evidence = shown("response_code_details", client.facts.details.as_deref());
            client.more_evidence.extend(shown("upstream_local_address", client.facts.context.upstream_local_address.as_deref()));
            client.more_evidence.extend(evidence);
            client.verdict = Verdict { cause, confidence: Confidence::Certain, condition: None };
        }
        for server in servers {
            mark_explained(batch, *server, *client);
        }
    }
    pairs.into_iter().map(|(client, _)| client).collect()
}

/// The other handshakes that a server saw fail while a caller tried again: the caller's line tells of one request.
///
/// `refused` are the callers that a server refused; others say themselves why the handshake failed, and what the one end says
/// the other hears as an alert.
fn repeated_handshakes(batch: &mut [Sighting], refused: &[usize]) {
    let mut callers: HashMap<(&str, &str), usize> = HashMap::new();
    let known = |at: &usize| batch.get(*at).map(|caller| (*at, caller));
    let failed = counting_first(batch).filter(|(_, caller)| handshake(caller.facts.upstream_transport()).is_some());
    for (at, caller) in refused.iter().filter_map(known).chain(failed) {
        file(&mut callers, at, caller);
    }
    let mut pairs = Vec::new();
    for (at, server) in counting_first(batch).filter(|(_, server)| !server.is_absorbed()) {
        let (Some(cause), Some((address, from))) = (refusal(server), ends(server)) else { continue };
        let Some((at_caller, caller)) = callers.get(&(address, from)).and_then(known) else { continue };
        let heard = handshake(server.facts.downstream_transport()).zip(handshake(caller.facts.upstream_transport()));
        let mirrored = heard.is_some_and(|(theirs, ours)| theirs.is_alert() != ours.is_alert());
        if mirrored || caller.verdict.cause.code == cause.code {
            pairs.push((at, at_caller));
        }
    }
    for (server, caller) in pairs {
        mark_explained(batch, server, caller);
    }
}

/// How a TLS handshake failed, unless the socket did.
fn handshake(failure: Option<TransportFailure<'_>>) -> Option<TransportKind> {
    failure?.kind.filter(|kind| !kind.is_socket())
}

/// Files a caller under the server that it called and each of its own addresses: which of them the server sees depends on
/// whether the caller is a sidecar or a gateway.
fn file<'a>(callers: &mut HashMap<(&'a str, &'a str), usize>, at: usize, caller: &'a Sighting) {
    let Some(server) = text(caller.facts.upstream_host.as_ref()) else { return };
    let Context { upstream_local_address, downstream_local_address, downstream_remote_address, .. } = &caller.facts.context;
    for address in [upstream_local_address, downstream_local_address, downstream_remote_address] {
        if let Some(address) = text(address.as_ref()) {
            callers.entry((server, ip(address))).or_insert(at);
        }
    }
    callers.entry((server, "")).or_insert(at);
}

/// The server's own address and the caller's IP address, empty when it is not known.
fn ends(server: &Sighting) -> Option<(&str, &str)> {
    let own = text(server.facts.context.downstream_local_address.as_ref())?;
    Some((own, text(server.facts.context.downstream_remote_address.as_ref()).map_or("", ip)))
}

/// What a server's line says about a caller that could not come in.
fn refusal(server: &Sighting) -> Option<&'static Cause> {
    if server.facts.parsed_details() == Some(Details::Word(Word::FilterChainNotFound)) {
        // A handshake names the server it wants; plaintext does not.
        let is_plaintext = server.facts.context.server_name.is_none();
        return Some(if is_plaintext { &plaintext_to_tls_port::CAUSE } else { &no_filter_chain::CAUSE });
    }
    let refused = server.facts.downstream_transport().is_some() && server.verdict.cause.is_of(&tls_handshake_failed::CAUSE);
    refused.then_some(server.verdict.cause)
}

fn saw_the_connection_end(client: &Sighting) -> bool {
    let reset = client.facts.upstream_transport().and_then(|failure| failure.kind) == Some(TransportKind::HandshakeReset);
    client.verdict.cause.is_of(&upstream_closed_connection::CAUSE) || client.is(&plaintext_to_tls_port::CAUSE) || reset
}

/// A server's unreadable bytes, and the caller whose TLS they were.
fn tls_to_plaintext(batch: &mut [Sighting]) {
    let mut callers: HashMap<(&str, &str), usize> = HashMap::new();
    for (at, caller) in counting_first(batch).filter(|(_, caller)| caller.is(&tls_to_plaintext_port::CAUSE)) {
        file(&mut callers, at, caller);
    }
    let unreadable = |server: &Sighting| server.facts.parsed_details() == Some(Details::Word(Word::Http1CodecError));
    let servers = counting_first(batch).filter(|(_, server)| unreadable(server));
    let pairs: Vec<_> = servers.filter_map(|(at, server)| Some((at, *callers.get(&ends(server)?)?))).collect();
    for (server, caller) in pairs {
        mark_explained(batch, server, caller);
    }
}

fn ip(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(ip, _)| ip)
}

fn shown(name: &'static str, value: Option<&str>) -> Vec<Shown> {
    value.map(|value| Shown::new(name, value)).into_iter().collect()
}
