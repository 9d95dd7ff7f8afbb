//! Kelly stakes on bets of different matches that are open at the same time.

use super::growth::States;
use super::optimum::{Growth, maximise};
use super::{StakingError, checked_cap, checked_fraction, checked_odds, unstaked};
use crate::goals::cholesky::Square;
use crate::outcome::Outcomes;

/// A bet whose outcome depends on no other bet's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SimultaneousBet {
    /// The probabilities of its five outcomes.
    pub outcomes: Outcomes,
    /// Decimal odds net of commission.
    pub net_odds: f64,
}

/// The greatest number of bets open at once.
const BETS_MAX: usize = 256;
/// Up to so many combinations of outcomes are listed one by one.
const STATES_MAX: usize = 4096;
/// Beyond that, the part of the bankroll that is never staked, so that the integral which stands
/// for the list decays.
const RESERVE: f64 = 0.1;

/// The stakes on independent bets, open at the same time, that grow the bankroll fastest:
/// fractions of it in the order of the bets.
///
/// They maximise `E ln(1 + Σ stake·profit)` with no stake negative, then are scaled by `fraction`;
/// their sum keeps to `cap`, the optimum being sought among full stakes of at most
/// `cap / fraction`. Up to 4,096 combinations of outcomes the expectation is summed exactly.
/// Beyond that it is `∫ (e^{-t} − e^{-t} Π E e^{-t·stake·profit}) dt/t` (Frullani's integral of
/// the logarithm), in which independent bets are factors; full stakes then leave a tenth of the
/// bankroll.
///
/// # Errors
/// [`StakingError::Odds`], [`StakingError::Outcomes`], [`StakingError::Fraction`],
/// [`StakingError::Cap`] for arguments that are none; [`StakingError::TooMany`] above 256 bets;
/// [`StakingError::NotConverged`] when the search does not end.
pub fn kelly_simultaneous(
    bets: &[SimultaneousBet],
    fraction: f64,
    cap: f64,
) -> Result<Vec<f64>, StakingError> {
    let fraction = checked_fraction(fraction)?;
    let cap = checked_cap(cap)?;
    if bets.len() > BETS_MAX {
        return Err(StakingError::TooMany { bets: bets.len(), max: BETS_MAX });
    }
    let mut valued = Vec::new();
    for (at, bet) in bets.iter().enumerate() {
        checked_odds(bet.net_odds)?;
        bet.outcomes.check()?;
        // An independent bet insures no other: without value of its own it is never staked.
        if bet.outcomes.expected_return(bet.net_odds) > 0.0 {
            valued.push((at, Bet::of(bet)));
        }
    }
    let mut stakes = vec![0.0; bets.len()];
    if fraction == 0.0 || valued.is_empty() {
        return Ok(stakes);
    }
    let full_cap = (cap / fraction).min(1.0);
    let (places, valued): (Vec<usize>, Vec<Bet>) = valued.into_iter().unzip();
    let full = match listed(&valued) {
        Some(states) => maximise(&states, full_cap),
        None => maximise(&Factors { bets: valued }, full_cap.min(1.0 - RESERVE)),
    };
    for (at, stake) in places.into_iter().zip(full.ok_or(StakingError::NotConverged)?) {
        stakes[at] = fraction * stake;
    }
    Ok(stakes)
}

/// The expected growth of the bankroll's natural logarithm when these stakes, fractions of it, are
/// on these independent bets: the sum over all outcomes, or beyond 4,096 combinations Frullani's
/// integral, as in [`kelly_simultaneous`].
///
/// # Errors
/// As [`kelly_simultaneous`]; [`StakingError::Lengths`] when there are not as many stakes as bets,
/// [`StakingError::Cap`] when they are no fractions or more than the bankroll together.
pub fn simultaneous_growth(bets: &[SimultaneousBet], stakes: &[f64]) -> Result<f64, StakingError> {
    if bets.len() != stakes.len() {
        return Err(StakingError::Lengths { odds: bets.len(), probabilities: stakes.len() });
    }
    if bets.len() > BETS_MAX {
        return Err(StakingError::TooMany { bets: bets.len(), max: BETS_MAX });
    }
    unstaked(stakes)?;
    let (mut staked, mut placed) = (Vec::new(), Vec::new());
    for (bet, stake) in bets.iter().zip(stakes) {
        checked_odds(bet.net_odds)?;
        bet.outcomes.check()?;
        if *stake > 0.0 {
            staked.push(*stake);
            placed.push(Bet::of(bet));
        }
    }
    Ok(match listed(&placed) {
        Some(states) => states.value(&staked),
        None => Factors { bets: placed }.value(&staked),
    })
}

/// The outcomes that may happen, as (probability, profit).
struct Bet(Vec<(f64, f64)>);

impl Bet {
    fn of(bet: &SimultaneousBet) -> Self {
        let possible = bet.outcomes.iter().filter(|(_, p)| *p > 0.0);
        Self(possible.map(|(outcome, p)| (p, outcome.profit(bet.net_odds))).collect())
    }
}

/// Every combination of outcomes, or none when they are too many.
fn listed(bets: &[Bet]) -> Option<States> {
    let combinations =
        bets.iter().try_fold(1_usize, |product, bet| product.checked_mul(bet.0.len()))?;
    if combinations > STATES_MAX {
        return None;
    }
    let mut states = States::new(bets.len());
    for mut combination in 0..combinations {
        let mut weight = 1.0;
        let mut profits = Vec::with_capacity(bets.len());
        for bet in bets {
            let (p, profit) = bet.0[combination % bet.0.len()];
            combination /= bet.0.len();
            weight *= p;
            profits.push(profit);
        }
        states.push(weight, profits);
    }
    Some(states)
}

/// Growth of independent bets as an integral in which each is a factor.
struct Factors {
    bets: Vec<Bet>,
}

impl Factors {
    /// `E ln W = ∫ (e^{-t} − E e^{-tW}) dt/t`.
    fn value(&self, stakes: &[f64]) -> f64 {
        let kept = 1.0 - stakes.iter().sum::<f64>();
        let term = |(t, weight): (f64, f64)| {
            let factors = self.bets.iter().zip(stakes).map(|(bet, stake)| {
                let terms =
                    bet.0.iter().map(|(p, profit)| p * libm::exp(-t * stake * (1.0 + profit)));
                libm::log(terms.sum::<f64>())
            });
            let log_product = -t * kept + factors.sum::<f64>();
            -weight / t * libm::exp(-t) * libm::expm1(log_product + t)
        };
        nodes().map(term).sum()
    }
}

/// The nodes of the double-exponential rule on 0..∞ for integrands that decay like `e^{-t}`:
/// `t = exp(x − exp(−x))` (Takahasi and Mori 1974), as (t, weight).
fn nodes() -> impl Iterator<Item = (f64, f64)> {
    const SPACING: f64 = 0.08;
    (-60..=80).map(|step| {
        let x = f64::from(step) * SPACING;
        let fall = libm::exp(-x);
        let t = libm::exp(x - fall);
        (t, SPACING * t * (1.0 + fall))
    })
}

impl Growth for Factors {
    fn bets(&self) -> usize {
        self.bets.len()
    }

    fn derivatives(&self, stakes: &[f64], gradient: &mut [f64], bend: &mut Square) {
        let kept = 1.0 - stakes.iter().sum::<f64>();
        let mut tilted = vec![0.0; stakes.len()];
        let mut spread = vec![0.0; stakes.len()];
        for (t, weight) in nodes() {
            // ln(e^{-t} Π E e^{-t·stake·profit}), each factor kept in 0..1 by e^{-t·stake}.
            let mut log_product = -t * kept;
            for (at, (bet, stake)) in self.bets.iter().zip(stakes).enumerate() {
                let (mut mass, mut first, mut second) = (0.0, 0.0, 0.0);
                for (p, profit) in &bet.0 {
                    let term = p * libm::exp(-t * stake * (1.0 + profit));
                    mass += term;
                    first += term * profit;
                    second += term * profit * profit;
                }
                log_product += libm::log(mass);
                tilted[at] = first / mass;
                spread[at] = second / mass;
            }
            let product = weight * libm::exp(log_product);
            for row in 0..tilted.len() {
                gradient[row] += product * tilted[row];
                for column in 0..row {
                    bend.add(row, column, product * t * tilted[row] * tilted[column]);
                }
                bend.add(row, row, product * t * spread[row]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::kelly_outcomes;
    use super::*;

    fn bet(p: f64, net_odds: f64) -> SimultaneousBet {
        SimultaneousBet { outcomes: Outcomes::two_way(p).unwrap(), net_odds }
    }

    #[test]
    fn one_bet_has_its_own_kelly_stake() {
        let outcomes = Outcomes::new([0.4, 0.15, 0.1, 0.05, 0.3]).unwrap();
        let only = SimultaneousBet { outcomes, net_odds: 2.1 };
        let stakes = kelly_simultaneous(&[only], 1.0, 1.0).unwrap();
        let alone = kelly_outcomes(&outcomes, 2.1, 1.0).unwrap();
        assert!((stakes[0] - alone.stake).abs() < 1e-9, "{stakes:?}, {alone:?}");
    }

    #[test]
    fn the_integral_has_the_derivatives_of_the_list() {
        let bets: Vec<Bet> = [bet(0.5, 2.1), bet(0.3, 3.6), bet(0.7, 1.5), bet(0.05, 25.0)]
            .iter()
            .map(Bet::of)
            .collect();
        let states = listed(&bets).unwrap();
        let factors = Factors { bets };
        for stakes in [[0.0; 4], [0.05, 0.02, 0.04, 0.01], [0.3, 0.1, 0.4, 0.1]] {
            let of = |growth: &dyn Fn(&mut [f64], &mut Square)| {
                let (mut gradient, mut bend) = (vec![0.0; 4], Square::zero(4));
                growth(&mut gradient, &mut bend);
                (gradient, bend.cells)
            };
            let exact = of(&|gradient, bend| states.derivatives(&stakes, gradient, bend));
            let integral = of(&|gradient, bend| factors.derivatives(&stakes, gradient, bend));
            for (one, other) in exact.0.iter().zip(&integral.0) {
                assert!((one - other).abs() < 1e-9 * (1.0 + one.abs()), "{one} {other}");
            }
            for (one, other) in exact.1.iter().zip(&integral.1) {
                assert!((one - other).abs() < 1e-8 * (1.0 + one.abs()), "{one} {other}");
            }
        }
    }

    #[test]
    fn many_bets_at_once_have_the_stakes_of_the_list() {
        // Twelve bets make 4,096 combinations; a thirteenth without value changes nothing.
        let twelve: Vec<SimultaneousBet> =
            (0..12).map(|n| bet(0.4 + 0.01 * f64::from(n), 2.4)).collect();
        let exact = kelly_simultaneous(&twelve, 1.0, 0.6).unwrap();
        let bets = twelve.iter().map(Bet::of).collect();
        let integral = maximise(&Factors { bets }, 0.6).unwrap();
        for (one, other) in exact.iter().zip(&integral) {
            assert!((one - other).abs() < 1e-7, "{exact:?} {integral:?}");
        }
    }

    #[test]
    fn the_integral_has_the_growth_of_the_list() {
        let twelve: Vec<SimultaneousBet> =
            (0..12).map(|n| bet(0.4 + 0.01 * f64::from(n), 2.4)).collect();
        for stakes in [[0.0; 12], [0.02; 12], [0.07; 12]] {
            let exact = simultaneous_growth(&twelve, &stakes).unwrap();
            let integral = Factors { bets: twelve.iter().map(Bet::of).collect() }.value(&stakes);
            assert!((exact - integral).abs() < 1e-9, "{exact} {integral}");
        }
        assert!(simultaneous_growth(&twelve, &[0.1; 12]).is_err(), "more than the bankroll");
        assert!(simultaneous_growth(&twelve, &[0.01]).is_err());
    }

    #[test]
    fn a_saturday_of_forty_bets_keeps_to_its_cap_and_stakes_less_than_each_alone() {
        let bets: Vec<SimultaneousBet> = (0..40)
            .map(|n| bet(0.3 + 0.01 * f64::from(n % 20), 3.1 - 0.03 * f64::from(n)))
            .collect();
        let stakes = kelly_simultaneous(&bets, 1.0, 1.0).unwrap();
        assert!(stakes.iter().sum::<f64>() <= 0.9 + 1e-9);
        for (stake, bet) in stakes.iter().zip(&bets) {
            let alone = kelly_outcomes(&bet.outcomes, bet.net_odds, 1.0).unwrap().stake;
            assert!(*stake <= alone + 1e-9, "{stake} above {alone}");
        }
        let quarter = kelly_simultaneous(&bets, 0.25, 0.1).unwrap();
        assert!((quarter.iter().sum::<f64>() - 0.1).abs() < 1e-9);
    }

    #[test]
    fn bets_without_value_are_not_staked_and_values_that_are_none_are_refused() {
        let stakes = kelly_simultaneous(&[bet(0.4, 2.0), bet(0.6, 2.0)], 1.0, 1.0).unwrap();
        assert!(stakes[0] == 0.0 && (stakes[1] - 0.2).abs() < 1e-9, "{stakes:?}");
        assert_eq!(kelly_simultaneous(&[], 1.0, 1.0), Ok(vec![]));
        assert!(kelly_simultaneous(&[bet(0.4, 1.0)], 1.0, 1.0).is_err());
        assert!(kelly_simultaneous(&vec![bet(0.4, 2.0); 257], 1.0, 1.0).is_err());
    }
}
