//! Kelly stakes on outcomes of which at most one occurs.

use super::{StakingError, checked_odds, checked_probability, unstaked};

/// How far above one probabilities of outcomes that exclude each other may add up.
const SUM_TOLERANCE: f64 = 1e-9;

/// Stakes on outcomes that exclude each other.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Exclusive {
    /// Fractions of the bankroll, in the order of the odds.
    pub stakes: Vec<f64>,
    /// Expected growth of the bankroll's natural logarithm.
    pub log_growth: f64,
}

/// The stakes that grow the bankroll fastest when at most one of the outcomes occurs, exactly
/// (Smoczynski and Tomkins 2010, theorem 1; Kelly 1956 for odds without margin).
///
/// In falling order of `p·odds` outcomes are taken while that exceeds the reserve
/// `R = (1 − Σp) / (1 − Σ1/odds)` over those taken; each is staked `p − R/odds`. An outcome may
/// be staked that has no value of its own: it insures the others.
///
/// Where the probabilities add up to less than one, none of the outcomes may occur.
///
/// # Errors
/// [`StakingError::Lengths`] when the lists differ; [`StakingError::Odds`],
/// [`StakingError::Probability`] or [`StakingError::Sum`] for values that are none.
pub fn kelly_exclusive(net_odds: &[f64], p: &[f64]) -> Result<Exclusive, StakingError> {
    checked(net_odds, p)?;
    let mut by_value: Vec<usize> = (0..p.len()).collect();
    by_value.sort_by(|one, other| {
        let value = |at: usize| p[at] * net_odds[at];
        value(*other).total_cmp(&value(*one)).then(one.cmp(other))
    });
    let (mut uncovered, mut unspent, mut reserve) = (1.0_f64, 1.0_f64, 1.0_f64);
    let mut taken = 0;
    for at in &by_value {
        if p[*at] * net_odds[*at] <= reserve {
            break;
        }
        uncovered = (uncovered - p[*at]).max(0.0);
        unspent -= 1.0 / net_odds[*at];
        // Every outcome is taken and the book sums to one or less: nothing is held back.
        reserve = if unspent > 0.0 { uncovered / unspent } else { 0.0 };
        taken += 1;
    }
    let mut stakes = vec![0.0; p.len()];
    let mut log_growth = 0.0;
    for at in &by_value[..taken] {
        stakes[*at] = (p[*at] - reserve / net_odds[*at]).max(0.0);
        log_growth += p[*at] * libm::log(p[*at] * net_odds[*at]);
    }
    if uncovered > 0.0 && taken > 0 {
        log_growth += uncovered * libm::log(reserve);
    }
    Ok(Exclusive { stakes, log_growth })
}

/// The expected growth of the bankroll's natural logarithm when these stakes, fractions of it, are
/// on outcomes of which at most one occurs: `Σ p·ln(kept + stake·odds) + (1 − Σp)·ln kept`, with
/// `kept = 1 − Σ stakes`. Negative infinity where the whole bankroll can be lost.
///
/// # Errors
/// As [`kelly_exclusive`]; [`StakingError::Cap`] for stakes that are no fractions, or more than
/// the bankroll together.
pub fn exclusive_growth(net_odds: &[f64], p: &[f64], stakes: &[f64]) -> Result<f64, StakingError> {
    let certain = checked(net_odds, p)?;
    if stakes.len() != net_odds.len() {
        return Err(StakingError::Lengths { odds: net_odds.len(), probabilities: stakes.len() });
    }
    let kept = unstaked(stakes)?;
    // What cannot happen does not count, however bad it would be.
    let term = |p: f64, wealth: f64| if p > 0.0 { p * libm::log(wealth) } else { 0.0 };
    let outcomes = net_odds.iter().zip(p).zip(stakes);
    let won: f64 = outcomes.map(|((odds, p), stake)| term(*p, kept + stake * odds)).sum();
    let none = 1.0 - certain;
    Ok(won + if none > SUM_TOLERANCE { term(none, kept) } else { 0.0 })
}

/// Checks a market's odds and probabilities, and adds the latter up.
fn checked(net_odds: &[f64], p: &[f64]) -> Result<f64, StakingError> {
    if net_odds.len() != p.len() {
        return Err(StakingError::Lengths { odds: net_odds.len(), probabilities: p.len() });
    }
    for (odds, p) in net_odds.iter().zip(p) {
        checked_odds(*odds)?;
        checked_probability(*p)?;
    }
    let certain: f64 = p.iter().sum();
    if certain > 1.0 + SUM_TOLERANCE {
        return Err(StakingError::Sum(certain));
    }
    Ok(certain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_portfolio_that_penaltyblog_prints_comes_out() {
        let best = kelly_exclusive(&[2.5, 3.2, 2.8], &[0.55, 0.25, 0.20]).unwrap();
        for (stake, printed) in best.stakes.iter().zip([0.2717, 0.0326, 0.0]) {
            assert!((stake - printed).abs() < 5e-5, "{best:?}");
        }
        assert!((best.log_growth - 0.046783).abs() < 5e-7, "{best:?}");
    }

    #[test]
    fn growth_of_the_best_stakes_is_what_they_say_and_of_less_is_less() {
        let (odds, p) = ([2.5, 3.2, 2.8], [0.55, 0.25, 0.20]);
        let best = kelly_exclusive(&odds, &p).unwrap();
        let growth = |fraction: f64| {
            let stakes: Vec<f64> = best.stakes.iter().map(|stake| stake * fraction).collect();
            exclusive_growth(&odds, &p, &stakes).unwrap()
        };
        assert!((growth(1.0) - best.log_growth).abs() < 1e-15);
        assert!(growth(0.5) < best.log_growth && growth(0.5) > 0.0);
        assert_eq!(growth(0.0), 0.0);
        assert_eq!(exclusive_growth(&[2.0, 2.0], &[0.5, 0.4], &[0.5, 0.5]), Ok(f64::NEG_INFINITY));
        assert_eq!(exclusive_growth(&[2.2, 2.2], &[0.5, 0.5], &[0.5, 0.5]), Ok(libm::log(1.1)));
        assert_eq!(exclusive_growth(&[2.0], &[0.5], &[1.5]), Err(StakingError::Cap(1.5)));
        assert!(exclusive_growth(&[2.0], &[0.5], &[f64::NAN]).is_err());
        assert!(exclusive_growth(&[2.0], &[0.5], &[]).is_err());
    }

    #[test]
    fn one_outcome_has_the_plain_kelly_stake() {
        let best = kelly_exclusive(&[2.1], &[0.55]).unwrap();
        let plain = super::super::kelly(2.1, 0.55, 1.0).unwrap();
        assert!((best.stakes[0] - plain.stake).abs() < 1e-15);
        assert!((best.log_growth - plain.log_growth).abs() < 1e-15);
    }

    #[test]
    fn fair_odds_are_not_staked_and_an_arbitrage_is_staked_by_probability() {
        let fair = kelly_exclusive(&[2.0, 4.0, 4.0], &[0.5, 0.25, 0.25]).unwrap();
        assert_eq!((fair.stakes, fair.log_growth), (vec![0.0; 3], 0.0));
        let sure = kelly_exclusive(&[2.2, 4.4, 4.4], &[0.5, 0.25, 0.25]).unwrap();
        for (stake, p) in sure.stakes.iter().zip([0.5, 0.25, 0.25]) {
            assert!((stake - p).abs() < 1e-15);
        }
        assert!((sure.log_growth - libm::log(1.1)).abs() < 1e-15);
    }

    #[test]
    fn no_small_change_of_the_stakes_grows_faster() {
        let (odds, p) = ([2.9, 3.9, 3.1, 15.0], [0.42, 0.24, 0.27, 0.05]);
        let growth = |stakes: &[f64]| {
            let kept = 1.0 - stakes.iter().sum::<f64>();
            let won = (0..4).map(|at| p[at] * libm::log(kept + stakes[at] * odds[at]));
            won.sum::<f64>() + 0.02 * libm::log(kept)
        };
        let best = kelly_exclusive(&odds, &p).unwrap();
        assert!((growth(&best.stakes) - best.log_growth).abs() < 1e-15);
        for at in 0..4 {
            for change in [-1e-4, 1e-4] {
                let mut other = best.stakes.clone();
                other[at] += change;
                assert!(other[at] < 0.0 || growth(&other) < best.log_growth, "{at} {change}");
            }
        }
    }

    #[test]
    fn lists_and_values_that_are_none_are_refused() {
        let lengths = kelly_exclusive(&[2.0], &[0.2, 0.3]);
        assert_eq!(lengths, Err(StakingError::Lengths { odds: 1, probabilities: 2 }));
        assert!(matches!(kelly_exclusive(&[2.0, 2.0], &[0.6, 0.6]), Err(StakingError::Sum(_))));
        assert_eq!(kelly_exclusive(&[0.9, 2.0], &[0.3, 0.3]), Err(StakingError::Odds(0.9)));
        assert!(kelly_exclusive(&[2.0], &[f64::NAN]).is_err());
        assert_eq!(kelly_exclusive(&[], &[]).unwrap().stakes, Vec::<f64>::new());
    }
}
