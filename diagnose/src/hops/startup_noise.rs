//! What fails while a proxy starts.

use foldhash::HashMap;
use meshwhy_core::Cause;
use meshwhy_core::causes::{
    config_rejected, duplicate_domain, listener_conflict, xds_benign_warning, xds_control_plane_error, xds_disconnect_benign,
    xds_unreachable,
};

use super::mark_explained;
use crate::failure::{FailureView, Failures};

/// Words that only a proxy says that has reached its control plane: what failed before them was the start.
pub(super) fn join(failures: &mut Failures) {
    static REACHED: [&Cause; 6] = [
        &config_rejected::CAUSE,
        &duplicate_domain::CAUSE,
        &listener_conflict::CAUSE,
        &xds_benign_warning::CAUSE,
        &xds_control_plane_error::CAUSE,
        &xds_disconnect_benign::CAUSE,
    ];
    let mut last: HashMap<(u32, Option<&str>), usize> = HashMap::default();
    for (at, view) in failures.of(|kind| REACHED.contains(&kind.verdict.cause)) {
        last.insert((view.kind.source, view.kind.origin.as_deref()), at);
    }
    let early = |(at, view): (usize, FailureView<'_>)| {
        let end = *last.get(&(view.kind.source, view.kind.origin.as_deref()))?;
        (at < end).then_some((at, end))
    };
    let pairs: Vec<_> = failures.of(|kind| kind.is(&xds_unreachable::CAUSE)).filter_map(early).collect();
    for (start, end) in pairs {
        mark_explained(failures, start, end);
    }
}
