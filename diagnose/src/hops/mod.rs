//! One request, several hops: which of their lines tell of one failure, and whose verdict it is.
//!
//! No condition on one line's facts can say these things; each rule here needs two proxies' lines.

mod handshake;
mod missing_plugin;
mod relay;

use std::hash::Hash;

use foldhash::HashMap;
use meshwhy_core::causes::{
    config_rejected, duplicate_domain, listener_conflict, protocol_error_upstream, unknown, upstream_closed_connection,
    xds_benign_warning, xds_control_plane_error, xds_disconnect_benign, xds_unreachable,
};
use meshwhy_core::{Cause, Confidence, Verdict};

use crate::failure::{Failures, Told};
use crate::kind::{Author, Kind};

pub(crate) use missing_plugin::settle as settle_missing_plugins;

/// Most lines of one request or connection that are looked at, so that the work stays linear whatever the ids.
const MAX_JOINED: usize = 64;

/// Joins hops: changes verdicts that another hop's line makes precise, and marks failures that it explains.
pub(crate) fn join(failures: &mut Failures) {
    handshake::join(failures);
    relay::join(failures);
    drop_repeated_codec_errors(failures);
    raise_repeated_closes(failures);
    drop_startup_noise(failures);
    drop_lone_statuses(failures);
}

/// A control-plane stream that closes again within a minute is no routine.
fn raise_repeated_closes(failures: &mut Failures) {
    const OFTEN: usize = 3;
    const WITHIN: i64 = 60_000_000;
    // By author: the time, and the failure.
    let mut closed: HashMap<Author<'_>, Vec<(i64, usize)>> = HashMap::default();
    for (at, line) in failures.of(|line| line.is(&xds_disconnect_benign::CAUSE)) {
        let Some(time) = line.failure.time else { continue };
        closed.entry(line.kind.author()).or_default().push((time.get(), at));
    }
    let mut again = Vec::new();
    for mut times in closed.into_values() {
        times.sort_unstable();
        for run in times.windows(OFTEN) {
            if let [(first, _), .., (last, _)] = run
                && last.saturating_sub(*first) <= WITHIN
            {
                again.extend(run.iter().map(|(_, at)| *at));
            }
        }
    }
    again.sort_unstable();
    again.dedup();
    for at in again {
        change_verdict(failures, at, |verdict| Verdict {
            cause: &xds_unreachable::CAUSE,
            confidence: Confidence::Likely,
            ..verdict
        });
    }
}

/// A status that stands alone in a line, beside a line near it that says why and has none.
fn drop_lone_statuses(failures: &mut Failures) {
    const NEAR: u64 = 3;
    let is_lone = |line: &Kind| line.is(&unknown::CAUSE) && line.facts.count() == 1 && line.facts.status.is_some();
    let says_why = |line: &Kind| line.facts.status.is_none() && !line.is(&unknown::CAUSE);
    let near = |(at, lone): (usize, Told<'_>)| {
        let is_near = |(_, other): &(usize, Told<'_>)| other.failure.line.abs_diff(lone.failure.line) <= NEAR;
        let before = (0..at).rev().filter_map(|at| Some((at, failures.told(at)?))).take_while(is_near);
        let mut behind = (at + 1..failures.all.len()).filter_map(|at| Some((at, failures.told(at)?))).take_while(is_near);
        let speaks = |(_, other): &(usize, Told<'_>)| other.kind.source == lone.kind.source && says_why(other.kind);
        let first = before.filter(speaks).last().or_else(|| behind.find(speaks));
        first.map(|(by, _)| (at, by))
    };
    let pairs: Vec<_> = failures.of(is_lone).filter_map(near).collect();
    for (lone, by) in pairs {
        mark_explained(failures, lone, by);
    }
}

/// An upstream's protocol error that Envoy's own log tells, and the access-log line of it: before Envoy 1.18 that line had the
/// flag `UC` and no details.
fn drop_repeated_codec_errors(failures: &mut Failures) {
    let mut flagged: HashMap<(u32, Option<&str>), Vec<usize>> = HashMap::default();
    let old = |line: &Kind| line.is(&upstream_closed_connection::CAUSE) && line.facts.details.is_none();
    for (at, line) in failures.of(old).rev().filter(|(_, line)| !line.is_absorbed()) {
        flagged.entry((line.kind.source, line.kind.origin.as_deref())).or_default().push(at);
    }
    let is_unnamed = |words: &Kind| words.is(&protocol_error_upstream::CAUSE) && words.facts.status.is_none();
    let mut pairs = Vec::new();
    for (at, words) in failures.of(is_unnamed) {
        let line = flagged.get_mut(&(words.kind.source, words.kind.origin.as_deref())).and_then(Vec::pop);
        pairs.extend(line.map(|line| (line, at)));
    }
    for (line, words) in pairs {
        mark_explained(failures, line, words);
    }
}

/// Words that only a proxy says that has reached its control plane: what failed before them was the start.
fn drop_startup_noise(failures: &mut Failures) {
    static REACHED: [&Cause; 6] = [
        &config_rejected::CAUSE,
        &duplicate_domain::CAUSE,
        &listener_conflict::CAUSE,
        &xds_benign_warning::CAUSE,
        &xds_control_plane_error::CAUSE,
        &xds_disconnect_benign::CAUSE,
    ];
    let mut last: HashMap<(u32, Option<&str>), usize> = HashMap::default();
    for (at, told) in failures.of(|kind| REACHED.contains(&kind.verdict.cause)) {
        last.insert((told.kind.source, told.kind.origin.as_deref()), at);
    }
    let early = |(at, told): (usize, Told<'_>)| {
        let end = *last.get(&(told.kind.source, told.kind.origin.as_deref()))?;
        (at < end).then_some((at, end))
    };
    let pairs: Vec<_> = failures.of(|kind| kind.is(&xds_unreachable::CAUSE)).filter_map(early).collect();
    for (start, end) in pairs {
        mark_explained(failures, start, end);
    }
}

/// Failures by what they share, in their order; few stand alone under most keys.
#[derive(Debug)]
struct Shared<K> {
    first: HashMap<K, usize>,
    more: HashMap<K, Vec<usize>>,
}

impl<K: Copy + Hash + Eq> Shared<K> {
    fn new() -> Self {
        Self { first: HashMap::default(), more: HashMap::default() }
    }

    /// Enters a failure under its key, unless too many stand there already.
    fn enter(&mut self, key: K, at: usize) {
        if *self.first.entry(key).or_insert(at) == at {
            return;
        }
        let more = self.more.entry(key).or_default();
        if more.len() + 1 < MAX_JOINED {
            more.push(at);
        }
    }

    fn of(&self, key: K) -> impl Iterator<Item = usize> {
        self.first.get(&key).into_iter().chain(self.more.get(&key).into_iter().flatten()).copied()
    }
}

/// The failures of some kinds that no other explains: those that count before those that a better witness has counted.
fn counting_first(failures: &Failures, is_wanted: impl Fn(&Kind) -> bool + Copy) -> impl Iterator<Item = (usize, Told<'_>)> {
    let of = |covered| failures.of(is_wanted).filter(move |(_, told)| told.failure.covered == covered && !told.is_absorbed());
    of(false).chain(of(true))
}

/// Gives a failure another verdict.
fn change_verdict(failures: &mut Failures, at: usize, change: impl FnOnce(Verdict) -> Verdict) {
    let Some(told) = failures.told(at) else { return };
    let (kind, verdict) = (told.failure.kind, change(told.kind.verdict));
    let by = failures.number((verdict.cause.code, verdict.confidence));
    let changed = failures.kinds.derive(kind, by, |kind| Kind { verdict, ..kind });
    if let (Some(failure), Some(changed)) = (failures.all.get_mut(at), changed) {
        failure.kind = changed;
    }
}

/// Marks a failure as explained by another, unless that would be explained by the first in turn: somebody must speak, and
/// count.
fn mark_explained(failures: &mut Failures, explained: usize, by: usize) {
    let Some(speaker) = speaker(failures, by).filter(|speaker| *speaker != explained) else { return };
    let Some(failure) = failures.all.get_mut(explained).filter(|failure| failure.absorbed_by.is_none()) else { return };
    failure.absorbed_by = u32::try_from(speaker).ok();
    let covered = failure.covered;
    if let Some(speaker) = failures.all.get_mut(speaker) {
        speaker.covered &= covered;
    }
}

/// The failure that speaks for this one.
pub(crate) fn speaker(failures: &Failures, of: usize) -> Option<usize> {
    let mut at = of;
    for _ in 0..MAX_JOINED {
        match failures.all.get(at)?.absorbed_by {
            Some(next) => at = usize::try_from(next).ok()?,
            None => return Some(at),
        }
    }
    None
}
