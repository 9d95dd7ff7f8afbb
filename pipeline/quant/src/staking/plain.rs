//! Stakes that ask for no probability.

use super::{StakingError, checked_amount, checked_cap, checked_odds};

/// The same amount on every bet, as far as the bankroll holds it. Amounts are in one currency.
///
/// # Errors
/// [`StakingError::Amount`] for a negative or not finite amount or bankroll.
pub fn flat(amount: f64, bankroll: f64) -> Result<f64, StakingError> {
    Ok(checked_amount(amount)?.min(checked_amount(bankroll)?))
}

/// The same fraction of the bankroll, in 0..=1, on every bet.
///
/// # Errors
/// [`StakingError::Cap`] for a fraction outside 0..=1, [`StakingError::Amount`] for a bankroll
/// that is none.
pub fn proportional(fraction: f64, bankroll: f64) -> Result<f64, StakingError> {
    Ok(checked_cap(fraction)? * checked_amount(bankroll)?)
}

/// The stake that wins `profit` at these odds: `profit / (net_odds − 1)`.
///
/// # Errors
/// [`StakingError::Amount`] for a profit that is none, [`StakingError::Odds`] for odds of one or
/// less.
pub fn target_profit(profit: f64, net_odds: f64) -> Result<f64, StakingError> {
    Ok(checked_amount(profit)? / (checked_odds(net_odds)? - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_stakes_are_what_they_say() {
        assert_eq!(flat(10.0, 1000.0), Ok(10.0));
        assert_eq!(flat(10.0, 4.0), Ok(4.0));
        assert_eq!(proportional(0.02, 1000.0), Ok(20.0));
        assert_eq!(target_profit(100.0, 3.5), Ok(40.0));
    }

    #[test]
    fn amounts_and_odds_that_are_none_are_refused() {
        assert_eq!(flat(-1.0, 10.0), Err(StakingError::Amount(-1.0)));
        assert!(flat(1.0, f64::NAN).is_err());
        assert_eq!(proportional(1.5, 10.0), Err(StakingError::Cap(1.5)));
        assert_eq!(target_profit(5.0, 1.0), Err(StakingError::Odds(1.0)));
        assert!(target_profit(f64::INFINITY, 2.0).is_err());
    }
}
