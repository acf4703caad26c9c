//! How failures went on over time, and which of them made others.

use std::time::Duration;

use foldhash::HashMap;
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
pub(crate) fn describe(groups: &mut [Group], observed: Option<(Timestamp, Timestamp)>) {
    for group in groups.iter_mut() {
        group.course = observed.and_then(|observed| course(group, observed));
    }
    let (roots, closes) = (Roots::of(groups), Closes::of(groups));
    let reasons: Vec<_> = groups.iter().map(|group| closes.reason(group)).collect();
    let causes: Vec<_> = groups.iter().map(|group| roots.of_group(group)).collect();
    for ((group, cause), reason) in groups.iter_mut().zip(causes).zip(reasons) {
        (group.caused_by, group.burst_reason) = (cause, reason.filter(|_| cause.is_none()));
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

/// A cause, and when its first failure began.
type Root = (Timestamp, &'static Cause);

/// What may have made other failures, by where; the earliest of each place.
struct Roots {
    unreached: HashMap<String, Root>,
    refused: HashMap<String, Root>,
}

impl Roots {
    fn of(groups: &[Group]) -> Self {
        let mut roots = Self { unreached: HashMap::default(), refused: HashMap::default() };
        for group in groups {
            let (cause, Some(first)) = (group.verdict.cause, group.first_seen) else { continue };
            let enter = |places: &mut HashMap<String, Root>, place: Option<&str>| {
                let Some(place) = place else { return };
                let known = places.entry(place.to_owned()).or_insert((first, cause));
                if first < known.0 {
                    *known = (first, cause);
                }
            };
            if UNREACHED.iter().any(|root| cause.is_of(root)) {
                enter(&mut roots.unreached, group.facts.cluster.as_deref());
            }
            if REFUSED.contains(&cause) {
                enter(&mut roots.refused, group.hop.as_deref());
            }
        }
        roots
    }

    /// The cause that explains a group: at the same cluster or in the same proxy, and not later.
    fn of_group(&self, group: &Group) -> Option<&'static Cause> {
        let cause = group.verdict.cause;
        let root = match () {
            () if cause == &no_healthy_endpoints::CAUSE => self.unreached.get(group.facts.cluster.as_deref()?),
            () if UNCONFIGURED.contains(&cause) => self.refused.get(group.hop.as_deref()?),
            () => None,
        };
        root.filter(|(first, _)| group.first_seen.is_some_and(|ours| *first <= ours)).map(|(_, cause)| *cause)
    }
}

fn is_burst(group: &Group) -> bool {
    group.course == Some(Course::Burst)
}

fn is_closed(group: &Group) -> bool {
    is_burst(group) && group.verdict.cause.is_of(&upstream_closed_connection::CAUSE)
}

/// Bursts of connections that upstreams closed: when they began, and where; in the order of time.
struct Closes(Vec<(Timestamp, String)>);

impl Closes {
    fn of(groups: &[Group]) -> Self {
        let closed = groups.iter().filter(|group| is_closed(group));
        let mut closes: Vec<_> = closed.filter_map(|group| Some((group.first_seen?, group.target.clone()?))).collect();
        closes.sort_unstable();
        Self(closes)
    }

    /// What may have made a burst.
    fn reason(&self, group: &Group) -> Option<BurstReason> {
        if is_burst(group) && HALF_A_CHANGE.contains(&group.verdict.cause) {
            return Some(BurstReason::OrderOfChanges);
        }
        let first = group.first_seen.filter(|_| is_closed(group))?;
        let begin = self.0.partition_point(|(time, _)| *time < first && between(*time, first) > TOGETHER);
        let near = self.0.iter().skip(begin).take_while(|(time, _)| *time <= first || between(first, *time) <= TOGETHER);
        let mut clusters: Vec<&str> = Vec::new();
        for (_, target) in near {
            if !clusters.contains(&target.as_str()) {
                clusters.push(target);
            }
            if clusters.len() == CLUSTERS {
                return Some(BurstReason::ListenerUpdate);
            }
        }
        None
    }
}
