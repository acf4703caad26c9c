//! Handshakes that failed, as both ends tell of them.

use foldhash::HashMap;
use meshwhy_core::causes::{
    no_filter_chain, plaintext_to_tls_port, tls_handshake_failed, tls_to_plaintext_port, upstream_closed_connection,
};
use meshwhy_core::details::{Details, Word};
use meshwhy_core::transport::{TransportFailure, TransportKind};
use meshwhy_core::{Cause, Confidence, Verdict};

use super::{Shared, change_verdict, counting_first, mark_explained};
use crate::failure::{Address, FailureView, Failures};
use crate::kind::Kind;

/// Joins callers with the servers that they could not agree with.
pub(super) fn join(failures: &mut Failures) {
    let refused = refused_handshakes(failures);
    repeated_handshakes(failures, &refused);
    tls_to_plaintext(failures);
}

/// A caller's closed or reset connection, and the server that refused its handshake; gives the callers.
///
/// With TLS 1.3 the caller's side of the handshake is done before the server refuses, and plaintext has none: all that it sees
/// is a connection that ends. The two ends of one connection have the same pair of addresses; where one of them is not known,
/// the server's own address must do.
fn refused_handshakes(failures: &mut Failures) -> Vec<usize> {
    let mut by_client = Shared::new();
    let mut by_server: HashMap<Address, usize> = HashMap::default();
    for (at, server) in counting_first(failures, |server| refusal(server).is_some()) {
        if let Some(address) = server.failure.downstream_remote {
            by_client.enter(address, at);
        }
        if let Some(address) = server.failure.downstream_local {
            by_server.entry(address).or_insert(at);
        }
    }
    let mut pairs: Vec<(usize, Vec<usize>)> = Vec::new();
    for (at, client) in counting_first(failures, saw_the_connection_end) {
        let own = client.failure.upstream_local;
        let mut servers: Vec<usize> = own.into_iter().flat_map(|address| by_client.of(address)).collect();
        if servers.is_empty() {
            let near = client.failure.upstream_host.and_then(|address| by_server.get(&address).copied());
            let is_open = |server: &usize| {
                own.is_none() || failures.all.get(*server).is_some_and(|server| server.downstream_remote.is_none())
            };
            servers.extend(near.filter(is_open));
        }
        if !servers.is_empty() {
            pairs.push((at, servers));
        }
    }
    for (client, servers) in &pairs {
        // The witnesses of one connection that know more say what was wrong with it.
        let theirs = servers.iter().filter_map(|at| Some((*at, failures.view(*at)?)));
        let refusals = theirs.filter_map(|(at, theirs)| Some((at, theirs, refusal(theirs.kind)?)));
        let best = refusals.min_by_key(|(_, theirs, _)| (theirs.failure.covered, theirs.failure.witness));
        let Some((server, _, cause)) = best else { continue };
        change_verdict(failures, *client, |_| Verdict { cause, confidence: Confidence::Certain, condition: None });
        failures.refused_by.insert(*client, server);
        for server in servers {
            mark_explained(failures, *server, *client);
        }
    }
    pairs.into_iter().map(|(client, _)| client).collect()
}

/// The other handshakes that a server saw fail while a caller tried again: the caller's line tells of one request.
///
/// `refused` are the callers that a server refused; others say themselves why the handshake failed, and what the one end says
/// the other hears as an alert.
fn repeated_handshakes(failures: &mut Failures, refused: &[usize]) {
    let mut callers = Callers::default();
    let known = |at: usize| Some((at, failures.view(at)?));
    let failed = counting_first(failures, |caller| handshake(caller.facts.upstream_transport()).is_some());
    for (at, caller) in refused.iter().filter_map(|at| known(*at)).chain(failed) {
        file(&mut callers, at, caller);
    }
    let mut pairs = Vec::new();
    for (at, server) in counting_first(failures, |server| refusal(server).is_some()) {
        let (Some(cause), Some(ends)) = (refusal(server.kind), ends(server)) else { continue };
        let Some((at_caller, caller)) = callers.get(&ends).copied().and_then(known) else { continue };
        let heard = handshake(server.kind.facts.downstream_transport()).zip(handshake(caller.kind.facts.upstream_transport()));
        let mirrored = heard.is_some_and(|(theirs, ours)| theirs.is_alert() != ours.is_alert());
        if mirrored || caller.kind.is(cause) {
            pairs.push((at, at_caller));
        }
    }
    for (server, caller) in pairs {
        mark_explained(failures, server, caller);
    }
}

/// How a TLS handshake failed, unless the socket did.
fn handshake(failure: Option<TransportFailure<'_>>) -> Option<TransportKind> {
    failure?.kind.filter(|kind| !kind.is_socket())
}

/// Callers by the server's own address and the caller's without its port, which may not be known.
type Callers = HashMap<(Address, Option<Address>), usize>;

/// Files a caller under the server that it called and each of its own addresses: which of them the server sees depends on
/// whether the caller is a sidecar or a gateway.
fn file(callers: &mut Callers, at: usize, caller: FailureView<'_>) {
    let failure = caller.failure;
    let Some(server) = failure.upstream_host else { return };
    for address in [failure.upstream_local, failure.downstream_local, failure.downstream_remote].into_iter().flatten() {
        callers.entry((server, Some(address.ip()))).or_insert(at);
    }
    callers.entry((server, None)).or_insert(at);
}

/// The server's own address and the caller's without its port.
fn ends(server: FailureView<'_>) -> Option<(Address, Option<Address>)> {
    Some((server.failure.downstream_local?, server.failure.downstream_remote.map(Address::ip)))
}

/// Why a server refused a handshake.
fn refusal(server: &Kind) -> Option<&'static Cause> {
    if server.facts.parsed_details() == Some(Details::Word(Word::FilterChainNotFound)) {
        // A handshake names the server it wants; plaintext does not.
        let is_plaintext = server.facts.context.server_name.is_none();
        return Some(if is_plaintext { &plaintext_to_tls_port::CAUSE } else { &no_filter_chain::CAUSE });
    }
    let refused = server.facts.downstream_transport().is_some() && server.verdict.cause.is_of(&tls_handshake_failed::CAUSE);
    refused.then_some(server.verdict.cause)
}

fn saw_the_connection_end(client: &Kind) -> bool {
    let reset = client.facts.upstream_transport().and_then(|failure| failure.kind) == Some(TransportKind::HandshakeReset);
    client.verdict.cause.is_of(&upstream_closed_connection::CAUSE) || client.is(&plaintext_to_tls_port::CAUSE) || reset
}

/// A server's unreadable bytes, and the caller whose TLS they were.
fn tls_to_plaintext(failures: &mut Failures) {
    let mut callers = Callers::default();
    for (at, caller) in counting_first(failures, |caller| caller.is(&tls_to_plaintext_port::CAUSE)) {
        file(&mut callers, at, caller);
    }
    let unreadable = |server: &Kind| server.facts.parsed_details() == Some(Details::Word(Word::Http1CodecError));
    let servers = counting_first(failures, unreadable);
    let pairs: Vec<_> = servers.filter_map(|(at, server)| Some((at, *callers.get(&ends(server)?)?))).collect();
    for (server, caller) in pairs {
        mark_explained(failures, server, caller);
    }
}
