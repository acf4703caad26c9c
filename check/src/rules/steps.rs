//! Steps that several rules share.

use meshwhy_core::catalogue::fix::Step;

/// How to see that a mistake is gone from the files.
pub(crate) const CHECK_AGAIN: &[Step] = &[
    Step::Command("meshwhy check ."),
    Step::Note("The finding is gone, and no other has come.", "这一条不再出现，也没有新的问题。"),
];
