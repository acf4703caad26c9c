//! One request, several hops: which of their lines tell of one failure, and whose verdict it is.
//!
//! No condition on one line's facts can say these things; each rule here needs two proxies' lines.

mod handshake;
mod relay;

use foldhash::{HashMap, HashMapExt};
use meshwhy_core::causes::{
    config_rejected, duplicate_domain, listener_conflict, protocol_error_upstream, unknown, upstream_closed_connection,
    xds_benign_warning, xds_control_plane_error, xds_disconnect_benign, xds_unreachable,
};
use meshwhy_core::{Cause, Confidence};

use crate::sighting::{Author, Sighting};

/// Most lines of one request or connection that are looked at, so that the work stays linear whatever the ids.
const MAX_JOINED: usize = 64;

/// Joins the hops of a batch: changes verdicts that another hop's line makes precise, and marks lines that it explains.
pub(crate) fn join(batch: &mut [Sighting]) {
    handshake::join(batch);
    relay::join(batch);
    drop_repeated_codec_errors(batch);
    raise_repeated_closes(batch);
    drop_startup_noise(batch);
    drop_lone_statuses(batch);
}

/// A control-plane stream that closes again within a minute is no routine.
fn raise_repeated_closes(batch: &mut [Sighting]) {
    const OFTEN: usize = 3;
    const WITHIN: u64 = 60;
    // By author and day: the second, and the sighting.
    type Closes<'a> = HashMap<(Author<'a>, &'a str), Vec<(u64, usize)>>;
    let mut closed = Closes::new();
    for (at, line) in batch.iter().enumerate().filter(|(_, line)| line.is(&xds_disconnect_benign::CAUSE)) {
        let Some((day, second)) = line.facts.context.start_time.as_deref().and_then(second_of_day) else { continue };
        closed.entry((line.author(), day)).or_default().push((second, at));
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
fn drop_lone_statuses(batch: &mut [Sighting]) {
    const NEAR: u64 = 3;
    let is_lone = |line: &Sighting| line.is(&unknown::CAUSE) && line.facts.count() == 1 && line.facts.status.is_some();
    let says_why = |line: &Sighting| line.facts.status.is_none() && !line.is(&unknown::CAUSE);
    let near = |(at, lone): (usize, &Sighting)| {
        let by = batch
            .iter()
            .position(|other| other.source == lone.source && other.line.abs_diff(lone.line) <= NEAR && says_why(other))?;
        Some((at, by))
    };
    let pairs: Vec<_> = batch.iter().enumerate().filter(|(_, line)| is_lone(line)).filter_map(near).collect();
    for (lone, by) in pairs {
        mark_explained(batch, lone, by);
    }
}

/// An upstream's protocol error that Envoy's own log tells, and the access-log line of it: before Envoy 1.18 that line had the
/// flag `UC` and no details.
fn drop_repeated_codec_errors(batch: &mut [Sighting]) {
    let mut flagged: HashMap<(u32, Option<&str>), Vec<usize>> = HashMap::new();
    let old =
        |line: &Sighting| !line.is_absorbed() && line.is(&upstream_closed_connection::CAUSE) && line.facts.details.is_none();
    for (at, line) in batch.iter().enumerate().rev().filter(|(_, line)| old(line)) {
        flagged.entry((line.source, line.origin.as_deref())).or_default().push(at);
    }
    let is_unnamed = |words: &Sighting| words.is(&protocol_error_upstream::CAUSE) && words.facts.status.is_none();
    let mut pairs = Vec::new();
    for (at, words) in batch.iter().enumerate().filter(|(_, words)| is_unnamed(words)) {
        let line = flagged.get_mut(&(words.source, words.origin.as_deref())).and_then(Vec::pop);
        pairs.extend(line.map(|line| (line, at)));
    }
    for (line, words) in pairs {
        mark_explained(batch, line, words);
    }
}

/// Words that only a proxy says that has reached its control plane: what failed before them was the start.
fn drop_startup_noise(batch: &mut [Sighting]) {
    static REACHED: [&Cause; 6] = [
        &config_rejected::CAUSE,
        &duplicate_domain::CAUSE,
        &listener_conflict::CAUSE,
        &xds_benign_warning::CAUSE,
        &xds_control_plane_error::CAUSE,
        &xds_disconnect_benign::CAUSE,
    ];
    let mut last: HashMap<(u32, Option<&str>), usize> = HashMap::new();
    for (at, sighting) in batch.iter().enumerate().filter(|(_, sighting)| REACHED.contains(&sighting.verdict.cause)) {
        last.insert((sighting.source, sighting.origin.as_deref()), at);
    }
    let early = |(at, sighting): (usize, &Sighting)| {
        let end = *last.get(&(sighting.source, sighting.origin.as_deref()))?;
        (sighting.is(&xds_unreachable::CAUSE) && at < end).then_some((at, end))
    };
    let pairs: Vec<_> = batch.iter().enumerate().filter_map(early).collect();
    for (start, end) in pairs {
        mark_explained(batch, start, end);
    }
}

/// Enters a line under its key, unless too many stand there already.
fn enter<K: std::hash::Hash + Eq>(lines: &mut HashMap<K, Vec<usize>>, key: K, at: usize) {
    let known = lines.entry(key).or_default();
    if known.len() < MAX_JOINED {
        known.push(at);
    }
}

/// The sightings, those that count before those that a better witness has counted.
fn counting_first(batch: &[Sighting]) -> impl Iterator<Item = (usize, &Sighting)> {
    let of = |covered| batch.iter().enumerate().filter(move |(_, sighting)| sighting.covered == covered);
    of(false).chain(of(true))
}

/// Marks an sighting as explained by another, unless that would be explained by the first in turn: somebody must speak, and
/// count.
fn mark_explained(batch: &mut [Sighting], explained: usize, by: usize) {
    let Some(speaker) = speaker(batch, by).filter(|speaker| *speaker != explained) else { return };
    let Some((line, covered)) = batch.get_mut(explained).filter(|sighting| !sighting.is_absorbed()).map(|sighting| {
        sighting.absorbed_by = Some(speaker);
        (sighting.line, sighting.covered)
    }) else {
        return;
    };
    if let Some(sighting) = batch.get_mut(speaker) {
        sighting.joined.push(line);
        sighting.covered &= covered;
    }
}

/// The sighting that speaks for this one.
fn speaker(batch: &[Sighting], of: usize) -> Option<usize> {
    let mut at = of;
    for _ in 0..MAX_JOINED {
        match batch.get(at)?.absorbed_by {
            Some(next) => at = next,
            None => return Some(at),
        }
    }
    None
}
