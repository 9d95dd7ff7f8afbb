//! Kelly stakes on bets of a match on which other bets stand already.

use super::growth::States;
use super::joint::{JointBet, states};
use super::optimum::maximise;
use super::{StakingError, checked_cap, checked_fraction};
use crate::matrix::ScoreMatrix;

/// A bet that stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeldBet {
    /// The bet.
    pub bet: JointBet,
    /// What is staked on it, as a fraction of the bankroll.
    pub stake: f64,
}

/// The stakes on further bets of a match, given what is staked on it already: fractions of the
/// bankroll in the order of `bets`. What is held stays as it is.
///
/// They are those of [`super::kelly_joint`] where the held bets' stakes are given: with the full
/// stakes `h = held / fraction`, they maximise
/// `Σ p(score)·ln(1 + Σ h·profit(score) + Σ stake·profit(score))` with no stake negative, then
/// are scaled by `fraction`. Bets staked one after the other at unchanged prices so end with what
/// they would get together, where none of them is worth taking back. All stakes together, the
/// held ones among them, keep to `cap`.
///
/// # Errors
/// As [`super::kelly_joint`], for held bets as for further ones.
pub fn kelly_joint_beside(
    matrix: &ScoreMatrix,
    held: &[HeldBet],
    bets: &[JointBet],
    fraction: f64,
    cap: f64,
) -> Result<Vec<f64>, StakingError> {
    let fraction = checked_fraction(fraction)?;
    let cap = checked_cap(cap)?;
    for held in held {
        checked_cap(held.stake)?;
    }
    let all: Vec<JointBet> = bets.iter().copied().chain(held.iter().map(|h| h.bet)).collect();
    let together = states(matrix, &all)?;
    let none = vec![0.0; bets.len()];
    if fraction == 0.0 {
        return Ok(none);
    }
    let full_held: Vec<f64> = held.iter().map(|held| held.stake / fraction).collect();
    let full_left = (cap / fraction).min(1.0) - full_held.iter().sum::<f64>();
    if full_left <= 0.0 {
        return Ok(none);
    }
    // ln(w + x) is ln w + ln(1 + x/w): what is held only changes what a profit is worth. Held
    // stakes of less than one leave some wealth in every state, and at least what is left.
    let mut further = States::new(bets.len());
    for (weight, profits) in together.iter() {
        let (own, of_held) = profits.split_at(bets.len());
        let gain: f64 = full_held.iter().zip(of_held).map(|(h, profit)| h * profit).sum();
        further.push(weight, own.iter().map(|profit| profit / (1.0 + gain)));
    }
    let mut stakes = maximise(&further, full_left).ok_or(StakingError::NotConverged)?;
    stakes.iter_mut().for_each(|stake| *stake *= fraction);
    Ok(stakes)
}

#[cfg(test)]
mod tests {
    use super::super::{joint_growth, kelly_joint};
    use super::*;

    fn matrix() -> ScoreMatrix {
        ScoreMatrix::dixon_coles(1.6, 1.1, -0.1).unwrap()
    }

    fn bet(text: &str, net_odds: f64) -> JointBet {
        let (market, selection) = text.split_once(':').unwrap();
        let (market, selection) = (market.parse().unwrap(), selection.parse().unwrap());
        JointBet { market, selection, net_odds }
    }

    const NOT_HELD: &[HeldBet] = &[];

    #[test]
    fn with_nothing_held_the_stakes_are_the_joint_ones() {
        let bets = [bet("1x2:home", 2.2), bet("ou@2.5:over", 2.1), bet("ah@-0.25:home", 1.95)];
        for (fraction, cap) in [(1.0, 1.0), (0.25, 0.05), (0.5, 0.02), (0.0, 1.0)] {
            let beside = kelly_joint_beside(&matrix(), NOT_HELD, &bets, fraction, cap).unwrap();
            assert_eq!(beside, kelly_joint(&matrix(), &bets, fraction, cap).unwrap());
        }
    }

    #[test]
    fn bets_staked_one_after_the_other_end_with_what_they_get_together() {
        let bets = [bet("1x2:home", 2.2), bet("ou@2.5:over", 2.1)];
        let together = kelly_joint(&matrix(), &bets, 0.25, 1.0).unwrap();
        assert!(together.iter().all(|stake| *stake > 0.0), "{together:?}");
        let held = [HeldBet { bet: bets[0], stake: together[0] }];
        let second = kelly_joint_beside(&matrix(), &held, &bets[1..], 0.25, 1.0).unwrap();
        assert!((second[0] - together[1]).abs() < 1e-9, "{second:?} {together:?}");
    }

    #[test]
    fn a_stake_that_stands_makes_a_bet_that_wins_with_it_smaller_and_one_against_it_larger() {
        let stake = |held: &[HeldBet], text: &str, odds: f64| {
            kelly_joint_beside(&matrix(), held, &[bet(text, odds)], 1.0, 1.0).unwrap()[0]
        };
        let held = [HeldBet { bet: bet("1x2:home", 2.2), stake: 0.06 }];
        assert!(stake(&held, "ah@-0.25:home", 1.95) < stake(NOT_HELD, "ah@-0.25:home", 1.95));
        assert!(stake(&held, "1x2:away", 5.2) > stake(NOT_HELD, "1x2:away", 5.2));
    }

    #[test]
    fn no_other_further_stake_grows_faster() {
        let held = [HeldBet { bet: bet("1x2:home", 2.2), stake: 0.05 }];
        let bets = [bet("ou@2.5:over", 2.15), bet("1x2:away", 5.2)];
        let stakes = kelly_joint_beside(&matrix(), &held, &bets, 1.0, 1.0).unwrap();
        let all = [held[0].bet, bets[0], bets[1]];
        let growth = |stakes: &[f64]| {
            joint_growth(&matrix(), &all, &[held[0].stake, stakes[0], stakes[1]]).unwrap()
        };
        for at in 0..2 {
            for change in [-1e-3, -1e-5, 1e-5, 1e-3] {
                let mut other = stakes.clone();
                other[at] += change;
                assert!(other[at] < 0.0 || growth(&other) <= growth(&stakes) + 1e-14, "{at}");
            }
        }
    }

    #[test]
    fn what_is_held_counts_against_the_cap() {
        let held = [HeldBet { bet: bet("1x2:home", 2.2), stake: 0.03 }];
        let further = [bet("ou@2.5:over", 2.6)];
        let stakes = |cap| kelly_joint_beside(&matrix(), &held, &further, 0.25, cap).unwrap();
        assert!((stakes(0.04)[0] - 0.01).abs() < 1e-9, "{:?}", stakes(0.04));
        assert_eq!(stakes(0.03), [0.0]);
        assert_eq!(stakes(0.02), [0.0]);
    }

    #[test]
    fn held_stakes_that_are_none_are_refused() {
        let held = [HeldBet { bet: bet("1x2:home", 2.2), stake: f64::NAN }];
        let refused = kelly_joint_beside(&matrix(), &held, &[], 1.0, 1.0);
        assert!(matches!(refused, Err(StakingError::Cap(_))));
        let held = [HeldBet { bet: bet("1x2/1h:home", 2.2), stake: 0.1 }];
        assert!(kelly_joint_beside(&matrix(), &held, &[], 1.0, 1.0).is_err());
    }
}
