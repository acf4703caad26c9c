//! How failures went on over time, and which of them made others.

use std::time::Duration;

use jiff::Timestamp;
use meshwhy_core::causes::{
    config_rejected, duplicate_domain, listener_conflict, no_cluster, no_healthy_endpoints, no_route, no_virtual_host,
    tls_handshake_failed, upstream_closed_connection, upstream_connection_refused, upstream_connection_timeout, xds_unreachable,
};
use meshwhy_core::{Cause, words};
use serde::Serialize;

use crate::group::Group;

/// Fewest failures of which it is said how they went on.
const FEWEST: u64 = 10;
/// Shortest time without failures that says something.
const QUIET: Duration = Duration::from_secs(30);
/// How close to each other the first failures of one listener update are.
const TOGETHER: Duration = Duration::from_secs(60);
/// Fewest clusters whose connections close together.
const CLUSTERS: usize = 3;

words! {
    /// How failures went on over the time that the lines are of.
    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    #[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
    pub enum Course {
        /// All the time.
        Steady = "steady",
        /// They began within that time and did not end.
        Onset = "onset",
        /// They ended long before the lines do.
        Burst = "burst",
        /// They came and went several times.
        Flapping = "flapping",
    }
}

words! {
    /// What makes bursts that end by themselves.
    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    #[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
    pub enum BurstReason {
        /// Parts of a change that arrived in the wrong order: what names a destination before the destination.
        OrderOfChanges = "order_of_changes",
        /// Connections that many clusters closed at the same time, as after an update of their listeners.
        ListenerUpdate = "listener_update",
    }
}

/// Causes that end by themselves where a change arrived in the wrong order.
static HALF_A_CHANGE: [&Cause; 4] = [&no_cluster::CAUSE, &no_route::CAUSE, &no_virtual_host::CAUSE, &no_healthy_endpoints::CAUSE];
/// Failures to reach an endpoint, after several of which Envoy's outlier detection takes it out.
static UNREACHED: [&Cause; 3] =
    [&upstream_connection_refused::CAUSE, &upstream_connection_timeout::CAUSE, &tls_handshake_failed::CAUSE];
/// What a proxy lacks whose configuration was refused, or does not arrive.
static UNCONFIGURED: [&Cause; 3] = [&no_cluster::CAUSE, &no_route::CAUSE, &no_virtual_host::CAUSE];
static REFUSED: [&Cause; 4] =
    [&config_rejected::CAUSE, &duplicate_domain::CAUSE, &listener_conflict::CAUSE, &xds_unreachable::CAUSE];

/// Says of each group how it went on, what may have made it end, and which other group explains it. `observed` is the time that the lines are of.
pub(crate) fn tell(groups: &mut [Group], observed: Option<(Timestamp, Timestamp)>) {
    for group in groups.iter_mut() {
        group.course = observed.and_then(|observed| course(group, observed));
    }
    let causes: Vec<_> = groups.iter().map(|group| caused_by(group, groups)).collect();
    let reasons: Vec<_> = groups.iter().map(|group| reason(group, groups)).collect();
    for ((group, cause), reason) in groups.iter_mut().zip(causes).zip(reasons) {
        (group.caused_by, group.burst_reason) = (cause, reason);
    }
}

fn course(group: &Group, (from, until): (Timestamp, Timestamp)) -> Option<Course> {
    let (first, last) = group.first_seen.zip(group.last_seen).filter(|_| group.count >= FEWEST)?;
    let length = between(from, until);
    let quiet = QUIET.max(length / 10);
    let (before, after) = (between(from, first) > quiet, between(last, until) > quiet);
    Some(match () {
        () if comes_and_goes(group) => Course::Flapping,
        () if after && between(first, last) <= length / 3 => Course::Burst,
        () if before && !after => Course::Onset,
        () => Course::Steady,
    })
}

fn between(first: Timestamp, last: Timestamp) -> Duration {
    Duration::try_from(last.duration_since(first)).unwrap_or_default()
}

/// Whether failures stand together in at least three places with nothing between them, more closely than chance would put them.
fn comes_and_goes(group: &Group) -> bool {
    const RUNS: usize = 3;
    /// Variance by mean, which is 1 for what happens by chance.
    const DISPERSION: f64 = 5.0;
    let Some(rate) = &group.rate else { return false };
    let runs = rate.counts.split(|count| *count == 0).filter(|run| !run.is_empty()).count();
    let number = rate.counts.len() as f64;
    let mean = rate.counts.iter().sum::<u64>() as f64 / number;
    let variance = rate.counts.iter().map(|count| (*count as f64 - mean).powi(2)).sum::<f64>() / number;
    runs >= RUNS && variance > DISPERSION * mean
}

/// The cause of another group that explains this one: at the same cluster or in the same proxy, and not later.
fn caused_by(group: &Group, groups: &[Group]) -> Option<&'static Cause> {
    let cause = group.verdict.cause;
    let is_earlier = |other: &Group| match (other.first_seen, group.first_seen) {
        (Some(theirs), Some(ours)) => theirs <= ours,
        _ => false,
    };
    let unreached = |other: &Group| {
        cause == &no_healthy_endpoints::CAUSE
            && UNREACHED.iter().any(|root| other.verdict.cause.is_of(root))
            && group.facts.cluster.is_some()
            && other.facts.cluster == group.facts.cluster
    };
    let refused = |other: &Group| {
        UNCONFIGURED.contains(&cause) && REFUSED.contains(&other.verdict.cause) && group.hop.is_some() && other.hop == group.hop
    };
    let root = groups.iter().filter(|other| unreached(other) || refused(other)).filter(|other| is_earlier(other));
    root.min_by_key(|other| other.first_seen).map(|other| other.verdict.cause)
}

fn reason(group: &Group, groups: &[Group]) -> Option<BurstReason> {
    let is_burst = |group: &Group| group.course == Some(Course::Burst);
    if !is_burst(group) || group.caused_by.is_some() {
        return None;
    }
    let closed = |group: &Group| is_burst(group) && group.verdict.cause.is_of(&upstream_closed_connection::CAUSE);
    let is_together = |other: &&Group| {
        let times = group.first_seen.zip(other.first_seen);
        closed(other) && times.is_some_and(|(ours, theirs)| between(ours.min(theirs), ours.max(theirs)) <= TOGETHER)
    };
    let mut clusters: Vec<_> = groups.iter().filter(is_together).filter_map(|other| other.target.as_deref()).collect();
    clusters.sort_unstable();
    clusters.dedup();
    match () {
        () if HALF_A_CHANGE.contains(&group.verdict.cause) => Some(BurstReason::OrderOfChanges),
        () if closed(group) && clusters.len() >= CLUSTERS => Some(BurstReason::ListenerUpdate),
        () => None,
    }
}
