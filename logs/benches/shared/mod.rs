//! What every benchmark of this crate needs: numbers that are the same in every run, and the time that counts.

use std::time::Duration;

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub fn pick<T: Copy, const N: usize>(&mut self, from: &[T; N]) -> T {
        let at = usize::try_from(self.below(from.len() as u64)).unwrap_or(0);
        *from.get(at).unwrap_or_else(|| unreachable!("there is something to pick from"))
    }
}

/// Linux tells the nanoseconds that a thread ran.
pub fn on_processor() -> Option<Duration> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    told.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}
