//! Requests that several failures have: in the log of one hop hardly any, and nothing else can be joined by its request.

use std::num::NonZeroU64;

use super::speaks_first;
use crate::failure::{FailureView, Failures};
use crate::kind::Kind;

/// Bits per failure: of those that stand alone one in sixteen is taken for one that does not, which costs time and nothing else.
const BITS: usize = 16;

/// The failures whose request others have, too, in their order.
#[derive(Debug)]
pub(super) struct SharedRequests(Vec<(usize, NonZeroU64)>);

impl SharedRequests {
    pub(super) fn of(failures: &Failures) -> Self {
        let bits = (failures.all.len() * BITS).next_power_of_two();
        let (mut seen, mut again) = (Bits::new(bits), Bits::new(bits));
        let requests = || failures.all.iter().enumerate().filter_map(|(at, failure)| Some((at, failure.request?)));
        for (_, request) in requests() {
            if !seen.set(request) {
                again.set(request);
            }
        }
        Self(requests().filter(|(_, request)| again.has(*request)).collect())
    }

    /// Those of some kinds that no other explains, with their requests: those that count before those that a better witness has counted.
    pub(super) fn counting_first<'f>(
        &self,
        failures: &'f Failures,
        is_wanted: impl Fn(&Kind) -> bool + Copy,
    ) -> impl Iterator<Item = (usize, NonZeroU64, FailureView<'f>)> {
        let each = self.0.iter().filter_map(move |(at, request)| Some((*at, *request, failures.view(*at)?)));
        let of = move |covered| each.clone().filter(move |(.., view)| speaks_first(*view, covered) && is_wanted(view.kind));
        of(false).chain(of(true))
    }
}

#[derive(Debug)]
struct Bits(Vec<u64>);

impl Bits {
    fn new(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    fn place(&self, number: NonZeroU64) -> (usize, u64) {
        let number = number.get();
        // The lowest bit of a request is always set.
        let word = usize::try_from(number >> 8).unwrap_or(usize::MAX) & (self.0.len() - 1);
        (word, 1 << (number >> 1 & 63))
    }

    /// Whether the bit was not set before.
    fn set(&mut self, number: NonZeroU64) -> bool {
        let (word, bit) = self.place(number);
        let Some(word) = self.0.get_mut(word) else { return false };
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    fn has(&self, number: NonZeroU64) -> bool {
        let (word, bit) = self.place(number);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_comes_twice_is_found() {
        let numbers = || (1..10_000_u64).filter_map(|number| NonZeroU64::new(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1));
        let (mut seen, mut again) = (Bits::new(1 << 18), Bits::new(1 << 18));
        for number in numbers().chain(numbers().step_by(7)) {
            if !seen.set(number) {
                again.set(number);
            }
        }
        assert!(numbers().step_by(7).all(|number| again.has(number)));
        assert!(numbers().filter(|number| again.has(*number)).count() < 2_500);
    }
}
