//! Answers that hops passed on, and callers that went away: who of one request's hops speaks.

use std::num::NonZeroU64;

use foldhash::HashMap;
use meshwhy_core::causes::{
    downstream_disconnect, protocol_error_upstream, unknown, upstream_closed_connection, upstream_stream_reset,
};
use meshwhy_core::facts::text;
use meshwhy_core::{Cause, Nature, Side};

use super::shared_requests::SharedRequests;
use super::{Shared, counting_first, mark_explained};
use crate::failure::{FailureView, Failures};
use crate::group::order;
use crate::kind::{Kind, Proxy};

/// Joins the hops of each request.
pub(super) fn join(failures: &mut Failures) {
    let shared = SharedRequests::of(failures);
    relays(failures, &shared);
    cut_off(failures, &shared);
    hung_up(failures, &shared);
}

/// Hops that passed on what another hop, or the application behind it, decided.
///
/// Of the lines with one request id, the hop whose own verdict it is speaks; a hop that merely relayed an answer does not.
/// When nobody but the application decided, the hop next to it speaks. A hop whose header names the author speaks for it where
/// the author's own line is not there.
fn relays(failures: &mut Failures, shared: &SharedRequests) {
    let mut deciders: HashMap<NonZeroU64, usize> = HashMap::default();
    let mut authors: HashMap<(NonZeroU64, &str), usize> = HashMap::default();
    for (at, id, view) in shared.counting_first(failures, decides) {
        if let Some(pod) = pod(view.kind) {
            authors.entry((id, pod)).or_insert(at);
        }
        let best = deciders.entry(id).or_insert(at);
        let rank = |view: FailureView<'_>| (view.failure.covered, order(&view.kind.verdict));
        if failures.view(*best).is_some_and(|known| rank(view) < rank(known)) {
            *best = at;
        }
    }
    let mut pairs = Vec::new();
    let mut alone: HashMap<(NonZeroU64, Option<&str>), Vec<usize>> = HashMap::default();
    for (at, id, relay) in shared.counting_first(failures, is_relayed) {
        let pod = pod(relay.kind);
        let named = pod.and_then(|pod| authors.get(&(id, pod))).copied();
        let alike = || {
            let decider = *deciders.get(&id)?;
            let theirs = failures.view(decider)?.kind;
            (relay.kind.is(&unknown::CAUSE) || alike(theirs.verdict.cause, relay.kind.verdict.cause)).then_some(decider)
        };
        match named.or_else(alike) {
            Some(author) => pairs.push((at, author)),
            None => alone.entry((id, pod)).or_default().push(at),
        }
    }
    let mut speakers: HashMap<NonZeroU64, usize> = HashMap::default();
    let mut alone: Vec<(NonZeroU64, Vec<usize>)> = alone.into_iter().map(|((id, _), relays)| (id, relays)).collect();
    alone.sort_unstable_by(|(_, one), (_, other)| one.cmp(other));
    for (id, relays) in alone {
        // One that counts speaks.
        let covered = |at: usize| failures.all.get(at).is_none_or(|relay| relay.covered);
        let Some(speaker) = relays.iter().copied().min_by_key(|at| (covered(*at), *at)) else { continue };
        pairs.extend(relays.into_iter().filter(|at| *at != speaker).map(|at| (at, speaker)));
        let first = speakers.entry(id).or_insert(speaker);
        *first = speaker.min(*first);
    }
    for (at, id, relay) in shared.counting_first(failures, Kind::is_application) {
        // The application next to a hop is the author only where no other hop knows better.
        let own = deciders.get(&id).copied();
        let is_application = |own: usize| failures.view(own).is_some_and(|own| own.kind.is_application());
        let speaker = speakers.get(&id).copied().filter(|_| own.is_none_or(is_application));
        let Some(decider) = speaker.or(own) else { continue };
        let Some(FailureView { kind: theirs, .. }) = failures.view(decider) else { continue };
        let both_next_to_the_application = theirs.is_application() && relay.kind.side() == Some(Side::Inbound);
        let unrelated = theirs.is(&unknown::CAUSE) && theirs.facts.status != relay.kind.facts.status;
        if at != decider && !both_next_to_the_application && !unrelated {
            pairs.push((at, decider));
        }
    }
    for &(relay, decider) in &pairs {
        mark_explained(failures, relay, decider);
    }
    repeated(failures, shared, &pairs);
}

/// What a hop decided again and again for one caller's request, which the caller tried again: as often as the caller has lines.
fn repeated(failures: &mut Failures, shared: &SharedRequests, relays: &[(usize, usize)]) {
    let mut by_proxy: HashMap<(usize, Proxy<'_>), u64> = HashMap::default();
    for (relay, decider) in relays {
        let Some((relay, theirs)) = failures.view(*relay).zip(failures.view(*decider)) else { continue };
        if !relay.failure.covered && relay.kind.proxy() != theirs.kind.proxy() {
            *by_proxy.entry((*decider, relay.kind.proxy())).or_default() += 1;
        }
    }
    let mut requests: HashMap<usize, u64> = HashMap::default();
    for ((decider, _), count) in by_proxy {
        let most = requests.entry(decider).or_default();
        *most = count.max(*most);
    }
    if requests.is_empty() {
        return;
    }
    let mut attempts = Shared::new();
    for (at, id, _) in shared.counting_first(failures, |_| true).filter(|(.., view)| !view.failure.covered) {
        attempts.enter(id, at);
    }
    let mut pairs = Vec::new();
    for (decider, count) in requests {
        let Some(FailureView { failure, kind: theirs }) = failures.view(decider) else { continue };
        let same = |at: &usize| {
            failures.view(*at).is_some_and(|FailureView { kind: other, .. }| {
                other.proxy() == theirs.proxy()
                    && other.verdict.cause == theirs.verdict.cause
                    && (other.side(), other.target()) == (theirs.side(), theirs.target())
            })
        };
        let of_request = failure.request.into_iter().flat_map(|id| attempts.of(id));
        let others = of_request.filter(|at| *at != decider && same(at));
        let kept = count.saturating_sub(u64::from(!failure.covered));
        pairs.extend(others.skip(usize::try_from(kept).unwrap_or(usize::MAX)).map(|at| (at, decider)));
    }
    pairs.sort_unstable();
    for (attempt, decider) in pairs {
        mark_explained(failures, attempt, decider);
    }
}

/// A caller that only saw its upstream's connection or stream end, and the server that says why: it refused the connection, could
/// not go on with the request, or closed the connection itself.
fn cut_off(failures: &mut Failures, shared: &SharedRequests) {
    let mut connections = HashMap::default();
    let mut requests = Shared::new();
    let says_why = |server: &Kind| decides(server) && !is_gone(server) && !server.is_application();
    for (at, id, _) in shared.counting_first(failures, says_why) {
        requests.enter(id, at);
    }
    for (at, server) in counting_first(failures, says_why) {
        if let (None, Some(ends)) = (server.failure.request, server.connection()) {
            connections.entry(ends).or_insert(at);
        }
    }
    let mut pairs = Vec::new();
    for (at, caller) in counting_first(failures, saw_the_upstream_end) {
        let ends = caller.failure.upstream_local.zip(caller.failure.upstream_host);
        let of_connection = ends.and_then(|ends| connections.get(&ends)).copied();
        let is_upstream = |server: &usize| failures.view(*server).is_some_and(|server| is_upstream(caller, server));
        let of_request = || requests.of(caller.failure.request?).find(is_upstream);
        pairs.extend(of_connection.or_else(of_request).filter(|server| *server != at).map(|server| (at, server)));
    }
    for (caller, server) in pairs {
        mark_explained(failures, caller, server);
    }
}

fn saw_the_upstream_end(caller: &Kind) -> bool {
    [&upstream_closed_connection::CAUSE, &upstream_stream_reset::CAUSE, &protocol_error_upstream::CAUSE]
        .iter()
        .any(|ended| caller.verdict.cause.is_of(ended))
}

/// A server whose caller went away, and the caller: a timeout, or because its own client had gone.
fn hung_up(failures: &mut Failures, shared: &SharedRequests) {
    let mut callers = Shared::new();
    if !failures.kinds.each().any(is_gone) {
        return;
    }
    for (at, id, _) in shared.counting_first(failures, decides) {
        callers.enter(id, at);
    }
    let mut pairs = Vec::new();
    for (at, id, server) in shared.counting_first(failures, is_gone) {
        let mut callers = callers.of(id).filter_map(|caller| Some((caller, failures.view(caller)?)));
        let caller = callers.find(|(_, caller)| calls(*caller, server));
        pairs.extend(caller.map(|(caller, _)| (at, caller)));
    }
    for (server, caller) in pairs {
        mark_explained(failures, server, caller);
    }
}

fn is_gone(server: &Kind) -> bool {
    server.is(&downstream_disconnect::CAUSE)
}

/// Whether the one hop's upstream is the other; or the one is the other's application, which gave up when its client had.
fn calls(caller: FailureView<'_>, server: FailureView<'_>) -> bool {
    if caller.kind.proxy() == server.kind.proxy() {
        return is_gone(caller.kind) && (caller.kind.side(), server.kind.side()) == (Some(Side::Inbound), Some(Side::Outbound));
    }
    is_upstream(caller, server)
}

/// Whether the server is the hop that the caller called, by its address, or else by its side.
fn is_upstream(caller: FailureView<'_>, server: FailureView<'_>) -> bool {
    if caller.kind.proxy() == server.kind.proxy() {
        return false;
    }
    match caller.failure.upstream_host.zip(server.failure.downstream_local) {
        Some((upstream, own)) => upstream == own,
        None => server.kind.side() == Some(Side::Inbound) && caller.kind.side().is_some_and(|side| side != Side::Inbound),
    }
}

fn pod(view: &Kind) -> Option<&str> {
    text(view.facts.context.pod.as_ref())
}

/// Whether the hop only passed on what another proxy decided.
fn is_relayed(view: &Kind) -> bool {
    view.facts.relayed_from.is_some()
}

/// Whether two verdicts are of one kind.
fn alike(one: &'static Cause, other: &'static Cause) -> bool {
    one.is_of(other) || other.refines(one)
}

fn decides(view: &Kind) -> bool {
    // Lacking trace context, a request is answered all the same; and who passes on decides nothing.
    !is_relayed(view)
        && view.verdict.cause.nature != Nature::Telemetry
        && (!view.is_application() || view.side() == Some(Side::Inbound))
}
