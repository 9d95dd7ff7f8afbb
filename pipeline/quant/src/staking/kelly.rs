//! The Kelly stake of one bet.

use super::{StakingError, checked_fraction, checked_odds, checked_probability};
use crate::outcome::Outcomes;
use crate::root;

/// What to stake on a bet, and what that brings.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Kelly {
    /// Fraction of the bankroll, in 0..=1; zero for a bet without value.
    pub stake: f64,
    /// Expected growth of the bankroll's natural logarithm at this stake.
    pub log_growth: f64,
    /// Expected profit per unit staked, negative for a bet without value.
    pub expected_return: f64,
}

/// The Kelly stake of a bet that is won or lost: `fraction · (p·odds − 1) / (odds − 1)` where
/// that is positive (Kelly 1956).
///
/// # Errors
/// [`StakingError::Odds`], [`StakingError::Probability`] or [`StakingError::Fraction`] for an
/// argument that is none.
pub fn kelly(net_odds: f64, p: f64, fraction: f64) -> Result<Kelly, StakingError> {
    kelly_outcomes(&Outcomes::won(checked_probability(p)?), net_odds, fraction)
}

/// The Kelly stake of a bet with five outcomes: what maximises
/// `Σ p·ln(1 + stake·profit)` over the outcomes, times `fraction`.
///
/// Without half outcomes it is the stake of what is decided,
/// `(win·b − loss) / (b·(win + loss))` with `b = net_odds − 1`; with them it is the root of the
/// derivative. A bet that cannot lose takes the whole bankroll and no more.
///
/// # Errors
/// [`StakingError::Odds`], [`StakingError::Outcomes`] or [`StakingError::Fraction`] for an
/// argument that is none.
pub fn kelly_outcomes(
    outcomes: &Outcomes,
    net_odds: f64,
    fraction: f64,
) -> Result<Kelly, StakingError> {
    outcomes.check()?;
    let net_odds = checked_odds(net_odds)?;
    let fraction = checked_fraction(fraction)?;
    let expected_return = outcomes.expected_return(net_odds);
    let stake = if expected_return > 0.0 { fraction * full(outcomes, net_odds)? } else { 0.0 };
    Ok(Kelly { stake, log_growth: log_growth(outcomes, net_odds, stake), expected_return })
}

/// `Σ p·ln(1 + stake·profit)`; minus infinity when the stake can be the bankroll's end.
pub(super) fn log_growth(outcomes: &Outcomes, net_odds: f64, stake: f64) -> f64 {
    let terms = outcomes.iter().filter(|(_, p)| *p > 0.0);
    terms.map(|(outcome, p)| p * libm::log1p(stake * outcome.profit(net_odds))).sum()
}

/// The stake of the whole bankroll's Kelly bettor, for a bet of positive value.
fn full(outcomes: &Outcomes, net_odds: f64) -> Result<f64, StakingError> {
    let b = net_odds - 1.0;
    if outcomes.half_win == 0.0 && outcomes.half_loss == 0.0 {
        let decided = outcomes.win + outcomes.loss;
        return Ok((outcomes.win * b - outcomes.loss) / (b * decided));
    }
    let slope = |stake: f64| {
        let (mut slope, mut bend) = (0.0, 0.0);
        for (outcome, p) in outcomes.iter().filter(|(_, p)| *p > 0.0) {
            let profit = outcome.profit(net_odds);
            let per_wealth = profit / (1.0 + stake * profit);
            slope += p * per_wealth;
            bend -= p * per_wealth * per_wealth;
        }
        (slope, bend)
    };
    if outcomes.loss == 0.0 && slope(1.0).0 >= 0.0 {
        return Ok(1.0);
    }
    root::falling(0.0, 1.0, 0.0, slope).ok_or(StakingError::NotConverged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stakes_growth_and_value_are_those_that_penaltyblog_prints() {
        let stake = |odds, p, fraction| kelly(odds, p, fraction).unwrap();
        assert!((stake(3.5, 0.3, 1.0).stake - 0.02).abs() < 1e-12);
        assert!((stake(2.5, 0.5, 1.0).stake - 0.1666667).abs() < 1e-6);
        assert!((stake(2.5, 0.5, 1.0).expected_return - 0.25).abs() < 1e-12);
        let half = stake(2.1, 0.55, 0.5);
        assert!((half.stake - 0.0704545).abs() < 1e-6, "{half:?}");
        assert!((half.log_growth - 0.00817714).abs() < 1e-6, "{half:?}");
        assert_eq!(stake(1.8, 0.4, 1.0).stake, 0.0);
    }

    #[test]
    fn no_other_stake_grows_faster_on_five_outcomes() {
        for (probabilities, odds) in [
            ([0.4, 0.1, 0.1, 0.1, 0.3], 2.2),
            ([0.45, 0.0, 0.1, 0.25, 0.2], 2.0),
            ([0.2, 0.5, 0.0, 0.0, 0.3], 2.6),
            ([0.5, 0.0, 0.0, 0.5, 0.0], 1.6),
            ([0.02, 0.03, 0.0, 0.01, 0.94], 40.0),
        ] {
            let outcomes = Outcomes::new(probabilities).unwrap();
            let best = kelly_outcomes(&outcomes, odds, 1.0).unwrap();
            assert!(best.stake > 0.0, "{probabilities:?}");
            for thousandth in 0..1000 {
                let other = f64::from(thousandth) / 1000.0;
                let growth = log_growth(&outcomes, odds, other);
                assert!(growth <= best.log_growth + 1e-15, "{other} beats {best:?}");
            }
        }
    }

    #[test]
    fn a_push_changes_the_growth_and_not_the_stake_of_what_is_decided() {
        let with_push = Outcomes::new([0.44, 0.0, 0.2, 0.0, 0.36]).unwrap();
        let pushed = kelly_outcomes(&with_push, 2.0, 1.0).unwrap();
        let decided = kelly(2.0, 0.55, 1.0).unwrap();
        assert!((pushed.stake - decided.stake).abs() < 1e-15);
        assert!((pushed.log_growth - 0.8 * decided.log_growth).abs() < 1e-15);
    }

    #[test]
    fn a_bet_that_cannot_lose_takes_the_bankroll_and_one_without_value_nothing() {
        assert_eq!(kelly(1.01, 1.0, 1.0).unwrap().stake, 1.0);
        let no_loss = Outcomes::new([0.6, 0.0, 0.4, 0.0, 0.0]).unwrap();
        assert_eq!(kelly_outcomes(&no_loss, 3.0, 1.0).unwrap().stake, 1.0);
        let half_at_worst = Outcomes::new([0.9, 0.0, 0.0, 0.1, 0.0]).unwrap();
        assert_eq!(kelly_outcomes(&half_at_worst, 3.0, 1.0).unwrap().stake, 1.0);
        assert_eq!(kelly(2.0, 0.5, 1.0).unwrap().stake, 0.0);
        let pushes = Outcomes::new([0.0, 0.0, 1.0, 0.0, 0.0]).unwrap();
        assert_eq!(kelly_outcomes(&pushes, 3.0, 1.0).unwrap().stake, 0.0);
    }

    #[test]
    fn arguments_that_are_none_are_refused_by_value() {
        assert_eq!(kelly(1.0, 0.5, 1.0), Err(StakingError::Odds(1.0)));
        assert_eq!(kelly(2.0, 1.1, 1.0), Err(StakingError::Probability(1.1)));
        assert_eq!(kelly(2.0, 0.5, 1.5), Err(StakingError::Fraction(1.5)));
        assert!(kelly(f64::NAN, 0.5, 1.0).is_err() && kelly(2.0, f64::NAN, 1.0).is_err());
        let none = Outcomes { win: 0.7, loss: 0.7, ..Outcomes::default() };
        assert!(matches!(kelly_outcomes(&none, 2.0, 1.0), Err(StakingError::Outcomes(_))));
    }
}
