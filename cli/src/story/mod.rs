//! One request, several hops: which of their lines tell one story, and whose verdict it is.
//!
//! No condition on one line's facts can say these things; each rule here needs two proxies' lines.

mod handshake;
mod relay;

use std::collections::HashMap;

use meshwhy_core::causes::{
    config_rejected, duplicate_domain, listener_conflict, protocol_error_upstream, unknown, upstream_closed_connection,
    xds_benign_warning, xds_control_plane_error, xds_disconnect_benign, xds_unreachable,
};
use meshwhy_core::{Cause, Confidence};

use crate::observation::Observation;

/// Most lines of one request or connection that are looked at, so that the work stays linear whatever the ids.
const MAX_JOINED: usize = 64;

/// Joins the hops of a batch: changes verdicts that another hop's line makes precise, and marks lines that it explains.
pub(crate) fn join(batch: &mut [Observation]) {
    handshake::join(batch);
    relay::join(batch);
    spoken_of_twice(batch);
    closed_again(batch);
    reconnected(batch);
    lone_status(batch);
}

/// A control-plane stream that closes again within a minute is no routine.
fn closed_again(batch: &mut [Observation]) {
    const OFTEN: usize = 3;
    const WITHIN: u64 = 60;
    let mut closed: HashMap<(u32, Option<&str>, &str), Vec<(u64, usize)>> = HashMap::new();
    for (at, line) in batch.iter().enumerate().filter(|(_, line)| line.is(&xds_disconnect_benign::CAUSE)) {
        let Some((day, second)) = line.facts.context.start_time.as_deref().and_then(second_of_day) else { continue };
        closed.entry((line.source, line.origin.as_deref(), day)).or_default().push((second, at));
    }
    let mut again = Vec::new();
    for mut times in closed.into_values() {
        times.sort_unstable();
        for run in times.windows(OFTEN) {
            if let [(first, _), .., (last, _)] = run
                && last - first <= WITHIN
            {
                again.extend(run.iter().map(|(_, at)| *at));
            }
        }
    }
    for at in again {
        if let Some(line) = batch.get_mut(at) {
            line.verdict.cause = &xds_unreachable::CAUSE;
            line.verdict.confidence = Confidence::Likely;
        }
    }
}

/// The day and the second of `2026-11-21T10:00:00…`.
fn second_of_day(time: &str) -> Option<(&str, u64)> {
    let number = |from: usize| time.get(from..from + 2)?.parse::<u64>().ok();
    Some((time.get(..10)?, number(11)? * 3600 + number(14)? * 60 + number(17)?))
}

/// A status that stands alone in a line, beside a line near it that says why and has none.
fn lone_status(batch: &mut [Observation]) {
    const NEAR: u64 = 3;
    let is_lone = |line: &Observation| line.is(&unknown::CAUSE) && line.facts.count() == 1 && line.facts.status.is_some();
    let says_why = |line: &Observation| line.facts.status.is_none() && !line.is(&unknown::CAUSE);
    let near = |(at, lone): (usize, &Observation)| {
        let by = batch
            .iter()
            .position(|other| other.source == lone.source && other.line.abs_diff(lone.line) <= NEAR && says_why(other))?;
        Some((at, by))
    };
    let pairs: Vec<_> = batch.iter().enumerate().filter(|(_, line)| is_lone(line)).filter_map(near).collect();
    for (lone, by) in pairs {
        absorb(batch, lone, by);
    }
}

/// An upstream's protocol error that Envoy's own log tells, and the access-log line of it: before Envoy 1.18 that line had the
/// flag `UC` and no details.
fn spoken_of_twice(batch: &mut [Observation]) {
    let mut flagged: HashMap<(u32, Option<&str>), Vec<usize>> = HashMap::new();
    let old =
        |line: &Observation| !line.is_absorbed() && line.is(&upstream_closed_connection::CAUSE) && line.facts.details.is_none();
    for (at, line) in batch.iter().enumerate().rev().filter(|(_, line)| old(line)) {
        flagged.entry((line.source, line.origin.as_deref())).or_default().push(at);
    }
    let told = |words: &Observation| words.is(&protocol_error_upstream::CAUSE) && words.facts.status.is_none();
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
    static REACHED: [&Cause; 6] = [
        &config_rejected::CAUSE,
        &duplicate_domain::CAUSE,
        &listener_conflict::CAUSE,
        &xds_benign_warning::CAUSE,
        &xds_control_plane_error::CAUSE,
        &xds_disconnect_benign::CAUSE,
    ];
    let mut last: HashMap<(u32, Option<&str>), usize> = HashMap::new();
    for (at, observation) in batch.iter().enumerate().filter(|(_, observation)| REACHED.contains(&observation.verdict.cause)) {
        last.insert((observation.source, observation.origin.as_deref()), at);
    }
    let early = |(at, observation): (usize, &Observation)| {
        let end = *last.get(&(observation.source, observation.origin.as_deref()))?;
        (observation.is(&xds_unreachable::CAUSE) && at < end).then_some((at, end))
    };
    let pairs: Vec<_> = batch.iter().enumerate().filter_map(early).collect();
    for (start, end) in pairs {
        absorb(batch, start, end);
    }
}

/// Enters a line under its key, unless too many stand there already.
fn enter<K: std::hash::Hash + Eq>(lines: &mut HashMap<K, Vec<usize>>, key: K, at: usize) {
    let known = lines.entry(key).or_default();
    if known.len() < MAX_JOINED {
        known.push(at);
    }
}

/// The observations, those that count before those that a better witness has counted.
fn counting_first(batch: &[Observation]) -> impl Iterator<Item = (usize, &Observation)> {
    let of = |covered| batch.iter().enumerate().filter(move |(_, observation)| observation.covered == covered);
    of(false).chain(of(true))
}

/// Marks an observation as explained by another, unless that would be explained by the first in turn: somebody must speak, and
/// count.
fn absorb(batch: &mut [Observation], explained: usize, by: usize) {
    let Some(speaker) = speaker(batch, by).filter(|speaker| *speaker != explained) else { return };
    let Some((line, covered)) = batch.get_mut(explained).filter(|observation| !observation.is_absorbed()).map(|observation| {
        observation.absorbed_by = Some(speaker);
        (observation.line, observation.covered)
    }) else {
        return;
    };
    if let Some(observation) = batch.get_mut(speaker) {
        observation.joined.push(line);
        observation.covered &= covered;
    }
}

/// The observation that speaks for this one.
fn speaker(batch: &[Observation], of: usize) -> Option<usize> {
    let mut at = of;
    for _ in 0..MAX_JOINED {
        match batch.get(at)?.absorbed_by {
            Some(next) => at = next,
            None => return Some(at),
        }
    }
    None
}
