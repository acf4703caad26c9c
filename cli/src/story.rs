//! One request, several hops: which of their lines tell one story, and whose verdict it is.
//!
//! No condition on one line's facts can say these things; each rule here needs two proxies' lines.

use std::collections::HashMap;

use meshwhy_core::condition::Shown;
use meshwhy_core::details::{Details, Word};
use meshwhy_core::facts::text;
use meshwhy_core::transport::{TransportFailure, TransportKind};
use meshwhy_core::{Cause, Confidence, Facts, Side, Stage, Verdict};

use crate::group::{is_of, order};
use crate::observation::Observation;

/// Joins the hops of a batch: changes verdicts that another hop's line makes precise, and marks lines that it explains.
pub(crate) fn join(batch: &mut [Observation]) {
    let refused = refused_handshakes(batch);
    repeated_handshakes(batch, &refused);
    tls_to_plaintext(batch);
    relays(batch);
    hung_up(batch);
    spoken_of_twice(batch);
    reconnected(batch);
}

/// A caller's closed or reset connection, and the server that refused its handshake; gives the callers.
///
/// With TLS 1.3 the caller's side of the handshake is done before the server refuses, and plaintext has none: all that it sees
/// is a connection that ends. The two ends of one connection have the same pair of addresses; where one of them is not known,
/// the server's own address must do.
fn refused_handshakes(batch: &mut [Observation]) -> Vec<usize> {
    let mut by_client: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut by_server: HashMap<&str, usize> = HashMap::new();
    for (at, server) in batch.iter().enumerate().filter(|(_, server)| refusal(server).is_some()) {
        if let Some(address) = text(server.facts.downstream_remote_address.as_ref()) {
            by_client.entry(address).or_default().push(at);
        }
        if let Some(address) = text(server.facts.downstream_local_address.as_ref()) {
            by_server.insert(address, at);
        }
    }
    let mut pairs: Vec<(usize, Vec<usize>)> = Vec::new();
    for (at, client) in batch.iter().enumerate().filter(|(_, client)| saw_the_connection_end(client)) {
        let own = text(client.facts.upstream_local_address.as_ref());
        let near = || {
            let server = *by_server.get(text(client.facts.upstream_host.as_ref())?)?;
            let known = own.is_some() && batch.get(server)?.facts.downstream_remote_address.is_some();
            (!known).then(|| vec![server])
        };
        pairs.extend(own.and_then(|address| by_client.get(address)).cloned().or_else(near).map(|servers| (at, servers)));
    }
    for (client, servers) in &pairs {
        // The witnesses of one connection that know more say what was wrong with it.
        let told = servers.iter().filter_map(|server| batch.get(*server)).filter_map(|theirs| Some((theirs, refusal(theirs)?)));
        let Some((theirs, cause)) = told.min_by_key(|(theirs, _)| (theirs.covered, theirs.witness)) else { continue };
        let mut evidence = shown("peer_response_code_details", theirs.facts.details.as_deref());
        evidence.extend(shown("peer_downstream_transport_failure_reason", theirs.facts.downstream_transport_failure.as_deref()));
        evidence.extend(shown("peer_downstream_local_address", theirs.facts.downstream_local_address.as_deref()));
        evidence.extend(shown("peer_downstream_remote_address", theirs.facts.downstream_remote_address.as_deref()));
        if let Some(client) = batch.get_mut(*client) {
            client.more_evidence = shown("response_code_details", client.facts.details.as_deref());
            client.more_evidence.extend(shown("upstream_local_address", client.facts.upstream_local_address.as_deref()));
            client.more_evidence.extend(evidence);
            client.verdict = Verdict { cause, confidence: Confidence::Certain, condition: None };
        }
        for server in servers {
            absorb(batch, *server, *client);
        }
    }
    pairs.into_iter().map(|(client, _)| client).collect()
}

/// The other handshakes that a server saw fail while a caller tried again: the caller's line tells of one request.
///
/// `refused` are the callers that a server refused; others say themselves why the handshake failed, and what the one end says
/// the other hears as an alert.
fn repeated_handshakes(batch: &mut [Observation], refused: &[usize]) {
    let mut callers: HashMap<(&str, &str), usize> = HashMap::new();
    let known = |at: &usize| batch.get(*at).map(|caller| (*at, caller));
    let failed = batch.iter().enumerate().filter(|(_, caller)| handshake(caller.facts.upstream_transport()).is_some());
    for (at, caller) in refused.iter().filter_map(known).chain(failed) {
        enter(&mut callers, at, caller);
    }
    let mut pairs = Vec::new();
    for (at, server) in batch.iter().enumerate().filter(|(_, server)| !server.absorbed) {
        let (Some(cause), Some((address, from))) = (refusal(server), ends(server)) else { continue };
        let Some((at_caller, caller)) = callers.get(&(address, from)).and_then(known) else { continue };
        let heard = handshake(server.facts.downstream_transport()).zip(handshake(caller.facts.upstream_transport()));
        let mirrored = heard.is_some_and(|(theirs, ours)| theirs.is_alert() != ours.is_alert());
        if mirrored || caller.verdict.cause.code == cause.code {
            pairs.push((at, at_caller));
        }
    }
    for (server, caller) in pairs {
        absorb(batch, server, caller);
    }
}

/// How a TLS handshake failed, unless the socket did.
fn handshake(failure: Option<TransportFailure<'_>>) -> Option<TransportKind> {
    failure?.kind.filter(|kind| !kind.is_socket())
}

/// Enters a caller under the server that it called and each of its own addresses: which of them the server sees depends on
/// whether the caller is a sidecar or a gateway.
fn enter<'a>(callers: &mut HashMap<(&'a str, &'a str), usize>, at: usize, caller: &'a Observation) {
    let Some(server) = text(caller.facts.upstream_host.as_ref()) else { return };
    let Facts { upstream_local_address, downstream_local_address, downstream_remote_address, .. } = &caller.facts;
    for address in [upstream_local_address, downstream_local_address, downstream_remote_address] {
        if let Some(address) = text(address.as_ref()) {
            callers.entry((server, ip(address))).or_insert(at);
        }
    }
    callers.entry((server, "")).or_insert(at);
}

/// The server's own address and the caller's IP address, empty when it is not known.
fn ends(server: &Observation) -> Option<(&str, &str)> {
    let own = text(server.facts.downstream_local_address.as_ref())?;
    Some((own, text(server.facts.downstream_remote_address.as_ref()).map_or("", ip)))
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
        enter(&mut callers, at, caller);
    }
    let unreadable = |server: &Observation| server.facts.parsed_details() == Some(Details::Word(Word::Http1CodecError));
    let servers = batch.iter().enumerate().filter(|(_, server)| unreadable(server));
    let pairs: Vec<_> = servers.filter_map(|(at, server)| Some((at, *callers.get(&ends(server)?)?))).collect();
    for (server, caller) in pairs {
        absorb(batch, server, caller);
    }
}

/// Hops that passed on what another hop, or the application behind it, decided.
///
/// Of the lines with one request id, the hop whose own verdict it is speaks; a hop that merely relayed an answer does not.
/// When nobody but the application decided, the hop next to it speaks. A hop whose header names the author speaks for it where
/// the author's own line is not there.
fn relays(batch: &mut [Observation]) {
    let mut deciders: HashMap<&str, usize> = HashMap::new();
    let mut authors: HashMap<(&str, &str), usize> = HashMap::new();
    for (at, observation) in batch.iter().enumerate().filter(|(_, observation)| !observation.absorbed && decides(observation)) {
        let Some(id) = text(observation.facts.request_id.as_ref()) else { continue };
        if let Some(pod) = text(observation.facts.pod.as_ref()) {
            authors.insert((id, pod), at);
        }
        let best = deciders.entry(id).or_insert(at);
        if batch.get(*best).is_some_and(|known| order(&observation.verdict) < order(&known.verdict)) {
            *best = at;
        }
    }
    let mut pairs = Vec::new();
    let mut speakers: HashMap<&str, usize> = HashMap::new();
    for (at, relay) in batch.iter().enumerate().filter(|(_, relay)| !relay.absorbed && relay.facts.relayed_from.is_some()) {
        let Some(id) = text(relay.facts.request_id.as_ref()) else { continue };
        let named = text(relay.facts.pod.as_ref()).and_then(|pod| authors.get(&(id, pod))).copied();
        let alike = || {
            let decider = *deciders.get(id)?;
            batch.get(decider).filter(|theirs| relay.slug() == "unknown" || alike(theirs.verdict.cause, relay.verdict.cause))?;
            Some(decider)
        };
        match named.or_else(alike) {
            Some(author) => pairs.push((at, author)),
            None => match speakers.get(id).copied() {
                Some(speaker) if batch.get(speaker).is_some_and(|known| !known.covered || relay.covered) => {
                    pairs.push((at, speaker));
                }
                Some(speaker) => {
                    pairs.push((speaker, at));
                    speakers.insert(id, at);
                }
                None => drop(speakers.insert(id, at)),
            },
        }
    }
    for (at, relay) in batch.iter().enumerate().filter(|(_, relay)| !relay.absorbed && is_of(relay.verdict.cause, "app-error")) {
        let Some(id) = text(relay.facts.request_id.as_ref()) else { continue };
        // The application next to a hop is the author only where no other hop knows better.
        let own = deciders.get(id).copied();
        let is_application = |at: usize| batch.get(at).is_some_and(|theirs| is_of(theirs.verdict.cause, "app-error"));
        let speaker = speakers.get(id).copied().filter(|_| own.is_none_or(is_application));
        let Some(decider) = speaker.or(own) else { continue };
        let Some(theirs) = batch.get(decider) else { continue };
        let both_next_to_the_application = is_of(theirs.verdict.cause, "app-error") && relay.side() == Some(Side::Inbound);
        let unrelated = theirs.slug() == "unknown" && theirs.facts.status != relay.facts.status;
        if at != decider && !both_next_to_the_application && !unrelated {
            pairs.push((at, decider));
        }
    }
    for &(relay, decider) in &pairs {
        absorb(batch, relay, decider);
    }
    repeated(batch, &pairs);
}

/// What a hop decided again and again for one caller's request, which the caller tried again: as often as the caller has lines.
fn repeated(batch: &mut [Observation], relays: &[(usize, usize)]) {
    let mut requests: HashMap<usize, u64> = HashMap::new();
    for (relay, decider) in relays {
        let counted = batch.get(*relay).is_some_and(|relay| !relay.covered);
        let elsewhere = batch.get(*relay).zip(batch.get(*decider)).is_some_and(|(relay, decider)| !is_same_proxy(relay, decider));
        *requests.entry(*decider).or_default() += u64::from(counted && elsewhere);
    }
    let mut attempts: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, observation) in batch.iter().enumerate().filter(|(_, observation)| !observation.absorbed && !observation.covered) {
        if let Some(id) = text(observation.facts.request_id.as_ref()) {
            attempts.entry(id).or_default().push(at);
        }
    }
    let mut pairs = Vec::new();
    for (decider, count) in requests.into_iter().filter(|(_, count)| *count > 0) {
        let Some(theirs) = batch.get(decider) else { continue };
        let same = |at: &&usize| {
            batch.get(**at).is_some_and(|other| {
                is_same_proxy(other, theirs)
                    && other.verdict.cause.code == theirs.verdict.cause.code
                    && (other.side(), other.target()) == (theirs.side(), theirs.target())
            })
        };
        let of_request = text(theirs.facts.request_id.as_ref()).and_then(|id| attempts.get(id));
        let again = of_request.into_iter().flatten().filter(same).skip(usize::try_from(count).unwrap_or(usize::MAX));
        pairs.extend(again.map(|at| (*at, decider)).filter(|(at, decider)| at != decider));
    }
    for (attempt, decider) in pairs {
        absorb(batch, attempt, decider);
    }
}

/// A server whose caller went away, and the caller: a timeout, or because its own client had gone.
fn hung_up(batch: &mut [Observation]) {
    let mut callers: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, caller) in batch.iter().enumerate().filter(|(_, caller)| !caller.absorbed && decides(caller)) {
        if let Some(id) = text(caller.facts.request_id.as_ref()) {
            callers.entry(id).or_default().push(at);
        }
    }
    let mut pairs = Vec::new();
    for (at, server) in batch.iter().enumerate().filter(|(_, server)| !server.absorbed && is_gone(server)) {
        let of_request = text(server.facts.request_id.as_ref()).and_then(|id| callers.get(id));
        let caller =
            of_request.into_iter().flatten().find(|caller| batch.get(**caller).is_some_and(|caller| calls(caller, server)));
        pairs.extend(caller.map(|caller| (at, *caller)));
    }
    for (server, caller) in pairs {
        absorb(batch, server, caller);
    }
}

fn is_gone(server: &Observation) -> bool {
    server.slug() == "downstream-disconnect"
}

/// Whether the one hop's upstream is the other; or the one is the other's application, which gave up when its client had.
fn calls(caller: &Observation, server: &Observation) -> bool {
    if is_same_proxy(caller, server) {
        return is_gone(caller) && (caller.side(), server.side()) == (Some(Side::Inbound), Some(Side::Outbound));
    }
    let upstream = text(caller.facts.upstream_host.as_ref());
    match upstream.zip(text(server.facts.downstream_local_address.as_ref())) {
        Some((upstream, own)) => upstream == own,
        None => server.side() == Some(Side::Inbound) && caller.side().is_some_and(|side| side != Side::Inbound),
    }
}

fn is_same_proxy(one: &Observation, other: &Observation) -> bool {
    match (&one.origin, &other.origin) {
        (Some(one), Some(other)) => one == other,
        (None, None) => one.source == other.source && one.facts.pod == other.facts.pod,
        _ => false,
    }
}

/// Whether two verdicts are of one kind.
fn alike(one: &'static Cause, other: &'static Cause) -> bool {
    one.code == other.code || one.refines(other) || other.refines(one)
}

fn decides(observation: &Observation) -> bool {
    let cause = observation.verdict.cause;
    // Lacking trace context, a request is answered all the same; and who passes on decides nothing.
    observation.facts.relayed_from.is_none()
        && cause.stage != Stage::Telemetry
        && (!is_of(cause, "app-error") || observation.side() == Some(Side::Inbound))
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
