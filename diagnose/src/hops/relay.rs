//! Answers that hops passed on, and callers that went away: who of one request's hops speaks.

use foldhash::{HashMap, HashMapExt};
use meshwhy_core::causes::{
    downstream_disconnect, protocol_error_upstream, unknown, upstream_closed_connection, upstream_stream_reset,
};
use meshwhy_core::facts::text;
use meshwhy_core::{Cause, Context, Nature, Side};

use super::{counting_first, enter, mark_explained};
use crate::group::order;
use crate::sighting::Sighting;

/// Joins the hops of each request.
pub(super) fn join(batch: &mut [Sighting]) {
    relays(batch);
    cut_off(batch);
    hung_up(batch);
}

/// Hops that passed on what another hop, or the application behind it, decided.
///
/// Of the lines with one request id, the hop whose own verdict it is speaks; a hop that merely relayed an answer does not.
/// When nobody but the application decided, the hop next to it speaks. A hop whose header names the author speaks for it where
/// the author's own line is not there.
fn relays(batch: &mut [Sighting]) {
    let mut deciders: HashMap<&str, usize> = HashMap::new();
    let mut authors: HashMap<(&str, &str), usize> = HashMap::new();
    for (at, sighting) in counting_first(batch).filter(|(_, sighting)| !sighting.is_absorbed() && decides(sighting)) {
        let Some(id) = text(sighting.facts.context.request_id.as_ref()) else { continue };
        if let Some(pod) = text(sighting.facts.context.pod.as_ref()) {
            authors.entry((id, pod)).or_insert(at);
        }
        let best = deciders.entry(id).or_insert(at);
        let rank = |sighting: &Sighting| (sighting.covered, order(&sighting.verdict));
        if batch.get(*best).is_some_and(|known| rank(sighting) < rank(known)) {
            *best = at;
        }
    }
    let mut pairs = Vec::new();
    let mut alone: HashMap<(&str, Option<&str>), Vec<usize>> = HashMap::new();
    for (at, relay) in counting_first(batch).filter(|(_, relay)| !relay.is_absorbed() && relay.facts.relayed_from.is_some()) {
        let Some(id) = text(relay.facts.context.request_id.as_ref()) else { continue };
        let pod = text(relay.facts.context.pod.as_ref());
        let named = pod.and_then(|pod| authors.get(&(id, pod))).copied();
        let alike = || {
            let decider = *deciders.get(id)?;
            batch.get(decider).filter(|theirs| relay.is(&unknown::CAUSE) || alike(theirs.verdict.cause, relay.verdict.cause))?;
            Some(decider)
        };
        match named.or_else(alike) {
            Some(author) => pairs.push((at, author)),
            None => alone.entry((id, pod)).or_default().push(at),
        }
    }
    let mut speakers: HashMap<&str, usize> = HashMap::new();
    for ((id, _), relays) in alone {
        // One that counts speaks.
        let Some(speaker) = relays.iter().copied().min_by_key(|at| (batch.get(*at).is_none_or(|relay| relay.covered), *at))
        else {
            continue;
        };
        pairs.extend(relays.into_iter().filter(|at| *at != speaker).map(|at| (at, speaker)));
        let first = speakers.entry(id).or_insert(speaker);
        *first = speaker.min(*first);
    }
    for (at, relay) in counting_first(batch).filter(|(_, relay)| !relay.is_absorbed() && is_application(relay)) {
        let Some(id) = text(relay.facts.context.request_id.as_ref()) else { continue };
        // The application next to a hop is the author only where no other hop knows better.
        let own = deciders.get(id).copied();
        let speaker = speakers.get(id).copied().filter(|_| own.is_none_or(|own| batch.get(own).is_some_and(is_application)));
        let Some(decider) = speaker.or(own) else { continue };
        let Some(theirs) = batch.get(decider) else { continue };
        let both_next_to_the_application = is_application(theirs) && relay.side() == Some(Side::Inbound);
        let unrelated = theirs.is(&unknown::CAUSE) && theirs.facts.status != relay.facts.status;
        if at != decider && !both_next_to_the_application && !unrelated {
            pairs.push((at, decider));
        }
    }
    for &(relay, decider) in &pairs {
        mark_explained(batch, relay, decider);
    }
    repeated(batch, &pairs);
}

/// What a hop decided again and again for one caller's request, which the caller tried again: as often as the caller has lines.
fn repeated(batch: &mut [Sighting], relays: &[(usize, usize)]) {
    let mut by_proxy: HashMap<(usize, Proxy<'_>), u64> = HashMap::new();
    for (relay, decider) in relays {
        let Some((relay, theirs)) = batch.get(*relay).zip(batch.get(*decider)) else { continue };
        if !relay.covered && proxy(relay) != proxy(theirs) {
            *by_proxy.entry((*decider, proxy(relay))).or_default() += 1;
        }
    }
    let mut requests: HashMap<usize, u64> = HashMap::new();
    for ((decider, _), count) in by_proxy {
        let most = requests.entry(decider).or_default();
        *most = count.max(*most);
    }
    let mut attempts: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, sighting) in counting_first(batch).filter(|(_, sighting)| !sighting.is_absorbed() && !sighting.covered) {
        if let Some(id) = text(sighting.facts.context.request_id.as_ref()) {
            enter(&mut attempts, id, at);
        }
    }
    let mut pairs = Vec::new();
    for (decider, count) in requests {
        let Some(theirs) = batch.get(decider) else { continue };
        let same = |at: &usize| {
            batch.get(*at).is_some_and(|other| {
                proxy(other) == proxy(theirs)
                    && other.verdict.cause == theirs.verdict.cause
                    && (other.side(), other.target()) == (theirs.side(), theirs.target())
            })
        };
        let of_request = text(theirs.facts.context.request_id.as_ref()).and_then(|id| attempts.get(id));
        let others = of_request.into_iter().flatten().copied().filter(|at| *at != decider && same(at));
        let kept = count.saturating_sub(u64::from(!theirs.covered));
        pairs.extend(others.skip(usize::try_from(kept).unwrap_or(usize::MAX)).map(|at| (at, decider)));
    }
    for (attempt, decider) in pairs {
        mark_explained(batch, attempt, decider);
    }
}

/// A caller that only saw its upstream's connection or stream end, and the server that says why: it refused the connection, could
/// not go on with the request, or closed the connection itself.
fn cut_off(batch: &mut [Sighting]) {
    let mut connections: HashMap<(&str, &str), usize> = HashMap::new();
    let mut requests: HashMap<&str, Vec<usize>> = HashMap::new();
    let says_why = |server: &Sighting| !server.is_absorbed() && decides(server) && !is_gone(server) && !is_application(server);
    for (at, server) in counting_first(batch).filter(|(_, server)| says_why(server)) {
        let Context { downstream_remote_address, downstream_local_address, .. } = &server.facts.context;
        match text(server.facts.context.request_id.as_ref()) {
            Some(id) => enter(&mut requests, id, at),
            None => {
                let ends = text(downstream_remote_address.as_ref()).zip(text(downstream_local_address.as_ref()));
                if let Some(ends) = ends {
                    connections.entry(ends).or_insert(at);
                }
            }
        }
    }
    let mut pairs = Vec::new();
    for (at, caller) in counting_first(batch).filter(|(_, caller)| !caller.is_absorbed() && saw_the_upstream_end(caller)) {
        let ends = text(caller.facts.context.upstream_local_address.as_ref()).zip(text(caller.facts.upstream_host.as_ref()));
        let of_connection = ends.and_then(|ends| connections.get(&ends)).copied();
        let of_request = || {
            let servers = requests.get(text(caller.facts.context.request_id.as_ref())?)?;
            servers.iter().copied().find(|server| batch.get(*server).is_some_and(|server| is_upstream(caller, server)))
        };
        pairs.extend(of_connection.or_else(of_request).filter(|server| *server != at).map(|server| (at, server)));
    }
    for (caller, server) in pairs {
        mark_explained(batch, caller, server);
    }
}

fn saw_the_upstream_end(caller: &Sighting) -> bool {
    [&upstream_closed_connection::CAUSE, &upstream_stream_reset::CAUSE, &protocol_error_upstream::CAUSE]
        .iter()
        .any(|ended| caller.verdict.cause.is_of(ended))
}

/// A server whose caller went away, and the caller: a timeout, or because its own client had gone.
fn hung_up(batch: &mut [Sighting]) {
    let mut callers: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, caller) in counting_first(batch).filter(|(_, caller)| !caller.is_absorbed() && decides(caller)) {
        if let Some(id) = text(caller.facts.context.request_id.as_ref()) {
            enter(&mut callers, id, at);
        }
    }
    let mut pairs = Vec::new();
    for (at, server) in counting_first(batch).filter(|(_, server)| !server.is_absorbed() && is_gone(server)) {
        let of_request = text(server.facts.context.request_id.as_ref()).and_then(|id| callers.get(id));
        let caller =
            of_request.into_iter().flatten().find(|caller| batch.get(**caller).is_some_and(|caller| calls(caller, server)));
        pairs.extend(caller.map(|caller| (at, *caller)));
    }
    for (server, caller) in pairs {
        mark_explained(batch, server, caller);
    }
}

fn is_application(sighting: &Sighting) -> bool {
    sighting.verdict.cause.nature == Nature::Application
}

fn is_gone(server: &Sighting) -> bool {
    server.is(&downstream_disconnect::CAUSE)
}

/// Whether the one hop's upstream is the other; or the one is the other's application, which gave up when its client had.
fn calls(caller: &Sighting, server: &Sighting) -> bool {
    if proxy(caller) == proxy(server) {
        return is_gone(caller) && (caller.side(), server.side()) == (Some(Side::Inbound), Some(Side::Outbound));
    }
    is_upstream(caller, server)
}

/// Whether the server is the hop that the caller called, by its address, or else by its side.
fn is_upstream(caller: &Sighting, server: &Sighting) -> bool {
    if proxy(caller) == proxy(server) {
        return false;
    }
    let upstream = text(caller.facts.upstream_host.as_ref());
    match upstream.zip(text(server.facts.context.downstream_local_address.as_ref())) {
        Some((upstream, own)) => upstream == own,
        None => server.side() == Some(Side::Inbound) && caller.side().is_some_and(|side| side != Side::Inbound),
    }
}

type Proxy<'a> = (Option<&'a str>, Option<(u32, Option<&'a str>)>);

/// Who wrote the line: the container that its prefix names, else its file and the pod, unless that is the author's.
fn proxy(sighting: &Sighting) -> Proxy<'_> {
    let pod = sighting.facts.context.pod.as_deref().filter(|_| sighting.facts.relayed_from.is_none());
    match sighting.origin.as_deref() {
        Some(origin) => (Some(origin), None),
        None => (None, Some((sighting.source, pod))),
    }
}

/// Whether two verdicts are of one kind.
fn alike(one: &'static Cause, other: &'static Cause) -> bool {
    one.is_of(other) || other.refines(one)
}

fn decides(sighting: &Sighting) -> bool {
    // Lacking trace context, a request is answered all the same; and who passes on decides nothing.
    sighting.facts.relayed_from.is_none()
        && sighting.verdict.cause.nature != Nature::Telemetry
        && (!is_application(sighting) || sighting.side() == Some(Side::Inbound))
}
