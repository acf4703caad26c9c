//! Streams of the control plane that close again and again.

use foldhash::HashMap;
use meshwhy_core::causes::{xds_disconnect_benign, xds_unreachable};
use meshwhy_core::{Confidence, Verdict};

use super::change_verdict;
use crate::failure::Failures;
use crate::kind::Author;

/// A control-plane stream that closes again within a minute is no routine.
pub(super) fn join(failures: &mut Failures) {
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
