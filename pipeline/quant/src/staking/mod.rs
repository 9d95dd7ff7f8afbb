//! How much to stake.
//!
//! Stakes are fractions of the bankroll, odds are decimal and net of commission, growth is the
//! expected change of the natural logarithm of the bankroll. Knows no bankroll and no other
//! matches: the caps of a day and of the whole that bets arriving one by one fill up are for the
//! portfolio; [`capped`] serves a slate that is known at once.

mod arbitrage;
mod beside;
mod caps;
mod exclusive;
mod growth;
mod joint;
mod kelly;
mod optimum;
mod plain;
mod simultaneous;

pub use arbitrage::{Arbitrage, BestPrice, Book, Hedge, Position, arbitrage, hedge, lay_stake};
pub use beside::{HeldBet, kelly_joint_beside};
pub use caps::{Caps, capped};
pub use exclusive::{Exclusive, exclusive_growth, kelly_exclusive};
pub use joint::{JointBet, joint_growth, kelly_joint};
pub use kelly::{Kelly, kelly, kelly_outcomes};
pub use plain::{flat, proportional, target_profit};
pub use simultaneous::{SimultaneousBet, kelly_simultaneous, simultaneous_growth};

use crate::matrix::UnpricedMarket;
use crate::outcome::OutcomesError;

/// Why no stake can be named.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum StakingError {
    /// The odds pay nothing, or are no number.
    #[error("decimal odds net of commission must be finite and above 1, got {0}")]
    Odds(f64),
    /// A probability is none.
    #[error("a probability must lie in 0..=1, got {0}")]
    Probability(f64),
    /// The five outcomes are no distribution.
    #[error(transparent)]
    Outcomes(#[from] OutcomesError),
    /// Outcomes that exclude each other are too likely together.
    #[error("outcomes that exclude each other have probabilities of at most 1 together, got {0}")]
    Sum(f64),
    /// Two lists that belong together have different lengths.
    #[error("{odds} odds need as many probabilities, got {probabilities}")]
    Lengths {
        /// Number of odds.
        odds: usize,
        /// Number of probabilities.
        probabilities: usize,
    },
    /// The fraction of the full stake is none.
    #[error("the fraction of the full Kelly stake must lie in 0..=1, got {0}")]
    Fraction(f64),
    /// The cap is none.
    #[error("a cap is a fraction of the bankroll in 0..=1, got {0}")]
    Cap(f64),
    /// An amount of money, or a share, is none.
    #[error("an amount must be finite and not negative, got {0}")]
    Amount(f64),
    /// A commission is none.
    #[error("a commission is a share of the winnings in 0..1, got {0}")]
    Commission(f64),
    /// The matrix has no price for a bet.
    #[error(transparent)]
    Market(#[from] UnpricedMarket),
    /// More bets at once than are served.
    #[error("at most {max} bets are weighed against each other at once, got {bets}")]
    TooMany {
        /// How many there were.
        bets: usize,
        /// How many there may be.
        max: usize,
    },
    /// A market has no outcomes, or its books disagree on how many.
    #[error("every book must offer the same selections, at least two, got {first} and {other}")]
    Selections {
        /// How many the first book offers.
        first: usize,
        /// How many another does.
        other: usize,
    },
    /// The search for the optimum stopped before it was found.
    #[error(
        "the search for the best stakes did not converge; leave out bets that are nearly alike"
    )]
    NotConverged,
}

fn checked_odds(net_odds: f64) -> Result<f64, StakingError> {
    let pays = net_odds.is_finite() && net_odds > 1.0;
    if pays { Ok(net_odds) } else { Err(StakingError::Odds(net_odds)) }
}

fn checked_probability(p: f64) -> Result<f64, StakingError> {
    if (0.0..=1.0).contains(&p) { Ok(p) } else { Err(StakingError::Probability(p)) }
}

fn checked_fraction(fraction: f64) -> Result<f64, StakingError> {
    if (0.0..=1.0).contains(&fraction) {
        Ok(fraction)
    } else {
        Err(StakingError::Fraction(fraction))
    }
}

fn checked_cap(cap: f64) -> Result<f64, StakingError> {
    if (0.0..=1.0).contains(&cap) { Ok(cap) } else { Err(StakingError::Cap(cap)) }
}

fn checked_amount(amount: f64) -> Result<f64, StakingError> {
    if amount.is_finite() && amount >= 0.0 { Ok(amount) } else { Err(StakingError::Amount(amount)) }
}

/// What stakes on bets that may all be lost leave of the bankroll.
fn unstaked(stakes: &[f64]) -> Result<f64, StakingError> {
    for stake in stakes {
        checked_cap(*stake)?;
    }
    // Stakes that take the whole bankroll may add up to a rounding more.
    const SUM_TOLERANCE: f64 = 1e-12;
    let sum: f64 = stakes.iter().sum();
    let kept = if sum <= 1.0 + SUM_TOLERANCE { (1.0 - sum).max(0.0) } else { 1.0 - sum };
    if kept >= 0.0 { Ok(kept) } else { Err(StakingError::Cap(sum)) }
}
