//! What the deployments may cost, and whether they do.

use std::fmt;

use crate::filter::Results;
use crate::statistics::Rounds;
use crate::traffic::{Failing, Traffic};
use crate::variant::Variant;

/// A limit on what one variant costs.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    variant: Variant,
    /// CPU per request in parts of another variant's in the same round.
    limit: f64,
    other: Variant,
    failing: Failing,
}

/// What the rounds say of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is met with a probability of at least 95 %.
    Met,
    /// It is missed with that probability.
    Missed,
    /// The rounds differ too much to tell.
    TooNoisy,
}

/// The targets. What annotate costs when everything fails is reported without one.
pub const TARGETS: [Target; 5] = [
    Target { variant: Variant::Observe, limit: 1.03, other: Variant::NoModule, failing: Failing::Never },
    Target { variant: Variant::Native, limit: 1.03, other: Variant::NoModule, failing: Failing::Never },
    Target { variant: Variant::Annotate, limit: 1.05, other: Variant::EmptyFilter, failing: Failing::Never },
    Target { variant: Variant::Observe, limit: 1.35, other: Variant::NoModule, failing: Failing::Always },
    Target { variant: Variant::Native, limit: 1.25, other: Variant::NoModule, failing: Failing::Always },
];

impl Target {
    /// Whether it says something of this traffic.
    pub fn concerns(&self, traffic: &Traffic) -> bool {
        self.failing == traffic.failing
    }

    /// What was measured, round by round.
    pub fn measured(&self, results: &Results, traffic: &Traffic) -> Rounds {
        results.paired(traffic, self.variant, self.other, |one, other| one / other)
    }

    /// Compares what was measured with the limit.
    pub fn outcome(&self, measured: &Rounds) -> Outcome {
        let limit = self.limit;
        match measured.interval() {
            (_, high) if high <= limit => Outcome::Met,
            (low, _) if low > limit => Outcome::Missed,
            _ => Outcome::TooNoisy,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ≤ {} × {}", self.variant, self.limit, self.other)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::TooNoisy => "too noisy to tell",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_met_or_missed_only_when_the_whole_interval_says_so() {
        let target = Target { variant: Variant::Observe, limit: 1.03, other: Variant::NoModule, failing: Failing::Never };
        let outcome = |values: [f64; 6]| target.outcome(&Rounds::new(values));
        assert_eq!(outcome([1.0, 1.01, 1.02, 1.0, 1.0, 1.03]), Outcome::Met);
        assert_eq!(outcome([1.04, 1.1, 1.2, 1.1, 1.1, 1.3]), Outcome::Missed);
        assert_eq!(outcome([0.9, 1.0, 1.2, 1.1, 1.1, 1.3]), Outcome::TooNoisy);
    }
}
