//! A status and the words beside it.

use meshwhy_core::causes::unknown;

use super::mark_explained;
use crate::failure::{FailureView, Failures};
use crate::kind::Kind;

/// A status that stands alone in a line, beside a line near it that says why and has none.
pub(super) fn join(failures: &mut Failures) {
    const NEAR: u64 = 3;
    let is_lone = |line: &Kind| line.is(&unknown::CAUSE) && line.facts.count() == 1 && line.facts.status.is_some();
    let says_why = |line: &Kind| line.facts.status.is_none() && !line.is(&unknown::CAUSE);
    let near = |(at, lone): (usize, FailureView<'_>)| {
        let is_near = |(_, other): &(usize, FailureView<'_>)| other.failure.line.abs_diff(lone.failure.line) <= NEAR;
        let before = (0..at).rev().filter_map(|at| Some((at, failures.view(at)?))).take_while(is_near);
        let mut behind = (at + 1..failures.all.len()).filter_map(|at| Some((at, failures.view(at)?))).take_while(is_near);
        let speaks = |(_, other): &(usize, FailureView<'_>)| other.kind.source == lone.kind.source && says_why(other.kind);
        let first = before.filter(speaks).last().or_else(|| behind.find(speaks));
        first.map(|(by, _)| (at, by))
    };
    let pairs: Vec<_> = failures.of(is_lone).filter_map(near).collect();
    for (lone, by) in pairs {
        mark_explained(failures, lone, by);
    }
}
