//! What every benchmark of this crate needs: numbers that are the same in every run, and the time that counts.

use std::time::Duration;

use fastrand::Rng;

/// One of them.
pub fn pick<T: Copy, const N: usize>(random: &mut Rng, from: &[T; N]) -> T {
    random.choice(from).copied().unwrap_or_else(|| unreachable!("there is something to pick from"))
}

/// How long this thread ran, where the system counts it.
pub fn on_processor() -> Option<Duration> {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    statistics.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}
