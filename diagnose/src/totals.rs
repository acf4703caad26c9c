//! What was read, in numbers.

use std::ops::AddAssign;

use serde::Serialize;

/// What was read, by what it tells: a line with several members of a header counts once for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Tally {
    /// All lines.
    pub read: u64,
    /// Requests and connections that did not fail.
    pub healthy: u64,
    /// Access-log lines and header members that tell of a failure.
    pub failed: u64,
    /// Records of either writer.
    pub records: u64,
    /// Lines that are none of ours.
    pub unreadable: u64,
    /// Failures that fit in no group any more, since there were too many different ones.
    #[serde(skip_serializing_if = "is_default")]
    pub ungrouped: u64,
}

/// Every line, of one of four kinds: their numbers sum to that of all lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Totals {
    /// All lines.
    pub lines: u64,
    /// Of requests, connections and events that show no failure.
    pub healthy: u64,
    /// That tell of a failure, whoever else tells of it.
    pub failed: u64,
    /// Empty, or only a frame around others.
    pub ignored: u64,
    /// That are none of ours.
    pub unparsed: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.read += other.read;
        self.healthy += other.healthy;
        self.failed += other.failed;
        self.records += other.records;
        self.unreadable += other.unreadable;
        self.ungrouped += other.ungrouped;
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.lines += other.lines;
        self.healthy += other.healthy;
        self.failed += other.failed;
        self.ignored += other.ignored;
        self.unparsed += other.unparsed;
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
