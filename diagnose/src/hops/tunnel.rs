//! A waypoint or gateway whose tunnel to a workload failed: the request's line, and the tunnel's own with the true reason.
//!
//! Source: Istio `pilot/pkg/networking/core/waypoint.go`, 1.24–1.30: HTTP goes to the internal listener `connect_originate`, whose TCP proxy
//! connects to port 15008 and has an access log of its own for failures.

use foldhash::HashSet;
use meshwhy_core::Flag;

use super::{Shared, change_verdict, counting_first, mark_explained};
use crate::failure::{Address, Failures};
use crate::kind::Kind;

/// The cluster of the listener in front of the tunnel.
const CLUSTER: &str = "connect_originate";

/// The request's line speaks, since there is one for each request, with the verdict of its tunnel; all attempts to make that are one failure.
pub(super) fn join(failures: &mut Failures) {
    // The longest time that an attempt to connect takes by default, and some more.
    const WITHIN: u64 = 15_000_000;
    if !failures.kinds.each().any(is_tunnel) {
        return;
    }
    let mut tunnels: Shared<(u64, Address)> = Shared::new();
    for (at, tunnel) in counting_first(failures, is_tunnel) {
        if let Some(host) = tunnel.failure.upstream_host {
            tunnels.enter((author(failures, tunnel.kind), host.ip()), at);
        }
    }
    let mut verdicts = Vec::new();
    let mut pairs = Vec::new();
    let mut taken: HashSet<usize> = HashSet::default();
    for (at, request) in counting_first(failures, |kind| !is_tunnel(kind) && kind.facts.has_flag(Flag::UF)) {
        let Some(host) = request.failure.upstream_host else { continue };
        let is_near = |tunnel: &usize| {
            let theirs = failures.all.get(*tunnel).and_then(|tunnel| tunnel.time);
            theirs.zip(request.failure.time).is_none_or(|(theirs, own)| theirs.get().abs_diff(own.get()) <= WITHIN)
        };
        let attempts: Vec<usize> = tunnels.of((author(failures, request.kind), host.ip())).filter(is_near).collect();
        if let Some(tunnel) = attempts.first().and_then(|tunnel| failures.view(*tunnel)) {
            verdicts.push((at, tunnel.kind.verdict));
        }
        pairs.extend(attempts.into_iter().filter(|tunnel| taken.insert(*tunnel)).map(|tunnel| (tunnel, at)));
    }
    for (request, verdict) in verdicts {
        change_verdict(failures, request, |_| verdict);
    }
    for (tunnel, request) in pairs {
        mark_explained(failures, tunnel, request);
    }
}

fn is_tunnel(kind: &Kind) -> bool {
    kind.facts.cluster.as_deref() == Some(CLUSTER)
}

fn author(failures: &Failures, kind: &Kind) -> u64 {
    failures.number(kind.author())
}
