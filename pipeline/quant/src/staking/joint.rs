//! Kelly stakes on several bets of one match, whose outcomes hang together.

use std::collections::BTreeMap;

use super::growth::States;
use super::optimum::maximise;
use super::{StakingError, checked_cap, checked_fraction, checked_odds, unstaked};
use crate::matrix::{ScoreMatrix, UnpricedMarket};
use crate::outcome::Outcome;
use crate::settle;
use crate::value::{Market, Period, Selection};

/// A bet of a match at a price.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JointBet {
    /// What is bet on, over the full match.
    pub market: Market,
    /// Which selection of it.
    pub selection: Selection,
    /// Decimal odds net of commission.
    pub net_odds: f64,
}

/// The greatest number of bets on one match.
const BETS_MAX: usize = 64;

/// The stakes on bets of one match that grow the bankroll fastest, over the scores of `matrix`:
/// fractions of the bankroll in the order of the bets.
///
/// They maximise `Σ p(score)·ln(1 + Σ stake·profit(score))` with no stake negative, then are
/// scaled by `fraction`. Their sum keeps to `cap`: the optimum is sought among full stakes of at
/// most `cap / fraction`, so that a cap takes first from the bets that add least. A bet may be
/// staked that has no value of its own, where it insures others; of bets with one payoff only
/// the one at the best odds is.
///
/// # Errors
/// [`StakingError::Market`] when the matrix has no price for a bet (a half, a selection that its
/// market does not offer); [`StakingError::Odds`], [`StakingError::Fraction`],
/// [`StakingError::Cap`] for arguments that are none; [`StakingError::TooMany`] above 64 bets;
/// [`StakingError::NotConverged`] when the search does not end.
pub fn kelly_joint(
    matrix: &ScoreMatrix,
    bets: &[JointBet],
    fraction: f64,
    cap: f64,
) -> Result<Vec<f64>, StakingError> {
    let fraction = checked_fraction(fraction)?;
    let cap = checked_cap(cap)?;
    let states = states(matrix, bets)?;
    if fraction == 0.0 {
        return Ok(vec![0.0; bets.len()]);
    }
    let full_cap = (cap / fraction).min(1.0);
    let mut stakes = maximise(&states, full_cap).ok_or(StakingError::NotConverged)?;
    stakes.iter_mut().for_each(|stake| *stake *= fraction);
    Ok(stakes)
}

/// The expected growth of the bankroll's natural logarithm when these stakes, fractions of it,
/// are on these bets.
///
/// # Errors
/// As [`kelly_joint`]; [`StakingError::Lengths`] when there are not as many stakes as bets,
/// [`StakingError::Cap`] when they are no fractions or more than the bankroll together.
pub fn joint_growth(
    matrix: &ScoreMatrix,
    bets: &[JointBet],
    stakes: &[f64],
) -> Result<f64, StakingError> {
    if bets.len() != stakes.len() {
        return Err(StakingError::Lengths { odds: bets.len(), probabilities: stakes.len() });
    }
    unstaked(stakes)?;
    Ok(states(matrix, bets)?.value(stakes))
}

/// The scores, gathered by what the bets bring in them.
pub(super) fn states(matrix: &ScoreMatrix, bets: &[JointBet]) -> Result<States, StakingError> {
    if bets.len() > BETS_MAX {
        return Err(StakingError::TooMany { bets: bets.len(), max: BETS_MAX });
    }
    for bet in bets {
        checked_odds(bet.net_odds)?;
        if bet.market.period != Period::FullTime {
            return Err(UnpricedMarket::Period(bet.market).into());
        }
        if !bet.market.selections().contains(&bet.selection) {
            let (market, selection) = (bet.market, bet.selection);
            return Err(UnpricedMarket::Selection { market, selection }.into());
        }
    }
    let mut weights: BTreeMap<Pattern, f64> = BTreeMap::new();
    for (home, away, probability) in matrix.iter().filter(|(_, _, p)| *p > 0.0) {
        let mut pattern = Pattern::default();
        for (at, bet) in bets.iter().enumerate() {
            let outcome = settle::outcome(bet.market.kind, bet.selection, home, away);
            pattern.set(at, outcome.expect("the market offers the selection"));
        }
        *weights.entry(pattern).or_default() += probability;
    }
    let mut states = States::new(bets.len());
    for (pattern, weight) in weights {
        let profit = |(at, bet): (usize, &JointBet)| pattern.get(at).profit(bet.net_odds);
        states.push(weight, bets.iter().enumerate().map(profit));
    }
    Ok(states)
}

/// What each bet brings, four bits a bet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Pattern([u64; BETS_MAX / 16]);

impl Pattern {
    /// Of a bet that was not set before.
    fn set(&mut self, bet: usize, outcome: Outcome) {
        self.0[bet / 16] |= (outcome as u64) << (4 * (bet % 16));
    }

    fn get(&self, bet: usize) -> Outcome {
        Outcome::ALL[(self.0[bet / 16] >> (4 * (bet % 16)) & 0xF) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::super::{kelly_exclusive, kelly_outcomes};
    use super::*;

    fn matrix() -> ScoreMatrix {
        ScoreMatrix::dixon_coles(1.6, 1.1, -0.1).unwrap()
    }

    fn bet(text: &str, net_odds: f64) -> JointBet {
        let (market, selection) = text.split_once(':').unwrap();
        JointBet {
            market: market.parse().unwrap(),
            selection: selection.parse().unwrap(),
            net_odds,
        }
    }

    /// Fair odds raised by an edge.
    fn valued(text: &str, edge: f64) -> JointBet {
        let bet = bet(text, 2.0);
        let outcomes = matrix().outcomes(&bet.market, bet.selection).unwrap();
        let fair = outcomes.fair_odds().unwrap();
        JointBet { net_odds: 1.0 + (fair - 1.0) * (1.0 + edge), ..bet }
    }

    fn assert_best(bets: &[JointBet], stakes: &[f64], cap: f64) {
        let best = joint_growth(&matrix(), bets, stakes).unwrap();
        let total: f64 = stakes.iter().sum();
        for from in 0..bets.len() {
            for size in [1e-3, 1e-4, 1e-5] {
                // More, less, and moved to another bet.
                let mut changes = vec![(from, size, None), (from, -size, None)];
                changes.extend((0..bets.len()).map(|to| (from, -size, Some(to))));
                for (at, change, to) in changes {
                    let mut other = stakes.to_vec();
                    other[at] += change;
                    if let Some(to) = to {
                        other[to] -= change;
                    }
                    let sum: f64 = other.iter().sum();
                    if other.iter().all(|stake| *stake >= 0.0) && sum <= cap.max(total) {
                        let growth = joint_growth(&matrix(), bets, &other).unwrap();
                        assert!(growth <= best + 1e-13, "{other:?} beats {stakes:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn one_bet_has_its_own_kelly_stake() {
        for text in ["1x2:home", "ah@-0.25:home", "ou@2.75:under", "dnb:away", "ah@0.75:away"] {
            let bet = valued(text, 0.08);
            let stakes = kelly_joint(&matrix(), &[bet], 1.0, 1.0).unwrap();
            let outcomes = matrix().outcomes(&bet.market, bet.selection).unwrap();
            let alone = kelly_outcomes(&outcomes, bet.net_odds, 1.0).unwrap();
            assert!((stakes[0] - alone.stake).abs() < 1e-9, "{text}: {stakes:?}, {alone:?}");
        }
    }

    #[test]
    fn the_three_results_have_the_exclusive_stakes() {
        let odds = [2.2, 3.6, 4.1];
        let bets = [bet("1x2:home", odds[0]), bet("1x2:draw", odds[1]), bet("1x2:away", odds[2])];
        let stakes = kelly_joint(&matrix(), &bets, 1.0, 1.0).unwrap();
        let exact = kelly_exclusive(&odds, &matrix().match_odds()).unwrap();
        for (stake, exact) in stakes.iter().zip(&exact.stakes) {
            assert!((stake - exact).abs() < 1e-8, "{stakes:?}, {exact:?}");
        }
        let growth = joint_growth(&matrix(), &bets, &stakes).unwrap();
        assert!((growth - exact.log_growth).abs() < 1e-13);
    }

    #[test]
    fn no_other_stakes_grow_faster_on_bets_that_hang_together() {
        let sets: [&[(&str, f64)]; 5] = [
            &[("1x2:home", 0.06), ("ah@-0.75:home", 0.05), ("ou@2.5:over", 0.04)],
            &[("ou@2.5:over", 0.05), ("ou@3:over", 0.05), ("btts:yes", 0.05)],
            &[("1x2:home", 0.1), ("1x2:away", 0.1), ("ou@2.25:under", -0.02)],
            &[("dnb:away", 0.02), ("ah@0.25:away", 0.02), ("1x2:draw", 0.01)],
            &[("cs.home:yes", 0.3), ("wtn.home:yes", 0.2), ("oe:odd", 0.01), ("1x2:home", 0.0)],
        ];
        for set in sets {
            let bets: Vec<JointBet> = set.iter().map(|(text, edge)| valued(text, *edge)).collect();
            for cap in [1.0, 0.05, 0.01] {
                let stakes = kelly_joint(&matrix(), &bets, 1.0, cap).unwrap();
                assert!(stakes.iter().sum::<f64>() <= cap + 1e-12, "{stakes:?}");
                assert_best(&bets, &stakes, cap);
            }
        }
    }

    #[test]
    fn of_one_payoff_only_the_best_price_is_staked() {
        let bets = [
            bet("1x2:home", 2.2),
            bet("ah@-0.5:home", 2.25),
            bet("dnb:home", 1.40),
            bet("ah@0:home", 1.42),
        ];
        let stakes = kelly_joint(&matrix(), &bets, 1.0, 1.0).unwrap();
        assert!(stakes[0] == 0.0 && stakes[1] > 0.0 && stakes[2] == 0.0, "{stakes:?}");
        assert_best(&bets, &stakes, 1.0);
    }

    #[test]
    fn the_fraction_scales_and_the_cap_holds() {
        let bets = [valued("1x2:home", 0.1), valued("ou@2.5:over", 0.1)];
        let full = kelly_joint(&matrix(), &bets, 1.0, 1.0).unwrap();
        let quarter = kelly_joint(&matrix(), &bets, 0.25, 1.0).unwrap();
        for (full, quarter) in full.iter().zip(&quarter) {
            assert!((full / 4.0 - quarter).abs() < 1e-12);
        }
        let capped = kelly_joint(&matrix(), &bets, 0.25, 0.01).unwrap();
        assert!((capped.iter().sum::<f64>() - 0.01).abs() < 1e-9, "{capped:?}");
    }

    #[test]
    fn bets_without_value_an_empty_list_and_no_cap_are_not_staked() {
        let none = kelly_joint(&matrix(), &[valued("1x2:home", -0.05)], 1.0, 1.0).unwrap();
        assert_eq!(none, vec![0.0]);
        assert_eq!(kelly_joint(&matrix(), &[], 1.0, 1.0), Ok(vec![]));
        let bets = [valued("1x2:home", 0.05)];
        assert_eq!(kelly_joint(&matrix(), &bets, 1.0, 0.0), Ok(vec![0.0]));
        assert_eq!(kelly_joint(&matrix(), &bets, 0.0, 1.0), Ok(vec![0.0]));
    }

    #[test]
    fn a_sure_gain_is_staked_to_the_cap() {
        let bets = [bet("ou@2.5:over", 2.4), bet("ou@2.5:under", 2.4)];
        let stakes = kelly_joint(&matrix(), &bets, 1.0, 0.3).unwrap();
        assert!((stakes.iter().sum::<f64>() - 0.3).abs() < 1e-9, "{stakes:?}");
        let all = kelly_joint(&matrix(), &bets, 1.0, 1.0).unwrap();
        assert!((all.iter().sum::<f64>() - 1.0).abs() < 1e-6, "{all:?}");
    }

    #[test]
    fn what_the_matrix_cannot_price_is_refused_by_name() {
        let half = kelly_joint(&matrix(), &[bet("1x2/1h:home", 2.0)], 1.0, 1.0).unwrap_err();
        assert!(half.to_string().contains("1x2/1h"), "{half}");
        let wrong = bet("ou@2.5:home", 2.0);
        assert!(kelly_joint(&matrix(), &[wrong], 1.0, 1.0).is_err());
        let odds = kelly_joint(&matrix(), &[bet("1x2:home", f64::NAN)], 1.0, 1.0);
        assert!(matches!(odds, Err(StakingError::Odds(_))));
        assert_eq!(kelly_joint(&matrix(), &[], 1.0, 1.5), Err(StakingError::Cap(1.5)));
        let many = vec![bet("1x2:home", 2.0); 65];
        assert!(kelly_joint(&matrix(), &many, 1.0, 1.0).is_err());
        assert!(joint_growth(&matrix(), &[bet("1x2:home", 2.0)], &[]).is_err());
        assert!(joint_growth(&matrix(), &[bet("1x2:home", 2.0)], &[1.2]).is_err());
    }
}
