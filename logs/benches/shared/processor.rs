//! The time that counts where the machine does other things beside.

use std::time::Duration;

/// How long this thread ran, where the system counts it.
pub fn on_processor() -> Option<Duration> {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    statistics.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}
