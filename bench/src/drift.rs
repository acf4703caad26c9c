//! What the requests of each player cost, with the paces of the machine taken out.
//!
//! The cost of a turn is a player's own times the pace of the machine at that time. Turns just before and after are in the same pace, so each
//! turn is compared with those, which are other players' most of the time.

use anyhow::{Result, ensure};

/// The neighbours on either side that a turn is compared with; the nearer ones count more.
const NEIGHBOURS: usize = 2;
/// Of the comparisons of one player, this part is left out at either end: something else ran at that time.
const EXTREME: f64 = 0.2;
/// Steps after which the solution no longer changes.
const STEPS: usize = 60;

/// What one turn cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TurnCost {
    /// Whose turn it was.
    pub player: usize,
    /// When it began.
    pub began: u64,
    /// CPU time per request, in any unit.
    pub cost: f64,
}

/// What each player's requests cost in the machine's usual pace, in the unit of the turns.
///
/// # Errors
/// A player had no turn.
pub fn costs(mut turns: Vec<TurnCost>, players: usize) -> Result<Vec<f64>> {
    let played = |player| turns.iter().any(|turn| turn.player == player && turn.cost > 0.0);
    ensure!((0..players).all(played), "too few requests to measure");
    turns.retain(|turn| turn.cost > 0.0 && turn.player < players);
    turns.sort_by_key(|turn| turn.began);
    // Logarithms, since paces multiply.
    let mut own = vec![0.0; players];
    for _ in 0..STEPS {
        let paces = paces(&turns, &own);
        let mut compared = vec![Vec::new(); players];
        for (at, turn) in turns.iter().enumerate() {
            if let Some(compared) = compared.get_mut(turn.player) {
                compared.push(turn.cost.ln() - around(&paces, at));
            }
        }
        // Half of the way: two players would overtake one another for ever.
        own = own.into_iter().zip(compared).map(|(own, compared)| (own + middle(compared)) / 2.0).collect();
        let mean = own.iter().sum::<f64>() / players as f64;
        own.iter_mut().for_each(|own| *own -= mean);
    }
    let usual = middle(paces(&turns, &own));
    Ok(own.into_iter().map(|own| (own + usual).exp()).collect())
}

fn paces(turns: &[TurnCost], own: &[f64]) -> Vec<f64> {
    turns.iter().map(|turn| turn.cost.ln() - own.get(turn.player).copied().unwrap_or_default()).collect()
}

/// The pace around a turn, without its own.
fn around(paces: &[f64], at: usize) -> f64 {
    let near = paces.iter().enumerate().skip(at.saturating_sub(NEIGHBOURS)).take_while(|(other, _)| *other <= at + NEIGHBOURS);
    let weighed = near.filter(|(other, _)| *other != at).map(|(other, pace)| (1.0 / at.abs_diff(other) as f64, pace));
    let (sum, weight) = weighed.fold((0.0, 0.0), |(sum, total), (weight, pace)| (sum + weight * pace, total + weight));
    if weight > 0.0 { sum / weight } else { paces.get(at).copied().unwrap_or_default() }
}

/// The mean without the extremes.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a length")]
fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let out = (values.len() as f64 * EXTREME) as usize;
    let kept = values.get(out..values.len() - out).unwrap_or_default();
    kept.iter().sum::<f64>() / kept.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Turns of players in a changing order, under a machine that becomes twice as slow and has hiccups.
    fn played(own: &[f64]) -> Vec<TurnCost> {
        let count = own.len();
        let turn = |at: usize| {
            let player = (at + at / count * (at / count + 1)) % count;
            let hiccup = if at % 41 == 3 { 3.0 } else { 1.0 };
            TurnCost { player, began: at as u64, cost: own[player] * (1.0 + at as f64 / (40.0 * count as f64)) * hiccup }
        };
        (0..40 * count).map(turn).collect()
    }

    #[test]
    fn drift_and_hiccups_are_taken_out() {
        for own in [&[10.0, 11.0, 20.0, 10.1, 14.0][..], &[10.0, 12.0]] {
            let costs = costs(played(own), own.len()).unwrap();
            for (found, real) in costs.iter().zip(own) {
                let (found, real) = (found / costs[0], real / own[0]);
                assert!((found / real - 1.0).abs() < 0.01, "{found} is not {real}: {costs:?}");
            }
            assert!((13.0..17.0).contains(&costs[0]), "the usual pace is one and a half: {costs:?}");
        }
    }

    #[test]
    fn who_did_not_play_is_an_error() {
        assert!(costs(played(&[10.0, 11.0]), 3).is_err());
    }
}
