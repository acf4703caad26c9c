//! One request, several hops: which of their lines tell of one failure, and whose verdict it is.
//!
//! No condition on one line's facts can say these things; each rule here needs two proxies' lines.

mod handshake;
mod lone_status;
mod missing_plugin;
mod relay;
mod repeated_close;
mod repeated_codec_error;
mod shared_requests;
mod startup_noise;
mod tunnel;

use std::hash::Hash;

use foldhash::HashMap;
use meshwhy_core::Verdict;

use crate::failure::{FailureView, Failures};
use crate::kind::Kind;

pub(crate) use missing_plugin::settle as settle_missing_plugins;

/// Most lines of one request or connection that are looked at, so that the work stays linear whatever the ids.
const MAX_JOINED: usize = 64;

/// The rules, in their order: what one explains, those behind it need not.
static RULES: [fn(&mut Failures); 7] = [
    tunnel::join,
    handshake::join,
    relay::join,
    repeated_codec_error::join,
    repeated_close::join,
    startup_noise::join,
    lone_status::join,
];

/// Joins hops: changes verdicts that another hop's line makes precise, and marks failures that it explains.
pub(crate) fn join(failures: &mut Failures) {
    RULES.iter().for_each(|rule| rule(failures));
}

/// Failures by what they share, in their order; under most keys stands one alone.
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
fn counting_first(
    failures: &Failures,
    is_wanted: impl Fn(&Kind) -> bool + Copy,
) -> impl Iterator<Item = (usize, FailureView<'_>)> {
    let of = |covered| failures.of(is_wanted).filter(move |(_, view)| speaks_first(*view, covered));
    of(false).chain(of(true))
}

/// Whether no other failure explains this one, and a better witness has counted it or not.
const fn speaks_first(view: FailureView<'_>, covered: bool) -> bool {
    view.failure.covered == covered && !view.is_absorbed()
}

/// Gives a failure another verdict.
fn change_verdict(failures: &mut Failures, at: usize, change: impl FnOnce(Verdict) -> Verdict) {
    let Some(view) = failures.view(at) else { return };
    let (kind, verdict) = (view.failure.kind, change(view.kind.verdict));
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
