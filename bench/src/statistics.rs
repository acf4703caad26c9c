//! Medians, and how far they can be trusted.

/// Some values of one thing, each measured in a round of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Rounds {
    sorted: Vec<f64>,
}

impl Rounds {
    /// Takes them in any order.
    pub fn new(values: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        Self { sorted }
    }

    /// The smallest; 0 of nothing.
    pub fn least(&self) -> f64 {
        self.at(0)
    }

    /// The median; 0 of nothing.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// Where the true median lies with a probability of at least 95 %, whatever the distribution: the sign test's interval. All of the range
    /// when there are fewer than six values.
    pub fn interval(&self) -> (f64, f64) {
        let count = self.sorted.len();
        let mut tail = 0.5_f64.powi(i32::try_from(count).unwrap_or(i32::MAX));
        let (mut probability, mut outside) = (tail, 0);
        // `tail` is P(X <= outside) of a fair coin thrown `count` times.
        while outside < count / 2 {
            probability *= (count - outside) as f64 / (outside + 1) as f64;
            if tail + probability > 0.025 {
                break;
            }
            tail += probability;
            outside += 1;
        }
        if tail > 0.025 {
            return (self.at(0), self.at(count.saturating_sub(1)));
        }
        (self.at(outside), self.at(count.saturating_sub(outside + 1)))
    }

    /// How far the interval reaches to either side, in parts of the median.
    pub fn uncertainty(&self) -> f64 {
        let ((low, high), median) = (self.interval(), self.median());
        if median == 0.0 { 0.0 } else { (high - low) / 2.0 / median }
    }

    fn at(&self, index: usize) -> f64 {
        self.sorted.get(index).copied().unwrap_or_default()
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a short list")]
    fn quantile(&self, part: f64) -> f64 {
        let place = part * self.sorted.len().saturating_sub(1) as f64;
        let (low, between) = (place.floor() as usize, place.fract());
        self.at(low) * (1.0 - between) + self.at((low + 1).min(self.sorted.len().saturating_sub(1))) * between
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_in_the_middle() {
        assert_eq!(Rounds::new([3.0, 1.0, 2.0]).median(), 2.0);
        assert_eq!(Rounds::new([4.0, 1.0]).median(), 2.5);
        assert_eq!(Rounds::new([]).median(), 0.0);
    }

    #[test]
    fn the_interval_of_fifteen_is_from_the_fourth_to_the_twelfth() {
        // Tables of the sign test: for n = 15 the 95 % interval leaves out three on each side, for n = 6 none, for n = 9 one.
        let of = |count: u32| Rounds::new((1..=count).map(f64::from)).interval();
        assert_eq!((of(15), of(6), of(9), of(3)), ((4.0, 12.0), (1.0, 6.0), (2.0, 8.0), (1.0, 3.0)));
    }

    #[test]
    fn the_uncertainty_is_half_the_interval_and_relative() {
        assert_eq!(Rounds::new([100.0; 6]).uncertainty(), 0.0);
        assert_eq!(Rounds::new([90.0, 100.0, 100.0, 100.0, 110.0]).uncertainty(), 0.1);
    }
}
