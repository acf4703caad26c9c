//! Choices that are the same in every run.

use fastrand::Rng;

/// One of them.
pub fn pick<T: Copy, const N: usize>(random: &mut Rng, from: &[T; N]) -> T {
    random.choice(from).copied().unwrap_or_else(|| unreachable!("there is something to pick from"))
}
