//! One request, several hops: which of their lines tell one story, and whose verdict it is.
//!
//! No condition on one line's facts can say these things; each rule here needs two proxies' lines.

use std::collections::HashMap;

use meshwhy_core::condition::Shown;
use meshwhy_core::details::{Details, Word};
use meshwhy_core::facts::text;
use meshwhy_core::transport::TransportKind;
use meshwhy_core::{Cause, Confidence, Side, Stage, Verdict};

use crate::group::{is_of, order};
use crate::observation::Observation;

/// Joins the hops of a batch: changes verdicts that another hop's line makes precise, and marks lines that it explains.
pub(crate) fn join(batch: &mut [Observation]) {
    refused_handshakes(batch);
    tls_to_plaintext(batch);
    relays(batch);
    spoken_of_twice(batch);
    reconnected(batch);
}

/// A caller's closed or reset connection, and the server that refused its handshake.
///
/// With TLS 1.3 the caller's side of the handshake is done before the server refuses, and plaintext has none: all that it sees
/// is a connection that ends. The two ends of one connection have the same pair of addresses; where one of them is not known,
/// the server's own address must do.
fn refused_handshakes(batch: &mut [Observation]) {
    let mut by_client: HashMap<&str, usize> = HashMap::new();
    let mut by_server: HashMap<&str, usize> = HashMap::new();
    for (at, server) in batch.iter().enumerate().filter(|(_, server)| refusal(server).is_some()) {
        if let Some(address) = text(server.facts.downstream_remote_address.as_ref()) {
            by_client.insert(address, at);
        }
        if let Some(address) = text(server.facts.downstream_local_address.as_ref()) {
            by_server.insert(address, at);
        }
    }
    let mut pairs = Vec::new();
    for (at, client) in batch.iter().enumerate().filter(|(_, client)| saw_the_connection_end(client)) {
        let own = text(client.facts.upstream_local_address.as_ref());
        let same = own.and_then(|address| by_client.get(address)).copied();
        let near = || {
            let server = *by_server.get(text(client.facts.upstream_host.as_ref())?)?;
            let known = own.is_some() && batch.get(server)?.facts.downstream_remote_address.is_some();
            (!known).then_some(server)
        };
        pairs.extend(same.or_else(near).map(|server| (at, server)));
    }
    for (client, server) in pairs {
        let Some((theirs, cause)) = batch.get(server).and_then(|theirs| Some((theirs, refusal(theirs)?))) else { continue };
        let mut evidence = shown("peer_response_code_details", theirs.facts.details.as_deref());
        evidence.extend(shown("peer_downstream_transport_failure_reason", theirs.facts.downstream_transport_failure.as_deref()));
        evidence.extend(shown("peer_downstream_local_address", theirs.facts.downstream_local_address.as_deref()));
        evidence.extend(shown("peer_downstream_remote_address", theirs.facts.downstream_remote_address.as_deref()));
        if let Some(client) = batch.get_mut(client) {
            client.more_evidence = shown("response_code_details", client.facts.details.as_deref());
            client.more_evidence.extend(shown("upstream_local_address", client.facts.upstream_local_address.as_deref()));
            client.more_evidence.extend(evidence);
            client.verdict = Verdict { cause, confidence: Confidence::Certain, condition: None };
        }
        absorb(batch, server, client);
    }
}

/// What a server's line says about a caller that could not come in.
fn refusal(server: &Observation) -> Option<&'static Cause> {
    if server.facts.parsed_details() == Some(Details::Word(Word::FilterChainNotFound)) {
        // A handshake names the server it wants; plaintext does not.
        let slug = if server.facts.server_name.is_none() { "plaintext-to-tls-port" } else { "no-filter-chain" };
        return Cause::find(slug);
    }
    let refused = server.facts.downstream_transport().is_some() && is_of(server.verdict.cause, "tls-handshake-failed");
    refused.then_some(server.verdict.cause)
}

fn saw_the_connection_end(client: &Observation) -> bool {
    let reset = client.facts.upstream_transport().and_then(|failure| failure.kind) == Some(TransportKind::HandshakeReset);
    is_of(client.verdict.cause, "upstream-closed-connection") || client.slug() == "plaintext-to-tls-port" || reset
}

/// A server's unreadable bytes, and the caller whose TLS they were.
fn tls_to_plaintext(batch: &mut [Observation]) {
    let mut callers: HashMap<(&str, &str), usize> = HashMap::new();
    for (at, caller) in batch.iter().enumerate().filter(|(_, caller)| caller.slug() == "tls-to-plaintext-port") {
        let Some(server) = text(caller.facts.upstream_host.as_ref()) else { continue };
        let own = [
            &caller.facts.upstream_local_address,
            &caller.facts.downstream_local_address,
            &caller.facts.downstream_remote_address,
        ];
        for address in own.into_iter().filter_map(|address| text(address.as_ref())) {
            callers.entry((server, ip(address))).or_insert(at);
        }
        callers.entry((server, "")).or_insert(at);
    }
    let unreadable = |server: &Observation| server.facts.parsed_details() == Some(Details::Word(Word::Http1CodecError));
    let mut pairs = Vec::new();
    for (at, server) in batch.iter().enumerate().filter(|(_, server)| unreadable(server)) {
        let Some(address) = text(server.facts.downstream_local_address.as_ref()) else { continue };
        let from = text(server.facts.downstream_remote_address.as_ref()).map_or("", ip);
        pairs.extend(callers.get(&(address, from)).map(|caller| (at, *caller)));
    }
    for (server, caller) in pairs {
        absorb(batch, server, caller);
    }
}

/// Hops that passed on what another hop, or the application behind it, decided.
///
/// Of the lines with one request id, the hop whose own verdict it is speaks; a hop that merely relayed an answer does not.
/// When nobody but the application decided, the hop next to it speaks.
fn relays(batch: &mut [Observation]) {
    let mut deciders: HashMap<&str, usize> = HashMap::new();
    for (at, observation) in batch.iter().enumerate().filter(|(_, observation)| !observation.absorbed && decides(observation)) {
        let Some(id) = text(observation.facts.request_id.as_ref()) else { continue };
        let best = deciders.entry(id).or_insert(at);
        if batch.get(*best).is_some_and(|known| order(&observation.verdict) < order(&known.verdict)) {
            *best = at;
        }
    }
    let mut pairs = Vec::new();
    for (at, relay) in batch.iter().enumerate().filter(|(_, relay)| !relay.absorbed && is_of(relay.verdict.cause, "app-error")) {
        let Some(decider) = text(relay.facts.request_id.as_ref()).and_then(|id| deciders.get(id)).copied() else { continue };
        let Some(theirs) = batch.get(decider) else { continue };
        let both_next_to_the_application = is_of(theirs.verdict.cause, "app-error") && relay.side() == Some(Side::Inbound);
        let unrelated = theirs.slug() == "unknown" && theirs.facts.status != relay.facts.status;
        if at != decider && !both_next_to_the_application && !unrelated {
            pairs.push((at, decider));
        }
    }
    for (relay, decider) in pairs {
        absorb(batch, relay, decider);
    }
}

fn decides(observation: &Observation) -> bool {
    let cause = observation.verdict.cause;
    // Lacking trace context, a request is answered all the same.
    cause.stage != Stage::Telemetry && (!is_of(cause, "app-error") || observation.side() == Some(Side::Inbound))
}

/// An upstream's protocol error that Envoy's own log tells, and the access-log line of it: before Envoy 1.18 that line had the
/// flag `UC` and no details.
fn spoken_of_twice(batch: &mut [Observation]) {
    let mut flagged: HashMap<(u32, Option<&str>), Vec<usize>> = HashMap::new();
    let old = |line: &Observation| !line.absorbed && line.slug() == "upstream-closed-connection" && line.facts.details.is_none();
    for (at, line) in batch.iter().enumerate().rev().filter(|(_, line)| old(line)) {
        flagged.entry((line.source, line.origin.as_deref())).or_default().push(at);
    }
    let told = |words: &Observation| words.slug() == "protocol-error-upstream" && words.facts.status.is_none();
    let mut pairs = Vec::new();
    for (at, words) in batch.iter().enumerate().filter(|(_, words)| told(words)) {
        let line = flagged.get_mut(&(words.source, words.origin.as_deref())).and_then(Vec::pop);
        pairs.extend(line.map(|line| (line, at)));
    }
    for (line, words) in pairs {
        absorb(batch, line, words);
    }
}

/// Words that only a proxy says that has reached its control plane: what failed before them was the start.
fn reconnected(batch: &mut [Observation]) {
    const REACHED: [&str; 6] = [
        "config-rejected",
        "duplicate-domain",
        "listener-conflict",
        "xds-benign-warning",
        "xds-control-plane-error",
        "xds-disconnect-benign",
    ];
    let mut last: HashMap<(u32, Option<&str>), usize> = HashMap::new();
    for (at, observation) in batch.iter().enumerate().filter(|(_, observation)| REACHED.contains(&observation.slug())) {
        last.insert((observation.source, observation.origin.as_deref()), at);
    }
    let early = |(at, observation): (usize, &Observation)| {
        let end = *last.get(&(observation.source, observation.origin.as_deref()))?;
        (observation.slug() == "xds-unreachable" && at < end).then_some((at, end))
    };
    let pairs: Vec<_> = batch.iter().enumerate().filter_map(early).collect();
    for (start, end) in pairs {
        absorb(batch, start, end);
    }
}

fn absorb(batch: &mut [Observation], explained: usize, by: usize) {
    let Some(line) = batch.get_mut(explained).map(|observation| {
        observation.absorbed = true;
        observation.line
    }) else {
        return;
    };
    if let Some(observation) = batch.get_mut(by) {
        observation.joined.push(line);
    }
}

fn ip(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(ip, _)| ip)
}

fn shown(name: &'static str, value: Option<&str>) -> Vec<Shown> {
    value.map(|value| Shown::new(name, value)).into_iter().collect()
}
